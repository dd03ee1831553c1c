// Spans as rows of a table with chosen columns. Data: TraceQL, a range of time and fields -> ClickHouse -> a page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "query/traces.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kSpanListMax = 1000;  // a page
inline constexpr size_t kSpanListFieldsMax = 40;
inline constexpr size_t kSpansOfTraceListedMax = 100;  // of a trace that was judged as a whole

// Where a page ended. The range of the first page is the query's; rows of later inserts are not looked at.
struct SpanListCursor {
  uint64_t block_max = 0;
  uint64_t key = 0;      // of the last span: start (Unix nanoseconds) or duration
  std::string trace_id;  // of the last span
  std::string span_id;   // "": the list is one of traces (a query that needs them whole), and the last one was this
  uint64_t block = 0;    // of the last span
};

struct SpanListSearch {
  ItemQuery query;                  // of spans
  std::vector<std::string> select;  // as TraceQL writes them; those of a select() in the query come behind
  TraceSort sort = TraceSort::kNewest;
  uint32_t limit = 50;  // 1 to kSpanListMax
  std::optional<SpanListCursor> cursor;
};

struct ListedSpan {
  SpanPoint span;
  std::vector<std::string> literals;  // one for each field, as TraceQL writes it; "nil": it does not have it
  uint64_t block = 0;
};

struct SpanListPage {
  std::vector<std::string> fields;  // that were selected, in one form, without those that each span has anyway
  std::vector<ListedSpan> spans;
  std::optional<SpanListCursor> next;
  bool is_cut = false;  // some of its traces have more spans that match
  store::QueryStats scanned;
};

// Thread: any.
class SpanListReader {
 public:
  // Both must outlive it.
  SpanListReader(ItemSource& source, TraceReader& traces) : source_(source), traces_(traces) {}

  // The newest or the slowest first. Of a query that needs whole traces a page is `limit` traces in the order of their
  // newest (slowest) candidates, with up to kSpansOfTraceListedMax matching spans each; it may have fewer though
  // another follows. kInvalidArgument: a limit out of bounds, or a field that a span's row does not have.
  Result<SpanListPage> Read(const SpanListSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
  TraceReader& traces_;
};

}  // namespace sightline::query
