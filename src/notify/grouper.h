// Which alerts are told together, and when. Data: events of the inbox -> groups of channels -> notifications in the
// queue. All of it are rows of the state, and a step is one transaction: a restart neither forgets nor repeats.
//
// A group is new with its first alert: it waits (group_wait) for others of the same cause. Then it is told when
// something in it has changed, but at most each group_interval; and again after repeat_interval while something fires
// that nobody has acknowledged. While a notification of a group is in the queue, no other one is made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "notify/alert_event.h"
#include "notify/notification.h"
#include "notify/store.h"
#include "state/database.h"

namespace sightline::notify {

inline constexpr size_t kGroupsMax = 20'000;
inline constexpr size_t kAcknowledgementsMax = 10'000;

// Thread: any, by the transaction's.
class Grouper {
 public:
  explicit Grouper(NotifyStore& store) : store_(store) {}

  // Into the inbox.
  static Result<void> Add(state::Session& session, const AlertEvent& event);

  struct Taken {
    size_t events = 0;
    size_t unrouted = 0;  // that no channel is for
    size_t dropped = 0;   // for which there is no room, or that do not read back
  };
  // Up to `max` events, into the groups that they belong to.
  Result<Taken> TakeInbox(state::Session& session, int64_t now, size_t max);

  // Makes notifications of the groups that are due. How many.
  Result<size_t> Tell(state::Session& session, int64_t now);

  // When Tell has something to do next; 0: not before something happens.
  static Result<int64_t> NextDue(state::Session& session);

  // Stops repetitions of an alert until it is resolved, and says so to channels that know the word. Whether there is
  // such an alert is the caller's to know.
  Result<void> Acknowledge(state::Session& session, const std::string& fingerprint, const std::string& comment,
                           int64_t now);
  Result<void> Withdraw(state::Session& session, const std::string& fingerprint, int64_t now);  // kNotFound

 private:
  struct Group {
    int64_t id = 0;
    std::string channel, token;
    Labels labels;
    int64_t interval = 0, repeat = 0, told = 0;  // told: when last; 0: never
  };
  struct Member {
    AlertEvent event;
    bool is_changed = false;  // since it was told
    bool is_told = false;
    bool is_acknowledged = false;
    bool is_silenced = false;
  };

  Result<void> Take(state::Session& session, const Routing& routing, const AlertEvent& event, int64_t now,
                    Taken& taken);
  static Result<std::vector<Group>> DueGroups(state::Session& session, int64_t now, size_t max);
  static Result<std::vector<Member>> MembersOf(state::Session& session, int64_t group,
                                               const std::vector<KeptSilence>& silences, int64_t now);
  static Notification NotificationOf(const Group& group, const std::vector<Member>& members, int64_t now);
  // When the group is to be looked at after now; 0: not before something happens.
  static int64_t NextLook(const Group& group, const std::vector<Member>& members, int64_t now);
  static Result<void> TellAcknowledged(state::Session& session, int64_t id, const std::vector<KeptChannel>& channels,
                                       const std::string& comment, int64_t now);
  Result<bool> TellGroup(state::Session& session, const Group& group, const std::vector<KeptChannel>& channels,
                         const std::vector<KeptSilence>& silences, int64_t now);

  NotifyStore& store_;
};

}  // namespace sightline::notify
