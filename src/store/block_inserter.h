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

// A part of a block, which ClickHouse calls wrong.
struct RefusedPart {
  std::string_view table;
  int32_t day = 0;
  uint64_t rows = 0;
  Error error;
};
struct PartialInsert {
  std::vector<RefusedPart> refused;
  bool is_partly_stored = false;  // rows of some day are in the store
};

// Whether a table's rows are made from items that are rows of another table, so that the item is in the store without
// them.
bool IsDerivedTable(std::string_view table);

// Thread: writers of all signals share one; it holds no state that changes.
class BlockInserter {
 public:
  // `fault_step`: what tests call its inserts (base/fault.h).
  BlockInserter(ClickHouse& clickhouse, std::string database, const std::vector<otlp::HotAttribute>& hot_attributes,
                MetricsRegistry& metrics, const std::string& fault_step = "store.insert");

  // Inserts all table blocks of block number `block`. `may_exist`: some of them may have been inserted before (after a
  // crash, or an insert whose outcome is unknown): then each (table, day) is asked for first. An error leaves the rest
  // uninserted; calling again with may_exist = true completes it.
  Result<void> Insert(uint64_t block, const std::vector<otlp::TableBlock>& tables, bool may_exist);

  // As Insert with may_exist, but goes on behind parts that ClickHouse calls wrong. Without their resources or series
  // rows cannot be read, so a refusal of those refuses everything that is not stored yet; and what is derived from rows
  // of a day goes with them. An error: some step has no outcome yet, call again.
  Result<PartialInsert> InsertWhatIsTaken(uint64_t block, const std::vector<otlp::TableBlock>& tables);

  // The largest block number in the store, or `known` if that is larger. Indexes leave little to read above `known`.
  Result<uint64_t> BlockMax(uint64_t known);

 private:
  Result<void> InsertPart(uint64_t block, const otlp::TableBlock& table);
  Result<void> InsertOne(uint64_t block, const otlp::TableBlock& table);
  Result<bool> IsStored(uint64_t block, const otlp::TableBlock& table);

  ClickHouse& clickhouse_;
  const std::string database_;
  std::map<std::string, std::vector<std::string>, std::less<>> columns_;  // by table
  std::vector<std::string> block_tables_;                                 // tables that carry a Block column
  MetricsRegistry& metrics_;
  const std::string fault_begin_, fault_refused_, fault_end_;
};

}  // namespace sightline::store
