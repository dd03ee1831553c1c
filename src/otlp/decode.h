// What the decoders of the three signals share, and how BlockBuilder::Create gets at them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "otlp/attribute_columns.h"
#include "otlp/attribute_sets.h"
#include "otlp/block_builder.h"
#include "otlp/block_builder_tables.h"

namespace sightline::otlp {

// Attributes that hold what was sent where another time is stored. docs/oddities.md names them.
inline constexpr std::string_view kOriginalStart = "sightline.original.start_time_unix_nano";
inline constexpr std::string_view kOriginalEnd = "sightline.original.end_time_unix_nano";
inline constexpr std::string_view kOriginalTime = "sightline.original.time_unix_nano";
inline constexpr std::string_view kOriginalObservedTime = "sightline.original.observed_time_unix_nano";

// The rules about time for the items of one request.
struct ItemTimes {
  int64_t received = 0;
  int64_t latest = 0;  // later times are clamped to this

  ItemTimes(int64_t received_unix_nanos, int64_t future_nanos_max);
  // Not 0 in, not beyond `latest` out; `clamped` is set where that changed it.
  int64_t Clamp(uint64_t unix_nanos, bool& clamped) const;
  // For times of which no original is kept: 0 becomes `missing`, and both repairs are marked.
  int64_t Mend(uint64_t unix_nanos, int64_t missing, Marks& marks) const;
};

// An id for a column: `id` itself, or nothing if it has another length (marked unless it is empty).
std::string_view IdOrNone(std::string_view id, size_t length, Marks& marks);

// What every builder has. Thread: of its owner.
class BuilderBase : public BlockBuilder {
 public:
  explicit BuilderBase(Options options);

  uint64_t rows() const override { return rows_; }
  uint64_t bytes() const override;
  RepairCounts repairs() const override { return repairs_; }

 protected:
  virtual size_t ColumnBytesNow() const = 0;
  virtual size_t DayTables() const = 0;  // tables with rows, one for each kind and day

  // Counts the marks and writes them; nothing in the usual case.
  void WriteRepairs(const Marks& marks, LowCardinalityColumn& column, uint64_t row) {
    if (marks.any()) [[unlikely]]
      WriteMarks(marks, {}, column, row);
  }
  void WriteMarks(const Marks& marks, std::string_view extra, LowCardinalityColumn& column, uint64_t row);
  void Added(uint64_t rows, size_t message_bytes) {
    rows_ += rows;
    bytes_since_ += message_bytes;
  }
  void FinishSets(std::vector<TableBlock>& out);
  void Reset();

  const Options options_;
  TextMender mender_;
  AttributeWriter attributes_;
  AttributeSets sets_;

 private:
  uint64_t rows_ = 0;
  RepairCounts repairs_;
  // Adding up a hundred columns after each item would cost more than the item: between two sums, message bytes count.
  mutable uint64_t bytes_summed_ = 0, rows_summed_ = 0;
  mutable size_t bytes_since_ = 0;
};

std::unique_ptr<BlockBuilder> CreateTracesBuilder(BlockBuilder::Options options);
std::unique_ptr<BlockBuilder> CreateSpanMetricsBuilder(BlockBuilder::Options options);
std::unique_ptr<BlockBuilder> CreateLogsBuilder(BlockBuilder::Options options);
std::unique_ptr<BlockBuilder> CreateMetricsBuilder(BlockBuilder::Options options);

// One content-keyed table as a block, if it has rows.
template <typename T>
void FinishTable(T& table, uint64_t block, std::vector<TableBlock>& out) {
  if (table.rows() == 0) return;
  TableBlock& written = out.emplace_back();
  written.table = T::kName;
  written.day = kNoDay;
  written.rows = table.rows();
  table.Drain(block, written.native);
}

}  // namespace sightline::otlp
