#include "demo/sqlite/database.h"

#include <otel/instrumentation/sqlite.h>
#include <sqlite3.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "demo/common/text.h"

namespace demo::sqlite {
namespace {

constexpr std::string_view kErrorType = "SqliteError";

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}
void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Statement& Statement::Bind(int position, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), position, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::Bind(int position, int64_t number) {
  sqlite3_bind_int64(statement_.get(), position, number);
  return *this;
}

Statement& Statement::Bind(int position, double number) {
  sqlite3_bind_double(statement_.get(), position, number);
  return *this;
}

Statement& Statement::Bind(int position, std::span<const std::byte> blob) {
  sqlite3_bind_blob64(statement_.get(), position, blob.data(), blob.size_bytes(), SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::Step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return Fail(kErrorType, "{}", sqlite3_errmsg(sqlite3_db_handle(statement_.get())));
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return {text == nullptr ? "" : text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}
double Statement::Double(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::span<const std::byte> Statement::Blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<Database> Database::Open(const std::string& name, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return Fail(kErrorType, "open {}: {}", name, sqlite3_errstr(code));
  return database;
}

Result<Database> Database::Create(const std::string& path) {
  std::error_code ignored;  // opening it says what is wrong
  if (path != ":memory:") std::filesystem::remove(path, ignored);
  return Open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

Result<Database> Database::OpenImmutable(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) uri += c == '/' ? "/" : PercentEncode({&c, 1});
  auto database = Open(uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  // The file's name has the process's number in it, which would make new series of metrics.
  if (database) {
    otel::instrumentation::InstrumentSqlite(database->database_.get(),
                                            {.db_namespace = "recommender", .root_spans = false});
  }
  return database;
}

Result<void> Database::Execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Fail(kErrorType, "{}", sqlite3_errmsg(database_.get()));
  }
  return {};
}

Result<Statement> Database::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int size = static_cast<int>(sql.size()) + 1;  // with its end, so that SQLite need not copy it
  if (sqlite3_prepare_v3(database_.get(), sql.c_str(), size, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return Fail(kErrorType, "{}", sqlite3_errmsg(database_.get()));
  }
  return Statement(statement);
}

}  // namespace demo::sqlite
