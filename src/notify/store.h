// What people decide about notifications: channels, routing, silences, acknowledgements. Data: documents -> rows of the
// state, and those of files beside them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "notify/channel.h"
#include "notify/notify_files.h"
#include "notify/routing.h"
#include "notify/silence.h"
#include "state/database.h"

namespace sightline::notify {

inline constexpr size_t kOwnChannelsMax = 500;
inline constexpr size_t kSilencesMax = 2000;
inline constexpr size_t kAcknowledgementCommentBytesMax = 1000;

struct KeptChannel {
  std::string id;  // a number, or file-NAME
  bool is_file = false;
  int64_t version = 1;                                     // from 1 on, one more with each change
  int64_t created_unix_nanos = 0, updated_unix_nanos = 0;  // 0: unknown
  Channel channel;
};

struct KeptRouting {
  bool is_file = false;
  int64_t version = 0;  // 0: nobody has said anything yet
  Routing routing;
};

struct KeptSilence {
  int64_t id = 0, version = 0;
  Silence silence;
};

struct Acknowledgement {
  int64_t at_unix_nanos = 0;
  std::string comment;
};

// Ids of those that are on now and match.
std::vector<int64_t> SilencedBy(const std::vector<KeptSilence>& silences, const Labels& labels, int64_t unix_nanos);

// Thread: any.
class NotifyStore {
 public:
  // What is borrowed must outlive it.
  NotifyStore(state::Database& database, NotifyFiles& files, const Clock& clock = Clock::System())
      : database_(database), files_(files), clock_(clock) {}

  Result<std::vector<KeptChannel>> Channels();  // by name
  std::vector<state::BrokenFile> BrokenFiles() { return files_.Read().broken; }
  Result<KeptChannel> FindChannel(const std::string& id);
  // kInvalidArgument: "smtp.port: …"; kResourceExhausted.
  Result<KeptChannel> CreateChannel(std::string_view document);
  // As Create, and: kNotFound; kFailedPrecondition: somebody else has changed it since; kAlreadyExists: it is of a
  // file.
  Result<KeptChannel> UpdateChannel(const std::string& id, int64_t version, std::string_view document);
  // kFailedPrecondition too while the routing names it.
  Result<void> DeleteChannel(const std::string& id, int64_t version);

  Result<KeptRouting> CurrentRouting();
  // kInvalidArgument also for channels that do not exist; kAlreadyExists: it is of a file.
  Result<KeptRouting> SetRouting(int64_t version, std::string_view document);

  Result<std::vector<KeptSilence>> Silences();  // newest first
  Result<KeptSilence> CreateSilence(std::string_view document);
  Result<KeptSilence> UpdateSilence(int64_t id, int64_t version, std::string_view document);
  Result<void> DeleteSilence(int64_t id, int64_t version);

  // By fingerprint, of alerts that have not been resolved since.
  Result<std::map<std::string, Acknowledgement>> Acknowledgements();

  // Within a transaction of the caller.
  Result<KeptRouting> ReadRoutingIn(state::Session& session);
  Result<std::vector<KeptChannel>> ReadChannelsIn(state::Session& session);
  Result<std::vector<KeptSilence>> ReadSilencesIn(state::Session& session);
  Result<void> ForgetSilencesIn(state::Session& session, int64_t ended_before_unix_nanos);

 private:
  Result<KeptChannel> FindOwn(state::Session& session, const std::string& id, std::optional<int64_t> version);

  state::Database& database_;
  NotifyFiles& files_;
  const Clock& clock_;
};

}  // namespace sightline::notify
