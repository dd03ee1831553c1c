// Tables of what is summed up over time: calls (span_metrics.h), calls between services (service_graph_edges.h), what
// is kept (kept_spans.h). A block's rows of a day, of all resolutions, are one insert. docs/adr/004-span-metrics.md has
// the reasons.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp/block_builder.h"
#include "otlp/block_builder_tables.h"

namespace sightline::otlp {

inline constexpr uint32_t kSecondsOfDay = 86'400;

// The last second that a DateTime holds stands for all later ones.
inline uint32_t SecondOf(int64_t unix_nanos) {
  constexpr uint64_t kSecondNanos = 1'000'000'000;
  const uint64_t second = unix_nanos < 0 ? 0 : static_cast<uint64_t>(unix_nanos) / kSecondNanos;
  return static_cast<uint32_t>(std::min<uint64_t>(second, UINT32_MAX));
}

// Rows that count have Block 0, so that they collapse. One row of each day has the block's number and nothing else.
struct RollupTable : Table {
  Numbers64 block;
  NumberColumn<uint16_t> seconds;  // of the resolution; 0 in the row with the block's number
  Numbers32 time;                  // first second

  // Sets what else the row with the block's number says, before it ends.
  virtual void NameBlock() {}

 protected:
  void AddRollupColumns() {
    Add("Block", "UInt64", block);
    Add("Seconds", "UInt16", seconds);
    Add("Time", "DateTime", time);
  }
};

// The rows of `day` that `table` holds, as a TableBlock, with the row that says that this block's rows of this day are
// there: an insert is atomic for a day, so it never comes without them, and its key has the block's number, so it never
// collapses. It lies on the day's first second.
inline void WriteDay(RollupTable& table, std::string_view name, uint64_t block, int32_t day,
                     std::vector<TableBlock>& out) {
  table.block.Set(table.rows(), block);  // the rows before it: 0
  table.seconds.Append(0);
  table.time.Append(static_cast<uint32_t>(day) * kSecondsOfDay);
  table.NameBlock();
  table.EndRow();
  TableBlock& written = out.emplace_back();
  written.table = name;
  written.day = day;
  written.rows = table.rows();
  written.numbered_rows = 1;
  table.Drain(block, written.native);
}

// A TableBlock for each of `days`, which has a day for each row; write_row(i) appends row i to `table` and ends it.
template <typename WriteRow>
void WriteRowsByDay(RollupTable& table, std::string_view name, uint64_t block, const std::vector<int32_t>& days,
                    const WriteRow& write_row, std::vector<TableBlock>& out) {
  std::vector<std::pair<int32_t, uint32_t>> order;  // day, row
  order.reserve(days.size());
  for (const int32_t day : days) order.emplace_back(day, static_cast<uint32_t>(order.size()));
  std::ranges::sort(order);
  for (size_t i = 0; i < order.size(); ++i) {
    const auto [day, row] = order[i];
    write_row(row);
    if (i + 1 < order.size() && order[i + 1].first == day) continue;
    WriteDay(table, name, block, day, out);
  }
}

}  // namespace sightline::otlp
