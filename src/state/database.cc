#include "state/database.h"

#include <sqlite3.h>

#include <iterator>

namespace sightline::state {
namespace {

// "SLst": tells our files from others of SQLite.
constexpr int64_t kApplicationId = 0x534C7374;
constexpr int kBusyMillis = 5000;  // while a backup reads

// What makes version n + 1 of version n.
constexpr const char* kMigrations[] = {
    "CREATE TABLE saved_views ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"  // never used again
    " signal TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, page TEXT NOT NULL,"
    " version INTEGER NOT NULL, created_unix_nanos INTEGER NOT NULL, updated_unix_nanos INTEGER NOT NULL,"
    " UNIQUE (signal, name)) STRICT",
    "CREATE TABLE dashboards ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " title TEXT NOT NULL, document TEXT NOT NULL,"
    " version INTEGER NOT NULL, created_unix_nanos INTEGER NOT NULL, updated_unix_nanos INTEGER NOT NULL) STRICT",
    "CREATE TABLE dashboard_shares ("
    " token TEXT PRIMARY KEY,"
    " dashboard TEXT NOT NULL,"  // the id that the API gives it: it may be one of a file
    " state TEXT NOT NULL, created_unix_nanos INTEGER NOT NULL) STRICT",
    "CREATE TABLE exception_decisions ("
    " group_id TEXT PRIMARY KEY, state TEXT NOT NULL, note TEXT NOT NULL, resolved_in_version TEXT NOT NULL,"
    " version INTEGER NOT NULL, decided_unix_nanos INTEGER NOT NULL, regressed_unix_nanos INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE alert_rules ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, document TEXT NOT NULL,"
    " version INTEGER NOT NULL, created_unix_nanos INTEGER NOT NULL, updated_unix_nanos INTEGER NOT NULL) STRICT",
    "CREATE TABLE alert_rule_states ("
    " rule TEXT PRIMARY KEY,"  // the id that the API gives it: it may be one of a file
    " name TEXT NOT NULL, meaning INTEGER NOT NULL, evaluated_unix_nanos INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE alert_instances ("
    " rule TEXT NOT NULL, labels TEXT NOT NULL, state TEXT NOT NULL, level INTEGER NOT NULL, since INTEGER NOT NULL,"
    " breach_since INTEGER NOT NULL, critical_since INTEGER NOT NULL, clear_since INTEGER NOT NULL,"
    " missing_since INTEGER NOT NULL, resolved INTEGER NOT NULL, flaps INTEGER NOT NULL, told INTEGER NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (rule, labels)) STRICT, WITHOUT ROWID",
    "CREATE TABLE alert_transitions ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, at_unix_nanos INTEGER NOT NULL, rule TEXT NOT NULL,"
    " rule_name TEXT NOT NULL, fingerprint TEXT NOT NULL, labels TEXT NOT NULL, from_state TEXT NOT NULL,"
    " to_state TEXT NOT NULL, severity TEXT NOT NULL, value TEXT NOT NULL, message TEXT NOT NULL) STRICT",
    "CREATE INDEX alert_transitions_of_rules ON alert_transitions (rule, id)",
    "ALTER TABLE dashboards ADD COLUMN deleted_unix_nanos INTEGER NOT NULL DEFAULT 0",  // 0: it is there
    "CREATE TABLE slos ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL,"
    " version INTEGER NOT NULL, created_unix_nanos INTEGER NOT NULL, updated_unix_nanos INTEGER NOT NULL) STRICT",
    // What its SLI counted, by hour since 1970; `minutes` has the sixty (slo/minutes.h). `slo` is the id that the API
    // gives it: it may be one of a file.
    "CREATE TABLE slo_hours ("
    " slo TEXT NOT NULL, hour INTEGER NOT NULL, good REAL NOT NULL, total REAL NOT NULL, minutes TEXT NOT NULL,"
    " PRIMARY KEY (slo, hour)) STRICT, WITHOUT ROWID",
    // Which SLI was counted, and which minutes of it.
    "CREATE TABLE slo_progress ("
    " slo TEXT PRIMARY KEY, sli TEXT NOT NULL, definition TEXT NOT NULL, begin_minute INTEGER NOT NULL,"
    " end_minute INTEGER NOT NULL, counted_unix_nanos INTEGER NOT NULL, error TEXT NOT NULL,"
    " budget_level INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE slo_events ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, slo TEXT NOT NULL, at_unix_nanos INTEGER NOT NULL, kind TEXT NOT NULL,"
    " text TEXT NOT NULL) STRICT",
    "CREATE INDEX slo_events_of_slo ON slo_events (slo, id)",
    "CREATE TABLE notify_documents ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind TEXT NOT NULL,"  // channel, routing, silence
    " document TEXT NOT NULL, version INTEGER NOT NULL,"
    " created_unix_nanos INTEGER NOT NULL, updated_unix_nanos INTEGER NOT NULL) STRICT",
    "CREATE TABLE notify_inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT",
    "CREATE TABLE notify_groups ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " group_key TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, token TEXT NOT NULL, labels TEXT NOT NULL,"
    " interval_nanos INTEGER NOT NULL, repeat_nanos INTEGER NOT NULL,"
    " due_unix_nanos INTEGER NOT NULL, told_unix_nanos INTEGER NOT NULL) STRICT",
    "CREATE TABLE notify_members ("
    " group_id INTEGER NOT NULL, fingerprint TEXT NOT NULL, event TEXT NOT NULL,"
    " is_changed INTEGER NOT NULL, is_told INTEGER NOT NULL, PRIMARY KEY (group_id, fingerprint)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX notify_members_of_alerts ON notify_members (fingerprint)",
    "CREATE TABLE notify_acknowledgements ("
    " fingerprint TEXT PRIMARY KEY, at_unix_nanos INTEGER NOT NULL, comment TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE notify_deliveries ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " channel TEXT NOT NULL, channel_name TEXT NOT NULL, channel_kind TEXT NOT NULL, group_id INTEGER NOT NULL,"
    " state TEXT NOT NULL, notification TEXT NOT NULL, enriched INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " created_unix_nanos INTEGER NOT NULL, tried_unix_nanos INTEGER NOT NULL, due_unix_nanos INTEGER NOT NULL,"
    " status INTEGER NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL, error TEXT NOT NULL) STRICT",
    "CREATE INDEX notify_deliveries_queued ON notify_deliveries (group_id, due_unix_nanos) "
    "WHERE state IN ('waiting', 'failed')",
};
constexpr int64_t kVersion = std::size(kMigrations);

Code CodeOf(int result) {
  switch (result & 0xFF) {
    case SQLITE_CONSTRAINT:
      return Code::kAlreadyExists;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return Code::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kDataLoss;
    default:
      return Code::kInternal;
  }
}

std::unexpected<Error> Failed(sqlite3* connection, int result) {
  return Fail(CodeOf(result), "state.sqlite: {}", connection == nullptr ? "no memory" : sqlite3_errmsg(connection));
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

int Bind(sqlite3_stmt* statement, int place, const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, place, *number);
  if (const auto* number = std::get_if<double>(&value)) return sqlite3_bind_double(statement, place, *number);
  const auto& text = std::get<std::string>(value);
  return sqlite3_bind_text64(statement, place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

Result<int64_t> Number(Session& session, const char* sql) {
  int64_t number = 0;
  SIGHTLINE_TRY(session.Run(sql, {}, [&](const Row& row) { number = row.Int(0); }));
  return number;
}

}  // namespace

int64_t Row::Int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Row::Number(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Row::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text), size);
}

Result<void> Session::Run(const char* sql, const std::vector<Value>& values,
                          const std::function<void(const Row& row)>& read) {
  sqlite3_stmt* prepared = nullptr;
  int result = sqlite3_prepare_v2(connection_, sql, -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, Finalize> statement(prepared);
  for (size_t i = 0; result == SQLITE_OK && i < values.size(); ++i) {
    result = Bind(prepared, static_cast<int>(i + 1), values[i]);
  }
  if (result != SQLITE_OK) return Failed(connection_, result);
  while ((result = sqlite3_step(prepared)) == SQLITE_ROW) {
    if (read) read(Row(prepared));
  }
  if (result != SQLITE_DONE) return Failed(connection_, sqlite3_extended_errcode(connection_));
  return {};
}

int64_t Session::last_id() const {
  return sqlite3_last_insert_rowid(connection_);
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  sqlite3* connection = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &connection,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(connection));
  if (result != SQLITE_OK) return Failed(connection, result);
  sqlite3_busy_timeout(connection, kBusyMillis);
  SIGHTLINE_TRY(database->Prepare());
  return database;
}

Database::~Database() {
  sqlite3_close_v2(connection_);
}

Result<void> Database::Prepare() {
  Session session(connection_);
  auto version = Number(session, "PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  auto application = Number(session, "PRAGMA application_id");
  if (!application) return std::unexpected(application.error());
  auto tables = Number(session, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(tables.error());
  const bool is_new = *version == 0 && *application == 0 && *tables == 0;
  if (!is_new && *application != kApplicationId) {
    return Fail(Code::kFailedPrecondition, "state.sqlite is a database of another program");
  }
  if (*version > kVersion) {
    return Fail(
        Code::kFailedPrecondition,
        "state.sqlite has version {}, and this program knows {} and below\nuse the program that wrote it, or a newer "
        "one",
        *version, kVersion);
  }
  // Readers elsewhere (a backup) and a writer do not wait for each other; a commit is synced before it is answered.
  SIGHTLINE_TRY(session.Run("PRAGMA journal_mode = WAL", {}));
  SIGHTLINE_TRY(session.Run("PRAGMA synchronous = FULL", {}));
  if (*version == kVersion) return {};
  return Transaction([&](Session& in) -> Result<void> {
    for (int64_t next = *version; next < kVersion; ++next) SIGHTLINE_TRY(in.Run(kMigrations[next], {}));
    SIGHTLINE_TRY(in.Run(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str(), {}));
    return in.Run(fmt::format("PRAGMA user_version = {}", kVersion).c_str(), {});
  });
}

Result<void> Database::Transaction(const std::function<Result<void>(Session& session)>& work) {
  const std::lock_guard lock(mutex_);
  Session session(connection_);
  SIGHTLINE_TRY(session.Run("BEGIN IMMEDIATE", {}));
  Result<void> done = work(session);
  if (done) done = session.Run("COMMIT", {});
  // A failed commit may have ended the transaction itself.
  if (!done && sqlite3_get_autocommit(connection_) == 0) static_cast<void>(session.Run("ROLLBACK", {}));
  return done;
}

}  // namespace sightline::state
