// Where meters come from, and where what they measure goes to.
// https://opentelemetry.io/docs/specs/otel/metrics/sdk/#meterprovider
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "otel/metric_reader.h"
#include "otel/metrics.h"
#include "otel/scope.h"
#include "otel/view.h"

namespace otel {

struct MeterProviderOptions {
  Resource resource = {};
  std::vector<std::shared_ptr<MetricReader>> readers = {};  // each of one provider, once
  std::vector<View> views = {};
  ExemplarFilter exemplar_filter = ExemplarFilter::kTraceBased;  // OTEL_METRICS_EXEMPLAR_FILTER
  std::function<UnixNanos()> clock = {};                         // the system's without it
};

namespace internal {
class ProviderState;
}

// Thread: any.
class MeterProvider {
 public:
  MeterProvider();  // its instruments do nothing until Start
  explicit MeterProvider(const MeterProviderOptions& options) : MeterProvider() { Start(options); }
  // Shuts down where that was not done, waiting at most five seconds. Instruments may live on and do nothing.
  ~MeterProvider();
  MeterProvider(const MeterProvider&) = delete;
  MeterProvider& operator=(const MeterProvider&) = delete;

  // The one of GetMeter; it is never destroyed.
  static MeterProvider& Global();

  Meter GetMeter(std::string_view name, std::string_view version = {}, std::string_view schema_url = {},
                 AttributesView attributes = {});

  // From now on its instruments measure, also those made before. Once, or again after Shutdown; otherwise it is
  // reported and changes nothing.
  void Start(const MeterProviderOptions& options);
  // Of all readers. False where one failed or the time was over.
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);

 private:
  const std::shared_ptr<internal::ProviderState> state_;
};

}  // namespace otel
