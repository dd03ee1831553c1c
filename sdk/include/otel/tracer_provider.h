// Where tracers come from, and where their spans go to.
// https://opentelemetry.io/docs/specs/otel/trace/sdk/#tracer-provider
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "otel/sampler.h"
#include "otel/span_processor.h"
#include "otel/trace.h"

namespace otel {

// What is beyond them is dropped and counted in the span; texts are cut.
struct SpanLimits {
  size_t attribute_count = 128;                       // OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT
  std::optional<size_t> attribute_value_length = {};  // characters; OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT
  size_t event_count = 128;                           // OTEL_SPAN_EVENT_COUNT_LIMIT
  size_t link_count = 128;                            // OTEL_SPAN_LINK_COUNT_LIMIT
  size_t event_attribute_count = 128;                 // OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT
  size_t link_attribute_count = 128;                  // OTEL_LINK_ATTRIBUTE_COUNT_LIMIT
};

// Makes valid identifiers. Thread: any, several at once.
class IdGenerator {
 public:
  virtual ~IdGenerator() = default;

  virtual TraceId NewTraceId() = 0;
  virtual SpanId NewSpanId() = 0;
  // That at least the last seven bytes of trace ids are random:
  // https://www.w3.org/TR/trace-context-2/#random-trace-id-flag
  virtual bool TraceIdsAreRandom() const { return false; }
};

struct TracerProviderOptions {
  Resource resource = {};
  std::vector<std::shared_ptr<SpanProcessor>> processors = {};
  std::shared_ptr<const Sampler> sampler = ParentBasedSampler();
  SpanLimits limits = {};
  std::shared_ptr<IdGenerator> id_generator = {};  // random ones without it
  std::function<UnixNanos()> clock = {};           // the system's without it
};

// Thread: any.
class TracerProvider {
 public:
  TracerProvider();  // spans of its tracers only pass their parent's context on until Start
  explicit TracerProvider(TracerProviderOptions options) : TracerProvider() { Start(std::move(options)); }
  // Shuts down where that was not done, waiting at most five seconds. Tracers and spans may live on and do nothing.
  ~TracerProvider();
  TracerProvider(const TracerProvider&) = delete;
  TracerProvider& operator=(const TracerProvider&) = delete;

  // The one of GetTracer; it is never destroyed.
  static TracerProvider& Global();

  Tracer GetTracer(std::string_view name, std::string_view version = {}, std::string_view schema_url = {},
                   AttributesView attributes = {});

  // From now on its tracers record, also those made before. Once, or again after Shutdown; otherwise it is reported and
  // changes nothing.
  void Start(TracerProviderOptions options);
  // Of all processors. False where one failed or the time was over.
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);

 private:
  internal::TracerProviderState* const state_;  // lives as long as the program: tracers and spans point to it
};

}  // namespace otel
