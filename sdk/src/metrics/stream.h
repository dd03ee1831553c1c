// A stream: what a view makes of one instrument for one reader. The measurements of an instrument go to all its
// streams.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "metrics/attribute_filter.h"
#include "metrics/series_table.h"
#include "otel/exemplar.h"
#include "otel/metric_data.h"
#include "otel/metrics.h"
#include "otel/span_context.h"

namespace otel::internal {

struct StreamConfig {
  std::string name, description, unit;
  AttributeFilter filter;
  Temporality temporality = Temporality::kCumulative;
  size_t cardinality_limit = 2000;
  ExemplarFilter exemplar_filter = ExemplarFilter::kTraceBased;
  ExemplarReservoirFactory exemplar_reservoir;  // empty: that of the aggregation
  std::function<UnixNanos()> clock;
  std::function<void()> on_new_cell;  // quick, and measures nothing itself
};

// The series of what exceeds the cardinality limit.
inline constexpr Attribute kOverflowAttribute{"otel.metric.overflow", true};

class Stream {
 public:
  explicit Stream(StreamConfig config) : config_(std::move(config)) {}
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Appends its metric, unless it has no points. Called by one thread at a time.
  virtual void Collect(UnixNanos now, std::vector<MetricData>& metrics) = 0;

  // Around a fork: nothing changes in between, and the child begins with nothing measured.
  virtual void LockForFork() = 0;
  virtual void UnlockAfterFork(bool in_child) = 0;

 protected:
  const StreamConfig config_;
};

// Of a synchronous instrument.
// Thread: any.
template <MetricNumber T>
class SyncStream : public Stream {
 public:
  using Stream::Stream;

  // `hash` is that of the attributes. `span` is there where the measurement may become an exemplar.
  virtual void Record(T value, const AttributesView& attributes, uint64_t hash, const SpanContext* span) = 0;

  // The series of the attributes, which stays until it is given back.
  virtual SeriesKey* Bind(AttributesView attributes) = 0;
  virtual void Unbind(SeriesKey* series) = 0;
  // `attributes` as they were given to Bind.
  virtual void RecordBound(SeriesKey* series, T value, const AttributesView& attributes, const SpanContext* span) = 0;
};

}  // namespace otel::internal
