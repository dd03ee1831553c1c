// Log records by the values of fields: a table with counts, errors and a small series of each group.
// Data: TraceQL, a range of time and fields -> ClickHouse -> rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kLogGroupsMax = 1000;
inline constexpr size_t kLogGroupFieldsMax = 5;
inline constexpr uint32_t kLogGroupStepsMax = 200;

struct LogGroupSearch {
  ItemQuery query;              // of log records
  std::vector<std::string> by;  // 1 to kLogGroupFieldsMax, as TraceQL writes them
  uint32_t limit = 50;          // 1 to kLogGroupsMax
  uint32_t steps = 30;          // of the small series, 1 to kLogGroupStepsMax
};

struct LogGroup {
  std::vector<std::string> literals;  // in the order of `by`; "nil": records without it
  double records = 0, errors = 0;     // errors: of severity error and above
  int64_t last_unix_nanos = 0;        // of the newest record that was looked at
  std::vector<double> sparkline;      // records of each part of the range, from its begin on
};

struct LogGroupList {
  std::vector<std::string> fields;  // of `by`, in one form
  std::vector<LogGroup> groups;     // the most first
  double records = 0;               // of all groups
  uint64_t groups_in_all = 0;
  double one_in = 1;  // of so many records one was looked at; counts are scaled up
  store::QueryStats scanned;
};

// Thread: any.
class LogGroupReader {
 public:
  // `source` must outlive it.
  explicit LogGroupReader(ItemSource& source) : source_(source) {}

  // kInvalidArgument: a limit out of bounds, no field, or one that a record does not have.
  Result<LogGroupList> Read(const LogGroupSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
