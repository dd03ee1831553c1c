// What the UI, the API and the CLI ask about traces. Data: bound parameters -> ClickHouse -> typed values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/attributes.h"
#include "query/filters.h"
#include "query/span_read.h"
#include "query/trace_types.h"
#include "store/clickhouse.h"

namespace sightline::query {

class TraceQuery;

inline constexpr uint32_t kTracesMax = 1000;         // a page
inline constexpr uint32_t kScatterPointsMax = 5000;  // an answer
inline constexpr uint32_t kScatterPointsDefault = 1000;

// One span meets all of these at once.
struct SpanFilter {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;                  // of the span's start; [from, to)
  std::optional<std::string> service;                              // none: any; "": spans that name none
  std::string span_name;                                           // "": any
  std::string status;                                              // "Unset", "Ok", "Error"; "": any
  std::optional<uint64_t> min_duration_nanos, max_duration_nanos;  // included
  std::vector<AttributeCondition> attributes;
  std::shared_ptr<const TraceQuery> query;  // TraceQL that the trace must meet too; null: none
};

enum class TraceSort : uint8_t { kNewest, kSlowest };

// Where a page ended. It carries the first page's range and what was stored then, so that pages after it answer from
// the same rows, whatever arrives meanwhile.
struct TraceCursor {
  TraceSort sort = TraceSort::kNewest;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // stand for the filter's
  uint64_t block = 0;                              // rows of later inserts are not looked at
  uint64_t key = 0;      // of the last trace: start (Unix nanoseconds) or duration of its matched span
  std::string trace_id;  // of the last trace, 32 hex digits
};

struct TraceSearch {
  SpanFilter filter;
  TraceSort sort = TraceSort::kNewest;
  uint32_t limit = 50;  // 1 to kTracesMax
  std::optional<TraceCursor> cursor;
};

struct TracePage {
  std::vector<TraceSummary> traces;
  std::optional<TraceCursor> next;  // none: this is the last page
  store::QueryStats scanned;
};

// Thread: any.
class TraceReader {
 public:
  // `clickhouse` must outlive it. `hot_attributes`: all that have a column, as store::StoredHotAttributes gives them.
  explicit TraceReader(store::ClickHouse& clickhouse,
                       std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes(),
                       std::string database = "sightline")
      : clickhouse_(clickhouse), hot_attributes_(std::move(hot_attributes)), database_(std::move(database)) {}

  // Traces that have a matching span, ordered by the newest or slowest of those; each trace is on one page only.
  // A page of a search in TraceQL may be shorter than its limit though another follows: it ends where enough traces
  // were judged. kInvalidArgument: a limit out of bounds, an empty range, a cursor of the other order.
  Result<TracePage> Search(const TraceSearch& search, store::Cancellation* cancellation = nullptr);

  // All matching spans up to `limit` (1 to kScatterPointsMax). Of more: half are errors, then the slowest; the rest an
  // even sample that the spans' ids decide, so that the same spans give the same points. Of a query that needs whole
  // traces: a matching span of each of the newest traces that match.
  Result<Scatter> GetScatter(const SpanFilter& filter, uint32_t limit, store::Cancellation* cancellation = nullptr);

  // All of these: kNotFound; kInvalidArgument if the id is no hex, too short, or fits more than one trace, or a limit is
  // out of bounds.
  Result<Trace> GetTrace(std::string_view id_or_prefix, const SpanPageSearch& page = {},
                         store::Cancellation* cancellation = nullptr);
  Result<TraceOutline> GetOutline(std::string_view id_or_prefix, const SpanPageSearch& page = {},
                                  store::Cancellation* cancellation = nullptr);
  // `span_id`: 16 hex digits. Of spans that were sent twice under one id the first.
  Result<SpanDetail> GetSpan(std::string_view id_or_prefix, std::string_view span_id,
                             store::Cancellation* cancellation = nullptr);

 private:
  Result<std::string> ResolveId(Question& question, std::string_view id_or_prefix);
  Result<void> AddMessages(Question& question, const std::string& condition, TraceOutline& outline);

  store::ClickHouse& clickhouse_;
  const std::vector<otlp::HotAttribute> hot_attributes_;
  const std::string database_;
  AttributeSets sets_;
  FilledLately filled_lately_;
};

}  // namespace sightline::query
