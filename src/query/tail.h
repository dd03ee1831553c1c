// What has been stored since a moment, in the order of its coming: live tails. Data: TraceQL and where the last look
// ended -> ClickHouse -> what is new and matches, and where this look ended.
//
// A block becomes visible day by day, each day at once (store/block_inserter.h). A look remembers which days of the
// last block it has seen, so that the next one neither skips nor repeats a row, whatever becomes visible in between.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "query/logs.h"
#include "query/span_list.h"

namespace sightline::query {

inline constexpr uint32_t kTailItemsMax = 1000;  // a look

struct TailPosition {
  uint64_t block = 0;          // blocks before it are done
  std::vector<uint16_t> days;  // of the block: days since 1970 that are done, too
};

struct TailSearch {
  ItemQuery query;                    // its range is not used
  std::vector<std::string> select;    // of spans: columns, as in SpanListSearch
  uint32_t limit = 100;               // 1 to kTailItemsMax
  std::optional<TailPosition> after;  // none: what comes from now on
};

struct TailLook {
  TailPosition position;  // for the next look
  uint64_t stored = 0;    // items that came in since the last look
  uint64_t matched = 0;   // of them; more than the list has where it is full
};
struct SpanTail : TailLook {
  std::vector<std::string> fields;
  std::vector<ListedSpan> spans;  // the newest `limit` of what matched, oldest first
  store::QueryStats scanned;
};
struct LogTail : TailLook {
  std::vector<LogRecord> records;  // as above
  std::vector<AttributeSet> attribute_sets;
  store::QueryStats scanned;
};

// Thread: any.
class TailReader {
 public:
  // It must outlive the reader.
  explicit TailReader(ItemSource& source) : source_(source) {}

  // Of a query that needs whole traces, new spans that match with what has come of their traces so far.
  // kInvalidArgument: a limit out of bounds, or a field that a row does not have.
  Result<SpanTail> ReadSpans(const TailSearch& search, store::Cancellation* cancellation = nullptr);
  Result<LogTail> ReadLogs(const TailSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
