// Metric streams: what of a point does not change from point to point becomes a row of metric_series, named by a hash
// of its content. Data: metric header and point attributes -> SeriesId, and a metric_series row where it is due.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp/attribute_sets.h"
#include "otlp/block_builder_tables.h"
#include "otlp/metric_series_limit.h"

namespace sightline::otlp {

enum class MetricType : uint8_t { kNone, kGauge, kSum, kHistogram, kExponentialHistogram, kSummary };
std::string_view MetricTypeName(MetricType type);  // "gauge", ...

// The fields of a Metric message and of the data in it, as bytes of the request.
struct MetricHeader {
  std::string_view name, description, unit, data;
  std::vector<std::string_view> metadata;  // KeyValue messages
  MetricType type = MetricType::kNone;
  int32_t temporality = 0;
  bool monotonic = false;

  void Read(std::string_view message);
};

// A point's stream. `marks`: what was mended in the series' texts, so in every point of it.
struct SeriesRef {
  uint64_t id = 0;
  Marks marks;
};

// Remembers the series by the bytes that make it, so that a point of a known one costs one hash and one look-up.
// Forgets all when full. What `series_limit` does not admit becomes one series with the attribute otel.metric.overflow.
// Thread: of its owner.
class SeriesIndex {
 public:
  // `series_limit` may be null.
  SeriesIndex(const Limits& limits, size_t remembered_max, std::shared_ptr<MetricSeriesLimit> series_limit);

  // Before the points of one metric; all arguments must live until the last Find for it. `resource`: the message.
  void StartMetric(const MetricHeader& header, const ScopeContext& context, std::string_view resource);
  // `key_values`: the point's attributes.
  SeriesRef Find(const std::vector<std::string_view>& key_values, int64_t received_unix_nanos);

  void ForgetWritten() {
    known_.clear();
    overflowed_.clear();
  }
  uint64_t TakeOverflowedPoints() { return std::exchange(overflowed_points_, 0); }
  SeriesTable& table() { return table_; }

 private:
  struct Known {
    SeriesRef series;
    int32_t written_day = 0;
  };
  struct Point {  // one attribute of the point, as stored
    std::string key, text;
    char type = 'e';
    size_t order = 0;  // as sent
  };
  using Series = boost::unordered_flat_map<Hash128, Known, Hash128Hasher>;

  SeriesRef FindNew(const Hash128& hash, const std::vector<std::string_view>& key_values, int64_t received_unix_nanos);
  SeriesRef FindOverflow(Marks of_metric, int64_t received_unix_nanos);
  void DecodeMetric(Marks& marks);
  void DecodeAttributes(const std::vector<std::string_view>& key_values, Marks& marks);
  bool IsAdmitted(uint64_t id, int32_t day);
  void ShowAttributes(uint64_t metric);
  void Remember(Series& series, size_t max, const Hash128& hash, const Known& known);
  uint64_t CanonicalId(const ScopeContext& context);
  void WriteRow(uint64_t id, const ScopeContext& context, int64_t received_unix_nanos);

  const Limits limits_;
  const size_t remembered_max_;
  TextMender mender_;
  SeriesTable table_;
  Series known_;
  const std::shared_ptr<MetricSeriesLimit> series_limit_;
  Series overflowed_;  // apart, so that very many of them do not make the others forgotten
  uint64_t overflowed_points_ = 0;
  const MetricHeader* header_ = nullptr;
  const ScopeContext* context_ = nullptr;
  std::string_view resource_;
  std::string raw_;  // the bytes that make the series: the metric's part, then the point's
  size_t raw_metric_size_ = 0;
  // The decoded series, kept for their memory.
  std::string name_, description_, unit_, metadata_;
  std::vector<Point> attributes_;
  std::string limited_by_;  // empty: the series stands for itself
  std::string canonical_;
  std::vector<MetricSeriesLimit::Attribute> shown_;
};

}  // namespace sightline::otlp
