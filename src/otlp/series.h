// Metric streams: what of a point does not change from point to point becomes a row of metric_series, named by a hash
// of its content. Data: metric header and point attributes -> SeriesId, and a metric_series row where it is due.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/attribute_sets.h"
#include "otlp/block_builder_tables.h"

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
// Forgets all when full. Thread: of its owner.
class SeriesIndex {
 public:
  SeriesIndex(const Limits& limits, size_t remembered_max);

  // Before the points of one metric; both arguments must live until the last Find for it.
  void StartMetric(const MetricHeader& header, const ScopeContext& context);
  // `key_values`: the point's attributes.
  SeriesRef Find(const std::vector<std::string_view>& key_values, int64_t received_unix_nanos);

  void ForgetWritten() { known_.clear(); }
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
  SeriesRef Decode(const std::vector<std::string_view>& key_values, int64_t received_unix_nanos);
  uint64_t CanonicalId();
  void WriteRow(uint64_t id, int64_t received_unix_nanos);

  const Limits limits_;
  const size_t remembered_max_;
  TextMender mender_;
  SeriesTable table_;
  boost::unordered_flat_map<Hash128, Known, Hash128Hasher> known_;
  const MetricHeader* header_ = nullptr;
  const ScopeContext* context_ = nullptr;
  std::string raw_;  // the bytes that make the series: the metric's part, then the point's
  size_t raw_metric_size_ = 0;
  // The decoded series, kept for their memory.
  std::string name_, description_, unit_, metadata_;
  std::vector<Point> attributes_;
  std::string canonical_;
};

}  // namespace sightline::otlp
