// Notifications on their way to a channel, and what became of earlier ones. Rows of the state: what is queued survives
// a crash, and is sent again where nothing is known of an answer.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "notify/notification.h"
#include "state/database.h"

namespace sightline::notify {

inline constexpr size_t kQueuedMax = 1000;        // further groups wait until there is room
inline constexpr size_t kEndedKeptMax = 10'000;   // rows of those that ended
inline constexpr size_t kLogTextBytesMax = 8192;  // of a request or an answer that is kept

enum class DeliveryState : uint8_t {
  kWaiting,  // not tried yet
  kFailed,   // tried without success; it is tried again
  kSent,     // the receiver has taken it
  kGivenUp,  // it never will be
};
std::string_view DeliveryStateName(DeliveryState state);  // "waiting", "failed", "sent", "given_up"

struct Delivery {
  int64_t id = 0;
  std::string channel, channel_name, channel_kind;
  int64_t group = 0;  // 0: of none
  DeliveryState state = DeliveryState::kWaiting;
  Notification notification;
  bool enriched = false;
  int64_t attempts = 0;
  int64_t created_unix_nanos = 0, tried_unix_nanos = 0, due_unix_nanos = 0;  // due: of the next try
  int64_t status = 0;                  // of the last answer: HTTP's or SMTP's; 0: there was none
  std::string request, answer, error;  // of the last try: without secrets; what came back; why it failed
};

// All within a transaction of the caller. Never changes. Thread: any.
namespace deliveries {

Result<void> Insert(state::Session& session, Delivery& delivery);  // sets its id
Result<void> Update(state::Session& session, const Delivery& delivery);
Result<size_t> CountQueued(state::Session& session);

// The queued one that is due first, but of these channels none, and none that an earlier one of its group is before. It
// may be due in the future.
Result<std::optional<Delivery>> NextQueued(state::Session& session, const std::set<std::string>& but_not_of);

// Newest first, before `before_id` (0: all).
Result<std::vector<Delivery>> List(state::Session& session, int64_t before_id, size_t max);

// Ended ones created before that, and the oldest beyond kEndedKeptMax.
Result<void> Forget(state::Session& session, int64_t created_before_unix_nanos);

}  // namespace deliveries
}  // namespace sightline::notify
