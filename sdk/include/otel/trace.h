// What code that is traced uses: tracers, which start spans. https://opentelemetry.io/docs/specs/otel/trace/api/
//
//   const auto tracer = otel::GetTracer("shop");
//   auto span = tracer.StartSpan("GET /cart", {.kind = otel::SpanKind::kServer, .attributes = {{"user.id", 7}}});
//   const otel::Scope scope(span);
//   span.SetAttribute("cart.items", 3);
//
// Tracers are cheap to copy, and any number of threads may use one. Those that are made before otel::Configure cost
// next to nothing until then, and work afterwards.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "otel/context.h"
#include "otel/scope.h"
#include "otel/span.h"

namespace otel {

struct Link {
  SpanContext context = {};
  AttributesView attributes = {};
};

class LinksView : public std::span<const Link> {
 public:
  constexpr LinksView() = default;
  constexpr LinksView(std::span<const Link> list) : std::span<const Link>(list) {}
  constexpr LinksView(std::initializer_list<Link> list) : std::span<const Link>(list.begin(), list.size()) {}
  LinksView(const std::vector<Link>& list) : std::span<const Link>(list) {}
};

// All of it is borrowed for the call.
struct StartSpanOptions {
  SpanKind kind = SpanKind::kInternal;
  AttributesView attributes = {};  // samplers see them: give here what is known at the start
  LinksView links = {};
  UnixNanos start = 0;              // 0: now
  const Context* parent = nullptr;  // nullptr: the current one
  bool root = false;                // begins a trace, whatever the parent
};

namespace internal {
class TracerProviderState;
struct TracePipeline;
}  // namespace internal

class Tracer {
 public:
  constexpr Tracer() = default;  // does nothing
  Tracer(const internal::TracerProviderState* provider, const InstrumentationScope* scope)
      : provider_(provider), scope_(scope) {}

  // False where no span would record. It may change: ask each time before making what is dear.
  bool Enabled() const;
  Span StartSpan(std::string_view name, const StartSpanOptions& options = {}) const;

 private:
  Span Start(const internal::TracePipeline& pipeline, std::string_view name, const StartSpanOptions& options,
             const Context& parent) const;

  // Both live as long as the program.
  const internal::TracerProviderState* provider_ = nullptr;
  const InstrumentationScope* scope_ = nullptr;
};

// Of the global provider. Asked for the same again it returns the same.
Tracer GetTracer(std::string_view name, std::string_view version = {}, std::string_view schema_url = {},
                 AttributesView attributes = {});

}  // namespace otel
