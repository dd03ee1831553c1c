#include "notify/deliveries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sightline::notify {
namespace {

using state::Row;
using state::Session;

constexpr std::array<std::string_view, 4> kStates = {"waiting", "failed", "sent", "given_up"};
constexpr const char* kColumns =
    "id, channel, channel_name, channel_kind, group_id, state, notification, enriched, attempts, created_unix_nanos, "
    "tried_unix_nanos, due_unix_nanos, status, request, answer, error";

Result<Delivery> ReadRow(const Row& row) {
  auto notification = NotificationFromJson(row.Text(6));
  if (!notification) return std::unexpected(notification.error());
  Delivery delivery{.id = row.Int(0),
                    .channel = row.Text(1),
                    .channel_name = row.Text(2),
                    .channel_kind = row.Text(3),
                    .group = row.Int(4),
                    .notification = *std::move(notification),
                    .enriched = row.Int(7) != 0,
                    .attempts = row.Int(8),
                    .created_unix_nanos = row.Int(9),
                    .tried_unix_nanos = row.Int(10),
                    .due_unix_nanos = row.Int(11),
                    .status = row.Int(12),
                    .request = row.Text(13),
                    .answer = row.Text(14),
                    .error = row.Text(15)};
  const auto state = std::ranges::find(kStates, row.Text(5));
  if (state != kStates.end()) delivery.state = static_cast<DeliveryState>(state - kStates.begin());
  return delivery;
}

Result<std::vector<Delivery>> Read(Session& session, const std::string& sql, const std::vector<state::Value>& values) {
  std::vector<Delivery> found;
  Result<void> all;
  SIGHTLINE_TRY(session.Run(sql.c_str(), values, [&](const Row& row) {
    auto delivery = ReadRow(row);
    if (delivery) {
      found.push_back(*std::move(delivery));
    } else if (all) {
      all = std::unexpected(delivery.error());
    }
  }));
  SIGHTLINE_TRY(all);
  return found;
}

}  // namespace

std::string_view DeliveryStateName(DeliveryState state) {
  return kStates[static_cast<size_t>(state)];
}

namespace deliveries {

Result<void> Insert(Session& session, Delivery& delivery) {
  SIGHTLINE_TRY(session.Run(
      "INSERT INTO notify_deliveries (channel, channel_name, channel_kind, group_id, state, notification, enriched, "
      "attempts, created_unix_nanos, tried_unix_nanos, due_unix_nanos, status, request, answer, error) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {delivery.channel, delivery.channel_name, delivery.channel_kind, delivery.group,
       std::string(DeliveryStateName(delivery.state)), NotificationToJson(delivery.notification),
       int64_t{delivery.enriched}, delivery.attempts, delivery.created_unix_nanos, delivery.tried_unix_nanos,
       delivery.due_unix_nanos, delivery.status, delivery.request, delivery.answer, delivery.error}));
  delivery.id = session.last_id();
  return {};
}

Result<void> Update(Session& session, const Delivery& delivery) {
  return session.Run(
      "UPDATE notify_deliveries SET state = ?, notification = ?, enriched = ?, attempts = ?, tried_unix_nanos = ?, "
      "due_unix_nanos = ?, status = ?, request = ?, answer = ?, error = ? WHERE id = ?",
      {std::string(DeliveryStateName(delivery.state)), NotificationToJson(delivery.notification),
       int64_t{delivery.enriched}, delivery.attempts, delivery.tried_unix_nanos, delivery.due_unix_nanos,
       delivery.status, delivery.request, delivery.answer, delivery.error, delivery.id});
}

Result<size_t> CountQueued(Session& session) {
  int64_t count = 0;
  SIGHTLINE_TRY(session.Run("SELECT count(*) FROM notify_deliveries WHERE state IN ('waiting', 'failed')", {},
                            [&](const Row& row) { count = row.Int(0); }));
  return static_cast<size_t>(count);
}

Result<std::optional<Delivery>> NextQueued(Session& session, const std::set<std::string>& but_not_of) {
  std::string others;
  std::vector<state::Value> values;
  for (const auto& channel : but_not_of) {
    others += others.empty() ? "?" : ", ?";
    values.emplace_back(channel);
  }
  auto found = Read(session,
                    fmt::format("SELECT {} FROM notify_deliveries AS d WHERE state IN ('waiting', 'failed') "
                                "AND channel NOT IN ({}) AND NOT EXISTS (SELECT 1 FROM notify_deliveries AS e WHERE "
                                "e.group_id = d.group_id AND e.id < d.id AND e.state IN ('waiting', 'failed')) "
                                "ORDER BY due_unix_nanos, id LIMIT 1",
                                kColumns, others),
                    values);
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

Result<std::vector<Delivery>> List(Session& session, int64_t before_id, size_t max) {
  const int64_t before = before_id == 0 ? INT64_MAX : before_id;
  return Read(session, fmt::format("SELECT {} FROM notify_deliveries WHERE id < ? ORDER BY id DESC LIMIT ?", kColumns),
              {before, static_cast<int64_t>(max)});
}

Result<void> Forget(Session& session, int64_t created_before_unix_nanos) {
  SIGHTLINE_TRY(
      session.Run("DELETE FROM notify_deliveries WHERE state IN ('sent', 'given_up') AND created_unix_nanos < ?",
                  {created_before_unix_nanos}));
  return session.Run(
      "DELETE FROM notify_deliveries WHERE state IN ('sent', 'given_up') AND id <= (SELECT id FROM notify_deliveries "
      "WHERE state IN ('sent', 'given_up') ORDER BY id DESC LIMIT 1 OFFSET ?)",
      {static_cast<int64_t>(kEndedKeptMax)});
}

}  // namespace deliveries
}  // namespace sightline::notify
