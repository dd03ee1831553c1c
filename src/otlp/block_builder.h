// Accepted items -> columns -> ClickHouse Native blocks. One pass over the bytes of each item, no object per span, no
// map per attribute set. The column buffers have the layout of ClickHouse's Native format, so that writing a block is
// concatenation. Column names and types are those of store/schema/*.sql; store/ compares the two at start.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/limits.h"
#include "otlp/metric_series_limit.h"
#include "otlp/prediction_rules.h"
#include "otlp/scan.h"
#include "otlp/signal.h"
#include "otlp/span_metrics_options.h"

namespace sightline::otlp {

// An attribute that has a column of its own, "a.<key>", holding its text; empty text means absent (an attribute whose
// value is the empty string, or whose type is not `type`, stays in the map). Old and new conventions are separate keys.
struct HotAttribute {
  enum class Type : uint8_t { kString, kInt, kDouble, kBool };
  std::string key;
  Type type = Type::kString;
  bool high_cardinality = false;  // String + bloom filter instead of LowCardinality(String)
  bool may_be_in_map = true;      // of readers: some of the spans that are asked for may have it in the map instead
};
const std::vector<HotAttribute>& DefaultHotAttributes();

struct ColumnType {
  std::string name;  // "Timestamp"
  std::string type;  // "DateTime64(9)", as system.columns prints it
};

// One INSERT: rows of one table and one day (partition), of one block.
struct TableBlock {
  std::string_view table;  // "spans", "metric_points", ...; static storage
  int32_t day =
      0;  // days since 1970-01-01 UTC; kNoDay for tables that are keyed by content (attribute_sets, metric_series)
  uint64_t rows = 0;
  uint64_t numbered_rows =
      0;               // of them, those whose Block is the block's number: all, or one beside rows that collapse
  std::string native;  // one or more Native blocks, uncompressed
};
inline constexpr int32_t kNoDay = INT32_MIN;
inline constexpr uint64_t kNoBlock = 0;  // no block's number: for rows that nobody will see

// Items (spans, log records, data points) that carry each mark of the Repairs column. Added up since construction.
struct RepairCounts {
  uint64_t invalid_utf8 = 0, attributes_cut = 0, values_cut = 0, events_cut = 0, links_cut = 0;
  uint64_t time_missing = 0, time_clamped = 0, end_before_start = 0, ids_dropped = 0;
};

// What sampling has said of a span before it is stored.
struct SpanStanding {
  double adjusted_count = 1;    // how many spans it stands for
  std::string_view policy;      // that kept it; needed only during the call
  bool is_counted_here = true;  // its call belongs to this block's span metrics, and not to another block's
  bool has_trace = false;       // the spans of its trace that were there when it was decided come together
};

// Builds blocks of one signal. Remembers which attribute sets and series it has already written (bounded; forgetting
// only costs a repeated row), so that blocks carry only new ones. Thread: writer of its signal.
class BlockBuilder {
 public:
  struct Options {
    Limits limits;
    int64_t future_nanos_max = TimeRules{}.future_nanos_max;
    std::vector<HotAttribute> hot_attributes = DefaultHotAttributes();
    std::vector<PredictionRule> predictions = DefaultPredictionRules();
    size_t remembered_sets_max = 1 << 20;
    SpanMetricsOptions span_metrics;
    std::shared_ptr<MetricSeriesLimit> series_limit;  // of metrics, one for all builders; null: there is none
  };
  static std::unique_ptr<BlockBuilder> Create(Signal signal, Options options);
  // Builds only what is known of spans before sampling: span metrics, predictions. Their own rows come later, or never.
  // Scans need heads; of items only the messages of those are read whose names PredictionNames match.
  static std::unique_ptr<BlockBuilder> CreateSpanMetrics(Options options);
  virtual ~BlockBuilder() = default;

  // Appends one accepted item; `request` is needed only during the call. Spans of one trace should come one after the
  // other (that is what makes ids compress). Cannot fail on what the scan accepted.
  virtual void Append(std::string_view request, const Scan& scan, const ItemRef& item, int64_t received_unix_nanos,
                      const SpanStanding& standing) = 0;
  void Append(std::string_view request, const Scan& scan, const ItemRef& item, int64_t received_unix_nanos) {
    Append(request, scan, item, received_unix_nanos, {});
  }

  // What the traces of a decided frame add to the service graph, as ServiceGraphEdges::Encode made it. Only of traces.
  virtual void AddGraph(std::string_view) {}

  virtual uint64_t rows() const = 0;   // spans, log records, data points since the last Finish
  virtual uint64_t bytes() const = 0;  // of column buffers

  // The rows so far as table blocks, content-keyed tables first, and empties the builder. Every row gets `block` as its
  // Block, except where the table says otherwise (span_metrics.h).
  virtual std::vector<TableBlock> Finish(uint64_t block) = 0;

  // The last content-keyed rows did not reach the store: write all of them again.
  virtual void ForgetWrittenSets() = 0;

  // Gives back what is kept of the last block's memory for the next one. Only when it has no rows.
  virtual void ReleaseMemory() = 0;

  virtual RepairCounts repairs() const = 0;
  // Spans that were counted together as their series were too many (SpanMetricsOptions). Since construction.
  virtual uint64_t overflowed_spans() const { return 0; }

  // Tables that blocks of `signal` may hold, with their columns in order, for the check against the schema.
  struct TableColumns {
    std::string_view table;
    std::vector<ColumnType> columns;
  };
  static std::vector<TableColumns> Tables(Signal signal, const std::vector<HotAttribute>& hot_attributes);
};

}  // namespace sightline::otlp
