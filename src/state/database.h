// One SQLite file for all that is small and transactional. Data: statements with bound values -> rows.
//
// What a transaction has committed survives a crash of the program and a loss of power: it is synced before Transaction
// returns. A file of a newer version of the program is not touched.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sightline::state {

using Value = std::variant<int64_t, double, std::string>;

// A row while it is read. Thread: the one that reads.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t Int(int column) const;
  double Number(int column) const;
  std::string Text(int column) const;

 private:
  sqlite3_stmt* const statement_;
};

// Within a transaction. Thread: the one that runs it.
class Session {
 public:
  explicit Session(sqlite3* connection) : connection_(connection) {}

  // kAlreadyExists: a unique value is there; kUnavailable: the disk is full or the file is in use elsewhere.
  Result<void> Run(const char* sql, const std::vector<Value>& values,
                   const std::function<void(const Row& row)>& read = nullptr);
  int64_t last_id() const;

 private:
  sqlite3* const connection_;
};

// Thread: any.
class Database {
 public:
  // Creates the file, or brings an older one up to date. kFailedPrecondition: it is of a newer version; kDataLoss: it
  // is no database, or damaged.
  static Result<std::unique_ptr<Database>> Open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // All of `work` is done and synced, or, where it fails, nothing of it.
  Result<void> Transaction(const std::function<Result<void>(Session& session)>& work);

 private:
  explicit Database(sqlite3* connection) : connection_(connection) {}
  Result<void> Prepare();

  std::mutex mutex_;
  sqlite3* const connection_;  // guarded by mutex_
};

}  // namespace sightline::state
