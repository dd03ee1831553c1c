// Table blocks -> ClickHouse, exactly once. The steps around an insert are the journal's: manifest before, done mark
// after; this class does what lies between, and knows how to ask which of a block's parts are already there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "otlp/block_builder.h"
#include "store/clickhouse.h"

namespace sightline::store {

// Thread: writers of all signals share one; it holds no state that changes.
class BlockInserter {
 public:
  BlockInserter(ClickHouse& clickhouse, std::string database, const std::vector<otlp::HotAttribute>& hot_attributes,
                MetricsRegistry& metrics);

  // Inserts all table blocks of block number `block`. `may_exist`: some of them may have been inserted before (after a
  // crash, or an insert whose outcome is unknown): then each (table, day) is asked for first. An error leaves the rest
  // uninserted; calling again with may_exist = true completes it.
  Result<void> Insert(uint64_t block, const std::vector<otlp::TableBlock>& tables, bool may_exist);

  // The largest block number in the store, or `known` if that is larger. Indexes leave little to read above `known`.
  Result<uint64_t> BlockMax(uint64_t known);

 private:
  Result<void> InsertOne(uint64_t block, const otlp::TableBlock& table);
  Result<bool> IsStored(uint64_t block, const otlp::TableBlock& table);

  ClickHouse& clickhouse_;
  const std::string database_;
  std::map<std::string, std::vector<std::string>, std::less<>> columns_;  // by table
  std::vector<std::string> block_tables_;                                 // tables that carry a Block column
  MetricsRegistry& metrics_;
};

}  // namespace sightline::store
