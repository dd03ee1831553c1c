#include "state/dashboards.h"

#include <sys/random.h>

#include <array>

#include "base/hex.h"

namespace sightline::state {
namespace {

constexpr const char* kColumns = "id, document, version, created_unix_nanos, updated_unix_nanos";
constexpr const char* kShareColumns = "token, dashboard, state, created_unix_nanos";
constexpr size_t kTokenBytes = 16;

Result<Dashboard> ReadDashboard(const Row& row) {
  Dashboard dashboard;
  dashboard.id = row.Int(0);
  auto document = ReadKeptDashboardDocument(row.Text(1));
  if (!document) {
    return Fail(Code::kInternal, "dashboard {} cannot be read: {}", dashboard.id, document.error().message);
  }
  dashboard.document = *std::move(document);
  dashboard.version = row.Int(2);
  dashboard.created_unix_nanos = row.Int(3);
  dashboard.updated_unix_nanos = row.Int(4);
  return dashboard;
}

DashboardShare ReadShare(const Row& row) {
  return {.token = row.Text(0), .dashboard = row.Text(1), .state = row.Text(2), .created_unix_nanos = row.Int(3)};
}

// All rows; the first that does not read ends it.
Result<std::vector<Dashboard>> Read(Session& session, const std::string& sql, const std::vector<Value>& values) {
  std::vector<Dashboard> found;
  Result<void> all;
  SIGHTLINE_TRY(session.Run(sql.c_str(), values, [&](const Row& row) {
    auto dashboard = ReadDashboard(row);
    if (dashboard) {
      found.push_back(*std::move(dashboard));
    } else if (all) {
      all = std::unexpected(dashboard.error());
    }
  }));
  SIGHTLINE_TRY(all);
  return found;
}

Result<Dashboard> Find(Session& session, int64_t id) {
  auto found =
      Read(session, fmt::format("SELECT {} FROM dashboards WHERE id = ? AND deleted_unix_nanos = 0", kColumns), {id});
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return Fail(Code::kNotFound, "there is no dashboard {}", id);
  return std::move(found->front());
}

Result<Dashboard> FindUnchanged(Session& session, int64_t id, int64_t version) {
  auto dashboard = Find(session, id);
  if (!dashboard || dashboard->version == version) return dashboard;
  return Fail(Code::kFailedPrecondition, "{:?} was changed meanwhile: it has version {}, not {}\nread it again",
              dashboard->document.title, dashboard->version, version);
}

Result<std::string> MakeToken() {
  std::array<char, kTokenBytes> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Fail(Code::kUnavailable, "the system has no random numbers");
  }
  return HexEncode({bytes.data(), bytes.size()});
}

Result<int64_t> Count(Session& session, const char* sql, const std::vector<Value>& values) {
  int64_t count = 0;
  SIGHTLINE_TRY(session.Run(sql, values, [&](const Row& row) { count = row.Int(0); }));
  return count;
}

Result<void> CheckRoom(Session& session) {
  const auto count = Count(session, "SELECT count(*) FROM dashboards WHERE deleted_unix_nanos = 0", {});
  if (!count) return std::unexpected(count.error());
  if (*count < static_cast<int64_t>(kDashboardsMax)) return {};
  return Fail(Code::kResourceExhausted, "there are {} dashboards, which is the most\ndelete some", *count);
}

// What was deleted long ago, or before many others, cannot be restored.
Result<void> ThrowAway(Session& session, int64_t now_unix_nanos) {
  const std::string gone = fmt::format(
      "deleted_unix_nanos > 0 AND (deleted_unix_nanos < ? OR id NOT IN (SELECT id FROM dashboards WHERE "
      "deleted_unix_nanos > 0 ORDER BY deleted_unix_nanos DESC, id DESC LIMIT {}))",
      kDeletedDashboardsMax);
  const Value since = now_unix_nanos - kDeletedKeptNanos;
  SIGHTLINE_TRY(session.Run(
      fmt::format("DELETE FROM dashboard_shares WHERE dashboard IN (SELECT CAST(id AS TEXT) FROM dashboards WHERE {})",
                  gone)
          .c_str(),
      {since}));
  return session.Run(fmt::format("DELETE FROM dashboards WHERE {}", gone).c_str(), {since});
}

}  // namespace

Result<std::vector<Dashboard>> Dashboards::List() {
  Result<std::vector<Dashboard>> list;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    list = Read(session,
                fmt::format("SELECT {} FROM dashboards WHERE deleted_unix_nanos = 0 ORDER BY title COLLATE NOCASE, id",
                            kColumns),
                {});
    if (!list) return std::unexpected(list.error());
    return {};
  }));
  return list;
}

Result<Dashboard> Dashboards::Get(int64_t id) {
  Result<Dashboard> dashboard;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    dashboard = Find(session, id);
    if (!dashboard) return std::unexpected(dashboard.error());
    return {};
  }));
  return dashboard;
}

Result<Dashboard> Dashboards::Create(std::string_view document) {
  auto read = ReadDashboardDocument(document);
  if (!read) return std::unexpected(read.error());
  Dashboard dashboard{.version = 1, .document = *std::move(read)};
  dashboard.created_unix_nanos = dashboard.updated_unix_nanos = clock_.UnixNanos();
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    SIGHTLINE_TRY(CheckRoom(session));
    SIGHTLINE_TRY(
        session.Run("INSERT INTO dashboards (title, document, version, created_unix_nanos, updated_unix_nanos) VALUES "
                    "(?, ?, 1, ?, ?)",
                    {dashboard.document.title, dashboard.document.json, dashboard.created_unix_nanos,
                     dashboard.updated_unix_nanos}));
    dashboard.id = session.last_id();
    return {};
  }));
  return dashboard;
}

Result<Dashboard> Dashboards::Update(int64_t id, int64_t version, std::string_view document) {
  auto read = ReadDashboardDocument(document);
  if (!read) return std::unexpected(read.error());
  Dashboard dashboard;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    auto before = FindUnchanged(session, id, version);
    if (!before) return std::unexpected(before.error());
    dashboard = *std::move(before);
    dashboard.document = *std::move(read);
    dashboard.version = version + 1;
    dashboard.updated_unix_nanos = clock_.UnixNanos();
    return session.Run(
        "UPDATE dashboards SET title = ?, document = ?, version = ?, updated_unix_nanos = ? WHERE id = ?",
        {dashboard.document.title, dashboard.document.json, dashboard.version, dashboard.updated_unix_nanos, id});
  }));
  return dashboard;
}

Result<void> Dashboards::Delete(int64_t id, int64_t version) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    auto dashboard = FindUnchanged(session, id, version);
    if (!dashboard) return std::unexpected(dashboard.error());
    const int64_t now = clock_.UnixNanos();
    SIGHTLINE_TRY(session.Run("UPDATE dashboards SET deleted_unix_nanos = ? WHERE id = ?", {now, id}));
    return ThrowAway(session, now);
  });
}

Result<Dashboard> Dashboards::Restore(int64_t id) {
  Result<Dashboard> dashboard;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    const auto deleted =
        Count(session, "SELECT count(*) FROM dashboards WHERE id = ? AND deleted_unix_nanos > 0", {id});
    if (!deleted) return std::unexpected(deleted.error());
    if (*deleted > 0) SIGHTLINE_TRY(CheckRoom(session));
    SIGHTLINE_TRY(session.Run("UPDATE dashboards SET deleted_unix_nanos = 0 WHERE id = ?", {id}));
    dashboard = Find(session, id);
    if (!dashboard) return std::unexpected(dashboard.error());
    return {};
  }));
  return dashboard;
}

Result<std::vector<DashboardShare>> Dashboards::Shares(const std::string& dashboard) {
  std::vector<DashboardShare> shares;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(fmt::format("SELECT {} FROM dashboard_shares WHERE dashboard = ? "
                                   "ORDER BY created_unix_nanos DESC, token",
                                   kShareColumns)
                           .c_str(),
                       {dashboard}, [&](const Row& row) { shares.push_back(ReadShare(row)); });
  }));
  return shares;
}

Result<DashboardShare> Dashboards::Share(const std::string& dashboard, const std::string& state) {
  if (state.size() > kShareStateBytesMax) {
    return Fail(Code::kInvalidArgument, "state: {} bytes are more than {}", state.size(), kShareStateBytesMax);
  }
  auto token = MakeToken();
  if (!token) return std::unexpected(token.error());
  DashboardShare share{
      .token = *token, .dashboard = dashboard, .state = state, .created_unix_nanos = clock_.UnixNanos()};
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    const auto count = Count(session, "SELECT count(*) FROM dashboard_shares WHERE dashboard = ?", {dashboard});
    if (!count) return std::unexpected(count.error());
    if (*count >= static_cast<int64_t>(kSharesMax)) {
      return Fail(Code::kResourceExhausted, "the dashboard has {} share links, which is the most\nend some", *count);
    }
    return session.Run("INSERT INTO dashboard_shares (token, dashboard, state, created_unix_nanos) VALUES (?, ?, ?, ?)",
                       {share.token, share.dashboard, share.state, share.created_unix_nanos});
  }));
  return share;
}

Result<DashboardShare> Dashboards::FindShare(const std::string& token) {
  std::vector<DashboardShare> found;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(fmt::format("SELECT {} FROM dashboard_shares WHERE token = ? AND dashboard NOT IN (SELECT "
                                   "CAST(id AS TEXT) FROM dashboards WHERE deleted_unix_nanos > 0)",
                                   kShareColumns)
                           .c_str(),
                       {token}, [&](const Row& row) { found.push_back(ReadShare(row)); });
  }));
  if (found.empty()) return Fail(Code::kNotFound, "there is no such share link: it may have been ended");
  return std::move(found.front());
}

Result<void> Dashboards::Revoke(const std::string& token) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    const auto count = Count(session, "SELECT count(*) FROM dashboard_shares WHERE token = ?", {token});
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return Fail(Code::kNotFound, "there is no such share link: it may have been ended");
    return session.Run("DELETE FROM dashboard_shares WHERE token = ?", {token});
  });
}

}  // namespace sightline::state
