// The tables of store/schema/*.sql as structs of column builders: one member for each column, in the tables' order.
// The .cc is the one place in C++ that spells their names and types.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp/attribute_columns.h"
#include "otlp/block_builder.h"
#include "otlp/columns.h"
#include "otlp/filled_columns.h"

namespace sightline::otlp {

using Numbers8 = NumberColumn<uint8_t>;
using Numbers32 = NumberColumn<uint32_t>;
using Numbers64 = NumberColumn<uint64_t>;
using Times = NumberColumn<int64_t>;  // DateTime64(9)
using Doubles = NumberColumn<double>;

// What every table has. Rows are appended by filling columns for row number rows() and then EndRow.
// Thread: of its builder.
class Table {
 public:
  virtual ~Table() = default;
  uint64_t rows() const { return rows_; }
  void EndRow() { ++rows_; }
  const std::vector<NamedColumn>& columns() const { return columns_; }
  size_t bytes() const { return ColumnBytes(columns_); }

  // One Native block; then the table is empty. True if its memory is much more than such blocks need.
  bool Drain(uint64_t block, std::string& out);

 protected:
  Table() = default;
  void Add(std::string name, std::string type, Column& column) {
    columns_.push_back({std::move(name), std::move(type), &column});
  }
  void AddBlock() { Add("Block", "UInt64", block_); }
  virtual void Cleared() {}

  std::vector<NamedColumn> columns_;

 private:
  ConstantColumn<uint64_t> block_;
  uint64_t rows_ = 0;
};

// Numbers of a scope's texts in the interners of one table, so that they are looked up once per scope and not per row.
struct ScopeNumbers {
  uint64_t serial = 0;  // of the ScopeContext; 0: none
  uint32_t service_name = 0, resource_id = 0, scope_name = 0, scope_version = 0, scope_id = 0;
};

struct ScopeColumns {
  LowCardinalityColumn service_name, resource_id, scope_name, scope_version, scope_id;
  ScopeNumbers numbers;
};

struct AttributeSetTable final : Table {
  static constexpr std::string_view kName = "attribute_sets";
  AttributeSetTable();
  StringColumn id;
  Numbers32 seen;
  ArrayColumn<StringColumn> keys, values;
  StringColumn types, schema_url;
  Numbers32 dropped_attributes_count;
};

// schema/0007_attribute_indexes.sql says what for.
struct HotKeysInMapsTable final : Table {
  static constexpr std::string_view kName = "hot_keys_in_maps";
  HotKeysInMapsTable();
  LowCardinalityColumn key;
  NumberColumn<int32_t> first_day, last_day;
};

struct SpanTable final : Table {
  static constexpr std::string_view kName = "spans";
  explicit SpanTable(const std::vector<HotAttribute>& hot_attributes);
  void Cleared() override;
  // Instead of EndRow.
  void EndSpan() {
    filled.Write(rows(), filled_columns);
    EndRow();
  }

  static constexpr size_t kKinds = 6, kCodes = 3;

  Times timestamp;
  FixedStringColumn<16> trace_id;
  FixedStringColumn<8> span_id, parent_span_id;
  StringColumn trace_state;
  Numbers32 flags;
  LowCardinalityColumn span_name, span_kind, status_code;  // kind k has number k + 1, code c number c + 1
  StringColumn status_message;
  Numbers64 duration;
  ScopeColumns scope;
  HotColumns hot;
  MapColumn attributes;
  LowCardinalityColumn attribute_types;
  Numbers32 dropped_attributes_count, dropped_events_count, dropped_links_count;

  Offsets event_offsets;
  ArrayColumn<Times> event_timestamp{&event_offsets};
  ArrayColumn<LowCardinalityColumn> event_name{&event_offsets};
  ArrayColumn<MapColumn> event_attributes{&event_offsets};
  ArrayColumn<LowCardinalityColumn> event_attribute_types{&event_offsets};
  ArrayColumn<Numbers32> event_dropped_attributes_count{&event_offsets};

  Offsets link_offsets;
  ArrayColumn<FixedStringColumn<16>> link_trace_id{&link_offsets};
  ArrayColumn<FixedStringColumn<8>> link_span_id{&link_offsets};
  ArrayColumn<StringColumn> link_trace_state{&link_offsets};
  ArrayColumn<MapColumn> link_attributes{&link_offsets};
  ArrayColumn<LowCardinalityColumn> link_attribute_types{&link_offsets};
  ArrayColumn<Numbers32> link_dropped_attributes_count{&link_offsets};
  ArrayColumn<Numbers32> link_flags{&link_offsets};

  LowCardinalityColumn repairs;
  Doubles adjusted_count;
  LowCardinalityColumn sampling_policy;
  Numbers64 critical_path_self_time;
  FilledColumns filled;
  LowCardinalityColumn filled_columns;
};

struct LogTable final : Table {
  static constexpr std::string_view kName = "logs";
  LogTable();
  void Cleared() override;

  Times timestamp;
  Numbers64 time_unix_nano;
  Times observed_timestamp;
  FixedStringColumn<16> trace_id;
  FixedStringColumn<8> span_id;
  Numbers32 flags;
  LowCardinalityColumn severity_text;
  Numbers8 severity_number;
  StringColumn body;
  LowCardinalityColumn body_type, event_name;
  ScopeColumns scope;
  MapColumn attributes;
  LowCardinalityColumn attribute_types;
  Numbers32 dropped_attributes_count;
  LowCardinalityColumn repairs;
};

struct SeriesTable final : Table {
  static constexpr std::string_view kName = "metric_series";
  SeriesTable();
  Numbers64 series_id;
  Numbers32 seen;
  LowCardinalityColumn metric_name, metric_type;
  StringColumn description;
  LowCardinalityColumn unit;
  NumberColumn<int32_t> aggregation_temporality;
  Numbers8 is_monotonic;
  LowCardinalityColumn service_name;
  StringColumn resource_id;
  LowCardinalityColumn scope_name, scope_version;
  StringColumn scope_id;
  MapColumn attributes;
  LowCardinalityColumn attribute_types;
  StringColumn metadata;
  LowCardinalityColumn limited_by;
};

struct ExemplarColumns {
  Offsets offsets;
  ArrayColumn<MapColumn> filtered_attributes{&offsets};
  ArrayColumn<LowCardinalityColumn> attribute_types{&offsets};
  ArrayColumn<Times> timestamp{&offsets};
  ArrayColumn<Doubles> value{&offsets};
  ArrayColumn<Numbers8> is_int{&offsets};
  ArrayColumn<FixedStringColumn<8>> span_id{&offsets};
  ArrayColumn<FixedStringColumn<16>> trace_id{&offsets};
};

// What the tables of all kinds of points share.
struct PointsTable : Table {
  Numbers64 series_id;
  Times timestamp, start_timestamp;
  Numbers32 flags;
  ExemplarColumns exemplars;  // not in summaries
  LowCardinalityColumn repairs;

 protected:
  void AddFront();
  void AddExemplars();
  void AddBack();
};

struct NumberPointsTable final : PointsTable {
  static constexpr std::string_view kName = "metric_points";
  NumberPointsTable();
  Doubles value;
  Numbers8 is_int;
  NumberColumn<int64_t> int_residual;
};

// Bits of Has.
inline constexpr uint8_t kHasSum = 1, kHasMin = 2, kHasMax = 4;

struct HistogramsTable final : PointsTable {
  static constexpr std::string_view kName = "metric_histograms";
  HistogramsTable();
  Numbers64 count;
  Doubles sum, min, max;
  Numbers8 has;
  ArrayColumn<Numbers64> bucket_counts;
  ArrayColumn<Doubles> explicit_bounds;
};

struct ExponentialHistogramsTable final : PointsTable {
  static constexpr std::string_view kName = "metric_exponential_histograms";
  ExponentialHistogramsTable();
  Numbers64 count;
  Doubles sum, min, max;
  Numbers8 has;
  NumberColumn<int32_t> scale;
  Numbers64 zero_count;
  Doubles zero_threshold;
  NumberColumn<int32_t> positive_offset;
  ArrayColumn<Numbers64> positive_bucket_counts;
  NumberColumn<int32_t> negative_offset;
  ArrayColumn<Numbers64> negative_bucket_counts;
};

struct SummariesTable final : PointsTable {
  static constexpr std::string_view kName = "metric_summaries";
  SummariesTable();
  Numbers64 count;
  Doubles sum;
  Offsets quantile_offsets;
  ArrayColumn<Doubles> quantile{&quantile_offsets};
  ArrayColumn<Doubles> quantile_value{&quantile_offsets};
};

// One T for each day that rows fall on; usually there is one. Thread: of its builder.
template <typename T>
class DailyTables {
 public:
  template <typename... Args>
  T& For(int32_t day, const Args&... args) {
    if (last_ != nullptr && day == last_day_) [[likely]]
      return *last_;
    auto& table = tables_[day];
    if (table == nullptr) table = spare_ != nullptr ? std::move(spare_) : std::make_unique<T>(args...);
    last_day_ = day;
    last_ = table.get();
    return *last_;
  }

  void ReleaseMemory() { spare_.reset(); }
  size_t days() const { return tables_.size(); }
  size_t bytes() const {
    size_t bytes = 0;
    for (const auto& [day, table] : tables_) bytes += table->bytes();
    return bytes;
  }

  // The memory of one table is kept for the next block.
  void Finish(uint64_t block, std::vector<TableBlock>& out) {
    for (auto& [day, table] : tables_) {
      TableBlock& written = out.emplace_back();
      written.table = T::kName;
      written.day = day;
      written.rows = written.numbered_rows = table->rows();
      const bool oversized = table->Drain(block, written.native);
      if (!oversized) spare_ = std::move(table);
    }
    tables_.clear();
    last_ = nullptr;
  }

 private:
  std::map<int32_t, std::unique_ptr<T>> tables_;
  std::unique_ptr<T> spare_;
  T* last_ = nullptr;
  int32_t last_day_ = 0;
};

template <typename T>
BlockBuilder::TableColumns DescribeTable(const T& table, std::string_view name = T::kName) {
  BlockBuilder::TableColumns described{name, {}};
  for (const NamedColumn& column : table.columns()) described.columns.push_back({column.name, column.type});
  return described;
}

}  // namespace sightline::otlp
