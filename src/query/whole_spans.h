// Spans with all that was sent of them, in batches, for exports: of what a list found, or of whole traces.
// Data: points of a list -> ClickHouse -> spans with their resources and scopes.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "query/trace_types.h"

namespace sightline::query {

// Spans that are read at once: what an export holds in memory.
inline constexpr uint32_t kSpansOfBatchMax = 5000;

struct SpanBatch {
  std::vector<Span> spans;  // with their trace ids, by start time
  std::vector<AttributeSet> sets;
};

// Thread: any.
class WholeSpanReader {
 public:
  // It must outlive the reader.
  explicit WholeSpanReader(ItemSource& source) : source_(source) {}

  // Just these, at most 2,000. What was sent twice comes as often as it is named.
  Result<SpanBatch> Read(std::span<const SpanPoint> points, store::Cancellation* cancellation = nullptr);

  // All spans of the traces that these are of, within a day of them: batch after batch, each of whole traces or of a
  // part of one. `take` returns false to stop, which is kCancelled.
  Result<void> ReadTraces(std::span<const SpanPoint> points, const std::function<bool(const SpanBatch&)>& take,
                          store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
