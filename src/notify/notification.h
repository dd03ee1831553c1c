// What one message tells: alerts of a group, and what helps to understand them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "notify/alert_event.h"

namespace sightline::notify {

inline constexpr size_t kAlertsToldMax = 50;  // in one message; of further ones the count

enum class NotificationKind : uint8_t {
  kFiring,
  kResolved,      // nothing of the group fires any more
  kAcknowledged,  // somebody has taken all that fires
  kTest,
};
std::string_view NotificationKindName(NotificationKind kind);  // "firing", "resolved", "acknowledged", "test"

struct ToldAlert {
  AlertEvent event;
  Enrichment enrichment;
};

struct Notification {
  std::string id;     // the same with each attempt: by it receivers know a repetition
  std::string group;  // the same from the first to the last notification of a group
  NotificationKind kind = NotificationKind::kFiring;
  Labels group_labels;
  std::vector<ToldAlert> alerts;  // firing ones first; at most kAlertsToldMax
  uint64_t left_out = 0;          // further ones
  uint64_t silenced = 0;          // that fire too, but are silenced
  int64_t at_unix_nanos = 0;
  int64_t repeats_nanos = 0;  // it is told again so much later at the latest, if it still fires
  std::string comment;        // of kAcknowledged
};

bool IsResolved(const AlertEvent& event);

std::string NotificationToJson(const Notification& notification);
Result<Notification> NotificationFromJson(std::string_view json);

// For people.
std::string TitleOf(const Notification& notification);     // "[FIRING 2] High error rate · service.name=checkout"
std::string ValueText(const AlertEvent& event);            // "0.0712 s"; "" without a value
std::string LabelsText(const Labels& labels);              // "a=b, c=d"
std::string DifferenceText(const Difference& difference);  // "span.region = eu in 92 % of these, 4 % of others"
std::string TimeText(int64_t unix_nanos);                  // "2026-07-02T13:46:40Z"
const std::string* Annotation(const AlertEvent& event, const std::string& name);  // null: none

// Links, absolute by the UI's URL.
std::string LinkOf(const AlertEvent& event, const std::string& public_url);
std::string TraceLink(const std::string& trace_id, const std::string& public_url);

// All that a message says of an alert, in the order in which people read it.
struct Fact {
  std::string_view name;  // "Value"
  std::string text;
  bool is_link = false;
};
std::vector<Fact> FactsOf(const ToldAlert& alert, const std::string& public_url);

// At most so many bytes, whole characters, "…" at the end of what was cut.
std::string Shortened(std::string_view text, size_t bytes_max);

}  // namespace sightline::notify
