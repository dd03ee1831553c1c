// SQLite with its errors as values. Data: SQL and bound values -> rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "demo/common/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace demo::sqlite {

// A prepared statement, used again and again: Bind, Step until it gives false, Reset. What was bound and what a column
// gave lives until the next Reset or Step. The database must outlive it. Thread: the database's.
class Statement {
 public:
  // Positions count from 1 for parameters, from 0 for columns, as SQLite's do. Bound text and blobs are borrowed.
  Statement& Bind(int position, std::string_view text);
  Statement& Bind(int position, int64_t number);
  Statement& Bind(int position, double number);
  Statement& Bind(int position, std::span<const std::byte> blob);

  Result<bool> Step();  // true: there is a row
  void Reset();

  std::string_view Text(int column) const;
  int64_t Int(int column) const;
  double Double(int column) const;
  std::span<const std::byte> Blob(int column) const;
  // The blob as numbers. SQLite aligns what it returns as malloc does.
  template <typename Number>
  std::span<const Number> Numbers(int column) const {
    const auto bytes = Blob(column);
    return {reinterpret_cast<const Number*>(bytes.data()), bytes.size() / sizeof(Number)};
  }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Resets a statement at the end of its use, so that it holds no lock and can be used again.
class ResetLater {
 public:
  explicit ResetLater(Statement& statement) : statement_(statement) {}
  ~ResetLater() { statement_.Reset(); }
  ResetLater(const ResetLater&) = delete;
  ResetLater& operator=(const ResetLater&) = delete;

 private:
  Statement& statement_;
};

// One connection.
// Thread: one at a time.
class Database {
 public:
  static Result<Database> Create(const std::string& path);  // replaces what is there; ":memory:" too
  // For files that nobody writes while they are open: reads them without any lock. Within a trace each run of a
  // statement is a span.
  static Result<Database> OpenImmutable(const std::string& path);

  Result<void> Execute(const std::string& sql);
  Result<Statement> Prepare(const std::string& sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  static Result<Database> Open(const std::string& name, int flags);
  explicit Database(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace demo::sqlite
