#include "notify/grouper.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "base/json_writer.h"
#include "notify/deliveries.h"

namespace sightline::notify {
namespace {

using state::Row;
using state::Session;

constexpr const char* kIsQueued =
    "EXISTS (SELECT 1 FROM notify_deliveries AS d WHERE d.group_id = g.id AND d.state IN ('waiting', 'failed'))";

std::string RandomId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string LabelsToJson(const Labels& labels) {
  JsonWriter json;
  json.Begin('{');
  for (const auto& [name, value] : labels) json.Key(name).String(value);
  return json.End('}').Take();
}

// What was written by LabelsToJson reads back by way of a notification, which has labels too.
Result<Labels> LabelsFromJson(const std::string& json) {
  auto notification = NotificationFromJson(fmt::format(R"({{"alerts":[],"group_labels":{}}})", json));
  if (!notification) return std::unexpected(notification.error());
  return std::move(notification->group_labels);
}

Result<std::vector<int64_t>> GroupsWith(Session& session, const std::string& fingerprint) {
  std::vector<int64_t> ids;
  SIGHTLINE_TRY(session.Run("SELECT group_id FROM notify_members WHERE fingerprint = ?", {fingerprint},
                            [&](const Row& row) { ids.push_back(row.Int(0)); }));
  return ids;
}

Result<int64_t> Count(Session& session, const char* sql, const std::vector<state::Value>& values) {
  int64_t count = 0;
  SIGHTLINE_TRY(session.Run(sql, values, [&](const Row& row) { count = row.Int(0); }));
  return count;
}

// The group of the target, made if it is not there; 0: there is no room for another one.
Result<int64_t> FindOrMakeGroup(Session& session, const Target& target, int64_t now) {
  const std::string key = GroupKey(target);
  const Grouping& grouping = target.grouping;
  auto id = Count(session, "SELECT id FROM notify_groups WHERE group_key = ?", {key});
  if (!id) return id;
  if (*id != 0) {
    SIGHTLINE_TRY(session.Run("UPDATE notify_groups SET interval_nanos = ?, repeat_nanos = ? WHERE id = ?",
                              {grouping.interval_nanos, grouping.repeat_nanos, *id}));
    return id;
  }
  const auto count = Count(session, "SELECT count(*) FROM notify_groups", {});
  if (!count || *count >= static_cast<int64_t>(kGroupsMax)) return count ? Result<int64_t>(0) : count;
  SIGHTLINE_TRY(session.Run(
      "INSERT INTO notify_groups (group_key, channel, token, labels, interval_nanos, repeat_nanos, due_unix_nanos, "
      "told_unix_nanos) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
      {key, target.channel, RandomId(), LabelsToJson(target.group_labels), grouping.interval_nanos,
       grouping.repeat_nanos, now + grouping.wait_nanos}));
  return session.last_id();
}

Result<void> ForgetGroup(Session& session, int64_t id) {
  SIGHTLINE_TRY(session.Run("DELETE FROM notify_members WHERE group_id = ?", {id}));
  return session.Run("DELETE FROM notify_groups WHERE id = ?", {id});
}

// What the event changes in one group.
Result<void> ChangeMember(Session& session, int64_t group, const AlertEvent& event, int64_t now) {
  if (IsResolved(event)) {
    // Who never heard of it need not hear that it is over.
    SIGHTLINE_TRY(session.Run("DELETE FROM notify_members WHERE group_id = ? AND fingerprint = ? AND is_told = 0",
                              {group, event.fingerprint}));
    SIGHTLINE_TRY(
        session.Run("UPDATE notify_members SET event = ?, is_changed = 1 WHERE group_id = ? AND fingerprint = ?",
                    {EventToJson(event), group, event.fingerprint}));
    const auto left = Count(session, "SELECT count(*) FROM notify_members WHERE group_id = ?", {group});
    if (!left) return std::unexpected(left.error());
    if (*left == 0) return ForgetGroup(session, group);
  } else {
    SIGHTLINE_TRY(session.Run(
        "INSERT INTO notify_members (group_id, fingerprint, event, is_changed, is_told) VALUES (?, ?, ?, 1, 0) "
        "ON CONFLICT (group_id, fingerprint) DO UPDATE SET event = excluded.event, is_changed = 1",
        {group, event.fingerprint, EventToJson(event)}));
  }
  // A new group waits for others anyhow; one that was told has its interval.
  return session.Run(
      "UPDATE notify_groups SET due_unix_nanos = CASE WHEN due_unix_nanos = 0 "
      "THEN max(?1, told_unix_nanos + interval_nanos) "
      "ELSE min(due_unix_nanos, max(?1, told_unix_nanos + interval_nanos)) END WHERE id = ?2 AND told_unix_nanos > 0",
      {now, group});
}

}  // namespace

Result<void> Grouper::Add(Session& session, const AlertEvent& event) {
  return session.Run("INSERT INTO notify_inbox (event) VALUES (?)", {EventToJson(event)});
}

Result<Grouper::Taken> Grouper::TakeInbox(Session& session, int64_t now, size_t max) {
  Taken taken;
  std::vector<std::pair<int64_t, std::string>> rows;
  SIGHTLINE_TRY(session.Run("SELECT id, event FROM notify_inbox ORDER BY id LIMIT ?", {static_cast<int64_t>(max)},
                            [&](const Row& row) { rows.emplace_back(row.Int(0), row.Text(1)); }));
  if (rows.empty()) return taken;
  const auto routing = store_.ReadRoutingIn(session);
  if (!routing) return std::unexpected(routing.error());
  for (const auto& [id, json] : rows) {
    const auto event = EventFromJson(json);
    if (event) {
      SIGHTLINE_TRY(Take(session, routing->routing, *event, now, taken));
    } else {
      ++taken.dropped;  // else it would hold back all that came after it
    }
  }
  taken.events = rows.size();
  SIGHTLINE_TRY(session.Run("DELETE FROM notify_inbox WHERE id <= ?", {rows.back().first}));
  return taken;
}

Result<void> Grouper::Take(Session& session, const Routing& routing, const AlertEvent& event, int64_t now,
                           Taken& taken) {
  // Those that know it hear of it, whatever the routing has become meanwhile.
  const auto known = GroupsWith(session, event.fingerprint);
  if (!known) return std::unexpected(known.error());
  std::set<int64_t> groups(known->begin(), known->end());
  if (!IsResolved(event)) {
    const std::vector<Target> targets = TargetsOf(routing, LabelsToMatch(event), event.fingerprint);
    for (const Target& target : targets) {
      const auto group = FindOrMakeGroup(session, target, now);
      if (!group) return std::unexpected(group.error());
      if (*group != 0) groups.insert(*group);
      if (*group == 0) ++taken.dropped;
    }
    if (groups.empty() && targets.empty()) ++taken.unrouted;
  } else {
    SIGHTLINE_TRY(session.Run("DELETE FROM notify_acknowledgements WHERE fingerprint = ?", {event.fingerprint}));
  }
  for (const int64_t group : groups) SIGHTLINE_TRY(ChangeMember(session, group, event, now));
  return {};
}

Result<std::vector<Grouper::Group>> Grouper::DueGroups(Session& session, int64_t now, size_t max) {
  std::vector<Group> groups;
  Result<void> all;
  SIGHTLINE_TRY(session.Run(
      fmt::format("SELECT id, channel, token, labels, interval_nanos, repeat_nanos, told_unix_nanos FROM notify_groups "
                  "AS g WHERE due_unix_nanos > 0 AND due_unix_nanos <= ? AND NOT {} ORDER BY due_unix_nanos LIMIT ?",
                  kIsQueued)
          .c_str(),
      {now, static_cast<int64_t>(max)}, [&](const Row& row) {
        auto labels = LabelsFromJson(row.Text(3));
        if (!labels && all) all = std::unexpected(labels.error());
        groups.push_back({.id = row.Int(0),
                          .channel = row.Text(1),
                          .token = row.Text(2),
                          .labels = labels ? *std::move(labels) : Labels(),
                          .interval = row.Int(4),
                          .repeat = row.Int(5),
                          .told = row.Int(6)});
      }));
  SIGHTLINE_TRY(all);
  return groups;
}

Result<size_t> Grouper::Tell(Session& session, int64_t now) {
  const auto queued = deliveries::CountQueued(session);
  if (!queued) return std::unexpected(queued.error());
  if (*queued >= kQueuedMax) return 0;
  const auto groups = DueGroups(session, now, kQueuedMax - *queued);
  if (!groups) return std::unexpected(groups.error());
  if (groups->empty()) return 0;
  const auto channels = store_.ReadChannelsIn(session);
  if (!channels) return std::unexpected(channels.error());
  const auto silences = store_.ReadSilencesIn(session);
  if (!silences) return std::unexpected(silences.error());
  size_t made = 0;
  for (const Group& group : *groups) {
    const auto told = TellGroup(session, group, *channels, *silences, now);
    if (!told) return std::unexpected(told.error());
    made += *told ? 1 : 0;
  }
  return made;
}

Result<std::vector<Grouper::Member>> Grouper::MembersOf(Session& session, int64_t group,
                                                        const std::vector<KeptSilence>& silences, int64_t now) {
  std::vector<Member> members;
  Result<void> all;
  SIGHTLINE_TRY(
      session.Run("SELECT m.event, m.is_changed, m.is_told, a.fingerprint IS NOT NULL FROM notify_members AS m "
                  "LEFT JOIN notify_acknowledgements AS a ON a.fingerprint = m.fingerprint WHERE m.group_id = ?",
                  {group}, [&](const Row& row) {
                    auto event = EventFromJson(row.Text(0));
                    if (!event) {
                      if (all) all = std::unexpected(event.error());
                      return;
                    }
                    Member member{.event = *std::move(event),
                                  .is_changed = row.Int(1) != 0,
                                  .is_told = row.Int(2) != 0,
                                  .is_acknowledged = row.Int(3) != 0};
                    // Who was told that it fires hears that it is over, silenced or not: their incident would stay
                    // open.
                    member.is_silenced =
                        !IsResolved(member.event) && !SilencedBy(silences, LabelsToMatch(member.event), now).empty();
                    members.push_back(std::move(member));
                  }));
  SIGHTLINE_TRY(all);
  std::ranges::stable_sort(members, {}, [](const Member& member) {
    return std::tuple(IsResolved(member.event), member.event.severity != "critical", member.event.starts_unix_nanos);
  });
  return members;
}

Notification Grouper::NotificationOf(const Group& group, const std::vector<Member>& members, int64_t now) {
  Notification notification{.id = RandomId(),
                            .group = group.token,
                            .kind = NotificationKind::kResolved,
                            .group_labels = group.labels,
                            .at_unix_nanos = now,
                            .repeats_nanos = group.repeat};
  for (const Member& member : members) {
    // A silenced one that was told of still fires for whoever heard of it.
    if (!IsResolved(member.event) && (!member.is_silenced || member.is_told))
      notification.kind = NotificationKind::kFiring;
    if (member.is_silenced) {
      notification.silenced += member.is_told ? 1 : 0;
    } else if (notification.alerts.size() < kAlertsToldMax) {
      notification.alerts.push_back({.event = member.event, .enrichment = {}});
    } else {
      ++notification.left_out;
    }
  }
  return notification;
}

int64_t Grouper::NextLook(const Group& group, const std::vector<Member>& members, int64_t now) {
  int64_t next = 0;
  const auto at = [&](int64_t time) { next = next == 0 ? time : std::min(next, time); };
  for (const Member& member : members) {
    if (IsResolved(member.event)) continue;
    // Silences end, and then it is told.
    if (member.is_silenced && member.is_changed) at(now + group.interval);
    if (!member.is_acknowledged && group.told > 0)
      at(std::max(group.told + group.repeat, now + (member.is_silenced ? group.interval : 0)));
  }
  return next;
}

Result<bool> Grouper::TellGroup(Session& session, const Group& group, const std::vector<KeptChannel>& channels,
                                const std::vector<KeptSilence>& silences, int64_t now) {
  const auto channel = std::ranges::find(channels, group.channel, &KeptChannel::id);
  auto members = MembersOf(session, group.id, silences, now);
  if (!members) return std::unexpected(members.error());
  if (channel == channels.end() || members->empty()) {
    SIGHTLINE_TRY(ForgetGroup(session, group.id));
    return false;
  }
  const bool has_changed =
      std::ranges::any_of(*members, [](const Member& member) { return member.is_changed && !member.is_silenced; });
  const bool repeats =
      group.told > 0 && now >= group.told + group.repeat && std::ranges::any_of(*members, [](const Member& member) {
        return !IsResolved(member.event) && !member.is_silenced && !member.is_acknowledged;
      });
  Group after = group;
  if (has_changed || repeats) {
    Delivery delivery{.channel = channel->id,
                      .channel_name = channel->channel.name,
                      .channel_kind = std::string(ChannelKindName(channel->channel.kind)),
                      .group = group.id,
                      .notification = NotificationOf(group, *members, now),
                      .created_unix_nanos = now,
                      .due_unix_nanos = now};
    SIGHTLINE_TRY(deliveries::Insert(session, delivery));
    after.told = now;
    for (Member& member : *members) {
      if (member.is_silenced) continue;
      member.is_changed = false;
      member.is_told = true;
      SIGHTLINE_TRY(session.Run(IsResolved(member.event)
                                    ? "DELETE FROM notify_members WHERE group_id = ? AND fingerprint = ?"
                                    : "UPDATE notify_members SET is_changed = 0, is_told = 1 WHERE group_id = ? AND "
                                      "fingerprint = ?",
                                {group.id, member.event.fingerprint}));
    }
    std::erase_if(*members, [](const Member& member) { return IsResolved(member.event); });
  }
  if (members->empty()) {
    SIGHTLINE_TRY(ForgetGroup(session, group.id));
  } else {
    SIGHTLINE_TRY(session.Run("UPDATE notify_groups SET due_unix_nanos = ?, told_unix_nanos = ? WHERE id = ?",
                              {NextLook(after, *members, now), after.told, group.id}));
  }
  return has_changed || repeats;
}

Result<int64_t> Grouper::NextDue(Session& session) {
  return Count(session,
               fmt::format("SELECT coalesce(min(due_unix_nanos), 0) FROM notify_groups AS g WHERE due_unix_nanos > 0 "
                           "AND NOT {}",
                           kIsQueued)
                   .c_str(),
               {});
}

Result<void> Grouper::Acknowledge(Session& session, const std::string& fingerprint, const std::string& comment,
                                  int64_t now) {
  const auto groups = GroupsWith(session, fingerprint);
  if (!groups) return std::unexpected(groups.error());
  const auto channels = store_.ReadChannelsIn(session);
  if (!channels) return std::unexpected(channels.error());
  const auto count = Count(session, "SELECT count(*) FROM notify_acknowledgements", {});
  if (!count) return std::unexpected(count.error());
  if (*count >= static_cast<int64_t>(kAcknowledgementsMax)) {
    return Fail(Code::kResourceExhausted, "{} alerts are acknowledged, which is the most\ntake some back", *count);
  }
  SIGHTLINE_TRY(session.Run(
      "INSERT INTO notify_acknowledgements (fingerprint, at_unix_nanos, comment) VALUES (?, ?, ?) "
      "ON CONFLICT (fingerprint) DO UPDATE SET at_unix_nanos = excluded.at_unix_nanos, comment = excluded.comment",
      {fingerprint, now, comment}));
  for (const int64_t id : *groups) SIGHTLINE_TRY(TellAcknowledged(session, id, *channels, comment, now));
  return {};
}

// Once all that the channel was told of is taken: its incident is of the whole group.
Result<void> Grouper::TellAcknowledged(Session& session, int64_t id, const std::vector<KeptChannel>& channels,
                                       const std::string& comment, int64_t now) {
  std::optional<Group> group;
  SIGHTLINE_TRY(
      session.Run("SELECT channel, token, repeat_nanos FROM notify_groups WHERE id = ?", {id}, [&](const Row& row) {
        group = Group{.id = id, .channel = row.Text(0), .token = row.Text(1), .labels = {}, .repeat = row.Int(2)};
      }));
  if (!group) return {};
  const auto channel = std::ranges::find(channels, group->channel, &KeptChannel::id);
  if (channel == channels.end() || channel->channel.kind != ChannelKind::kPagerDuty) return {};
  auto members = MembersOf(session, id, {}, now);
  if (!members) return std::unexpected(members.error());
  std::erase_if(*members, [](const Member& member) { return !member.is_told || IsResolved(member.event); });
  const bool all = std::ranges::all_of(*members, &Member::is_acknowledged);
  if (members->empty() || !all) return {};
  Delivery delivery{.channel = channel->id,
                    .channel_name = channel->channel.name,
                    .channel_kind = std::string(ChannelKindName(channel->channel.kind)),
                    .group = id,
                    .notification = NotificationOf(*group, *members, now),
                    .created_unix_nanos = now,
                    .due_unix_nanos = now};
  delivery.notification.kind = NotificationKind::kAcknowledged;
  delivery.notification.comment = comment;
  return deliveries::Insert(session, delivery);
}

Result<void> Grouper::Withdraw(Session& session, const std::string& fingerprint, int64_t now) {
  const auto found =
      Count(session, "SELECT count(*) FROM notify_acknowledgements WHERE fingerprint = ?", {fingerprint});
  if (!found) return std::unexpected(found.error());
  if (*found == 0) return Fail(Code::kNotFound, "nobody has acknowledged it");
  SIGHTLINE_TRY(session.Run("DELETE FROM notify_acknowledgements WHERE fingerprint = ?", {fingerprint}));
  return session.Run(
      "UPDATE notify_groups SET due_unix_nanos = max(?1, told_unix_nanos + repeat_nanos) WHERE due_unix_nanos = 0 AND "
      "id "
      "IN (SELECT group_id FROM notify_members WHERE fingerprint = ?2)",
      {now, fingerprint});
}

}  // namespace sightline::notify
