// What a service asks of databases: stored spans with a database system, by system, namespace and the shape of their
// statement. Data: a service and a range of time -> ClickHouse -> rows.
//
// A shape is the statement with "?" for each literal, so that calls which differ in values only are one. A span without
// a statement has its operation and collection instead, else its name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kDatabaseCallsMax = 1000;  // of an answer
inline constexpr uint32_t kStatementBytesMax = 2000;

struct DatabaseCallSearch {
  std::string service;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to)
  uint32_t limit = 50;                             // 1 to kDatabaseCallsMax
};

struct DatabaseCall {
  std::string system, database, statement;
  double calls = 0, errors = 0;                                                        // by their AdjustedCount
  double p50_nanos = 0, p90_nanos = 0, p95_nanos = 0, p99_nanos = 0, total_nanos = 0;  // within 0.8 %; of all calls
  uint64_t max_nanos = 0;                                                              // of those kept
};

struct DatabaseCalls {
  std::vector<DatabaseCall> calls;  // those that took the most time together first
  uint64_t calls_in_all = 0;        // shapes
  bool is_estimate = false;         // some of the spans stand for others, or not all of them were looked at
  store::QueryStats scanned;
};

// Thread: any.
class DatabaseCallReader {
 public:
  // `source` must outlive it.
  explicit DatabaseCallReader(ItemSource& source) : source_(source) {}

  // kInvalidArgument: a limit out of bounds, an empty range.
  Result<DatabaseCalls> Read(const DatabaseCallSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
