// Spans -> calls and durations ("RED": rate, errors, duration) by 10 seconds, minute and hour, taken before any
// sampling. Data: one Add for each span -> at Finish the rows of the table span_metric_rollups for one block. Fed by
// the traces builder; a class of its own, so that whatever decides to drop spans can count them here first.
// docs/adr/004-span-metrics.md has the reasons.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/block_builder.h"
#include "otlp/block_builder_tables.h"
#include "otlp/rollup_table.h"
#include "otlp/series_limit.h"
#include "otlp/span_metrics_options.h"

namespace sightline::otlp {

// Buckets a doubling of the duration: each is 2^(1/8) = 1.09 times as long as the one before.
inline constexpr uint32_t kBucketsPerDoubling = 8;

// floor(log2(nanos) * kBucketsPerDoubling), exactly; 0 for 0 and 1 ns. At most 511.
uint16_t DurationBucket(uint64_t nanos);

// How many spans one span stands for: 1 / p where the SDK sampled with probability p and said so in the member `ot=th:`
// of its W3C tracestate (p = (2^56 - T) / 2^56, T the hex digits padded with zeros to 56 bits); 1 if it did not, and
// where the member is malformed.
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
double SpanWeight(std::string_view trace_state);

// Work came in from outside the service: a server's or consumer's span, one without a parent, or one whose flags say
// that the parent is remote.
bool IsEntrySpan(uint64_t kind, std::string_view parent_span_id, uint32_t flags);

// What is beyond the limits of SpanMetricsOptions is counted under this name and these dimensions, still by service,
// kind and status: the attribute is that of the Collector's spanmetrics connector.
inline constexpr std::string_view kOtherSpanName = "(other)";
inline constexpr std::string_view kOverflowDimensions = R"({"otel.metric.overflow":"true"})";

// Seconds of a row's time, finest first: each a multiple of the one before, and a day has a whole number of them.
inline constexpr uint32_t kResolutions[] = {10, 60, 3600};

struct SpanMetricsTable final : RollupTable {
  static constexpr std::string_view kName = "span_metric_rollups";
  SpanMetricsTable();

  LowCardinalityColumn service_name, span_name, span_kind, status_code, dimensions;
  Numbers8 entry;
  NumberColumn<uint16_t> bucket;
  Doubles calls, duration_sum;
  Numbers64 duration_max;
  Numbers32 last_seen;
};

// Thread: of its owner.
class SpanMetrics {
 public:
  struct Call {
    std::string_view service_name, span_name;  // clean UTF-8, needed only during Add
    std::string_view dimensions;               // of DimensionReader
    uint8_t kind = 0;                          // OTLP's numbers; below SpanTable::kKinds
    uint8_t status = 0;                        // below SpanTable::kCodes
    bool entry = false;
    int64_t start_unix_nanos = 0;
    uint64_t duration_nanos = 0;
    double weight = 1;
  };

  explicit SpanMetrics(const SpanMetricsOptions& options = {});
  // Of what comes from now on: limits hold for an hour.
  void SetReceived(int64_t unix_nanos);
  void Add(const Call& call);
  uint64_t overflowed() const { return overflowed_; }  // calls, since construction
  size_t bytes() const;

  // The rows so far, a TableBlock for each day, and forgets them. The same calls in the same order give
  // the same bytes.
  void Finish(uint64_t block, std::vector<TableBlock>& out);

 private:
  struct Key {
    uint64_t names = 0;  // number of the service, number of the span name with its dimensions
    uint64_t rest = 0;   // time, bucket, kind, status, entry: see the .cc
    bool operator==(const Key&) const = default;
  };
  struct Hasher {
    using is_avalanching = void;
    size_t operator()(const Key& key) const;
  };
  struct Row {
    Key key;
    double calls = 0, duration_sum = 0;
    uint64_t duration_max = 0;
    uint32_t last_seen = 0;
  };

  uint32_t ServiceNumber(std::string_view name);
  std::string_view Series(std::string_view name, std::string_view dimensions);
  Row& RowFor(const Call& call, uint32_t second);
  uint32_t RowOf(const Key& key);
  void MakeCoarser(uint32_t factor);
  void WriteRow(SpanMetricsTable& table, const Row& row, uint32_t seconds) const;

  Interner services_, series_;  // series: Series()
  std::string series_text_;
  SeriesLimit limit_;
  uint64_t overflowed_ = 0;
  std::string last_service_;  // spans come in runs of one service
  uint32_t last_service_number_ = 0;
  boost::unordered_flat_map<Key, uint32_t, Hasher> numbers_;  // into rows_
  std::vector<Row> rows_;                                     // in order of first appearance
};

}  // namespace sightline::otlp
