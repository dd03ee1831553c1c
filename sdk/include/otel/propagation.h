// How contexts travel between processes, in the headers of requests and messages.
// https://opentelemetry.io/docs/specs/otel/context/api-propagators/
//
//   otel::GetPropagator().Inject(otel::Context::Current(), [&](auto name, auto value) { request.set(name, value); });
//   const auto context = otel::GetPropagator().Extract({}, [&](auto name) { return request.find(name); });
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "otel/context.h"
#include "otel/function_ref.h"

namespace otel {

// Sets a header in place of what it has.
using TextMapSetter = FunctionRef<void(std::string_view name, std::string_view value)>;
// The value of a header, whose name is compared without case; several with that name are to be joined by commas.
// Must be valid until the next call.
using TextMapGetter = FunctionRef<std::optional<std::string_view>(std::string_view name)>;

// Thread: any, several at once.
class TextMapPropagator {
 public:
  virtual ~TextMapPropagator() = default;

  virtual void Inject(const Context& context, TextMapSetter set) const = 0;
  // The context with what the headers say; unchanged where they are missing or malformed.
  virtual Context Extract(const Context& context, TextMapGetter get) const = 0;
  // The headers that Inject may set.
  virtual std::vector<std::string_view> Fields() const = 0;
};

// traceparent and tracestate: https://www.w3.org/TR/trace-context-1/
std::shared_ptr<const TextMapPropagator> TraceContextPropagator();
// baggage: https://www.w3.org/TR/baggage/
std::shared_ptr<const TextMapPropagator> BaggagePropagator();
// One after the other.
std::shared_ptr<const TextMapPropagator> CompositePropagator(
    std::vector<std::shared_ptr<const TextMapPropagator>> propagators);

// The one that instrumentation uses. Does nothing until one is set. What it replaces is kept until the program ends, as
// it may be in use: set it when the program starts.
const TextMapPropagator& GetPropagator();
void SetPropagator(std::shared_ptr<const TextMapPropagator> propagator);

}  // namespace otel
