// Spans by the values of fields: a table with counts, errors, durations and a small series of each group.
// Data: TraceQL, a range of time and fields -> ClickHouse -> rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kGroupsMax = 1000;         // a page
inline constexpr uint32_t kGroupsPagedMax = 10'000;  // that pages reach
inline constexpr size_t kGroupFieldsMax = 5;
inline constexpr uint32_t kSparklineStepsMax = 200;

enum class GroupSort : uint8_t { kCount, kErrors, kP99 };

// Where a page ended.
struct GroupCursor {
  uint64_t block = 0;  // rows of later inserts are not looked at
  uint32_t seen = 0;   // groups on the pages before
};

struct GroupSearch {
  ItemQuery query;              // of spans
  std::vector<std::string> by;  // 1 to kGroupFieldsMax, as TraceQL writes them
  GroupSort sort = GroupSort::kCount;
  uint32_t limit = 50;            // 1 to kGroupsMax
  uint32_t sparkline_steps = 30;  // 1 to kSparklineStepsMax
  std::optional<GroupCursor> cursor;
};

struct SpanGroup {
  std::vector<std::string> literals;                                  // in the order of `by`; "nil": spans without it
  double spans = 0, errors = 0;                                       // by their AdjustedCount
  double p50_nanos = 0, p95_nanos = 0, p99_nanos = 0, max_nanos = 0;  // of durations, within 0.8 %; max of those kept
  std::vector<double> sparkline;  // spans of each part of the range, from its begin on
};

struct GroupPage {
  std::vector<std::string> fields;  // of `by`, in one form
  std::vector<SpanGroup> groups;    // the most first
  double spans = 0, errors = 0;     // of all groups
  uint64_t groups_in_all = 0;
  double one_in = 1;  // of so many traces one was judged; counts are scaled up
  std::optional<GroupCursor> next;
  store::QueryStats scanned;
};

// Thread: any.
class GroupReader {
 public:
  // `source` must outlive it.
  explicit GroupReader(ItemSource& source) : source_(source) {}

  // kInvalidArgument: a limit out of bounds, no field, or one that a span's row does not have.
  Result<GroupPage> Read(const GroupSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
