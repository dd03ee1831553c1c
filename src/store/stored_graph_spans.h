// What the service graph needs of spans that are in the store already: for a start, whose graph goes on where the last
// run's ended. Data: blocks of the spans table -> sample::GraphSpan, as sample::GraphNoter makes them of requests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sample/call_matcher.h"
#include "store/clickhouse.h"

namespace sightline::store {

// Of an answer's field; 0 for what is none.
uint64_t ToNumber(std::string_view text);

// Thread: of its owner.
class StoredGraphSpans {
 public:
  // Both must outlive it. kUnavailable and others when the store does not answer.
  static Result<StoredGraphSpans> Open(ClickHouse& clickhouse, std::string database, sample::GraphNames& names);

  // Those of blocks above `after` up to `to`, in the order of the blocks; without spans that sampling kept, which are
  // in the graph already. Memory is bounded, time follows the spans. kCancelled when `visit` returns false.
  Result<void> ForEach(uint64_t after, uint64_t to,
                       const std::function<bool(uint64_t block, const sample::CallMatcher::Span& span)>& visit) const;

 private:
  StoredGraphSpans(ClickHouse& clickhouse, sample::GraphNames& names, std::string sql)
      : clickhouse_(&clickhouse), names_(&names), sql_(std::move(sql)) {}

  ClickHouse* clickhouse_;
  sample::GraphNames* names_;
  std::string sql_;
};

}  // namespace sightline::store
