// Which measurements are kept as examples of a point. https://opentelemetry.io/docs/specs/otel/metrics/sdk/#exemplar
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "otel/metric_data.h"
#include "otel/span_context.h"

namespace otel {

// Trace based: those made while a sampled span is current. Beware: exemplars keep the attributes that views leave out.
enum class ExemplarFilter : uint8_t { kTraceBased, kAlwaysOn, kAlwaysOff };

// Borrowed for the call.
struct ExemplarCandidate {
  Number value;
  UnixNanos time = 0;
  AttributesView attributes;  // all that were given
  const SpanContext& span;    // not valid where none is current
};

// Chooses among the measurements of one point. A view may bring its own one. Offer is called under a lock of the
// measurement: it must not wait for long, nor measure itself.
// Thread: any, several at once.
class ExemplarReservoir {
 public:
  virtual ~ExemplarReservoir() = default;

  virtual void Offer(const ExemplarCandidate& candidate) noexcept = 0;
  // Appends what was chosen since the last call. Attributes that the point has are taken out of it afterwards.
  virtual void Collect(std::vector<Exemplar>& exemplars) = 0;
};

using ExemplarReservoirFactory = std::function<std::unique_ptr<ExemplarReservoir>()>;

// The specification's two kinds, to be chosen by a view. Without one, histograms with explicit buckets use the second
// kind with their own bounds, exponential ones the first kind with 20 places, all others the first kind with one.
ExemplarReservoirFactory SimpleFixedSizeExemplarReservoir(size_t size);
ExemplarReservoirFactory AlignedHistogramBucketExemplarReservoir(std::vector<double> boundaries);

}  // namespace otel
