#include <malloc.h>

#include "otel/instrumentation/process.h"
#include "otel/version.h"

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)  // before, its numbers are too small for today's memory
#define SIGHTLINE_OTEL_HAS_MALLINFO2
#endif
#endif

namespace otel::instrumentation {

RuntimeMetrics::RuntimeMetrics() : RuntimeMetrics(GetMeter("otel.instrumentation.runtime", kVersion)) {}

RuntimeMetrics::RuntimeMetrics([[maybe_unused]] const Meter& meter) {
#ifdef SIGHTLINE_OTEL_HAS_MALLINFO2
  registrations_.push_back(meter.CreateObservableUpDownCounter<int64_t>(
      "glibc.malloc.memory.used", {.unit = "By", .description = "Memory that malloc holds"},
      [](Observer<int64_t>& observer) {
        const struct mallinfo2 info = mallinfo2();
        observer.Observe(static_cast<int64_t>(info.uordblks + info.hblkhd),
                         {{"glibc.malloc.memory.type", "allocated"}});
        observer.Observe(static_cast<int64_t>(info.fordblks), {{"glibc.malloc.memory.type", "free"}});
      }));
  registrations_.push_back(meter.CreateObservableUpDownCounter<int64_t>(
      "glibc.malloc.mapping.count", {.unit = "{mapping}", .description = "Blocks that malloc has mapped by themselves"},
      [](Observer<int64_t>& observer) { observer.Observe(static_cast<int64_t>(mallinfo2().hblks)); }));
#endif
}

std::shared_ptr<void> ObserveRuntime() {
  return std::make_shared<RuntimeMetrics>();
}

}  // namespace otel::instrumentation
