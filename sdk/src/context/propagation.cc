#include "otel/propagation.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <utility>

#include "context/header_text.h"

namespace otel {
namespace {

constexpr std::string_view kTraceparent = "traceparent", kTracestate = "tracestate", kBaggage = "baggage";

std::optional<uint8_t> HexByte(std::string_view hex) {
  const auto byte = Id<1>::FromHex(hex);
  return byte ? std::optional(byte->bytes[0]) : std::nullopt;
}

// version "-" trace-id "-" parent-id "-" flags; later versions may go on after another "-".
std::optional<SpanContext> FromTraceparent(std::string_view header) {
  constexpr size_t kBytes = 55;
  if (header.size() < kBytes || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  const auto version = HexByte(header.substr(0, 2));
  if (!version || *version == 0xff) return std::nullopt;
  if (header.size() > kBytes && (*version == 0 || header[kBytes] != '-')) return std::nullopt;
  const auto trace_id = TraceId::FromHex(header.substr(3, 32));
  const auto span_id = SpanId::FromHex(header.substr(36, 16));
  const auto flags = HexByte(header.substr(53, 2));
  if (!trace_id || !span_id || !flags) return std::nullopt;
  // Flags that are not known must not be passed on.
  const auto known = static_cast<uint8_t>(*flags & (TraceFlags::kSampled | TraceFlags::kRandom));
  SpanContext context{.trace_id = *trace_id, .span_id = *span_id, .flags = {known}, .is_remote = true};
  return context.IsValid() ? std::optional(std::move(context)) : std::nullopt;
}

class TraceContext final : public TextMapPropagator {
 public:
  void Inject(const Context& context, TextMapSetter set) const override {
    const SpanContext& span = context.span_context();
    if (!span.IsValid()) return;
    const std::string header =
        "00-" + span.trace_id.Hex() + "-" + span.span_id.Hex() + "-" + Id<1>{{span.flags.bits}}.Hex();
    set(kTraceparent, header);
    if (!span.state.empty()) set(kTracestate, span.state.ToHeader());
  }

  Context Extract(const Context& context, TextMapGetter get) const override {
    const auto traceparent = get(kTraceparent);
    if (!traceparent) return context;
    auto span = FromTraceparent(internal::TrimSpace(*traceparent));
    if (!span) return context;
    // A malformed state does not make the parent invalid.
    if (const auto header = get(kTracestate)) span->state = TraceState::FromHeader(*header).value_or(TraceState());
    return context.WithSpanContext(*std::move(span));
  }

  std::vector<std::string_view> Fields() const override { return {kTraceparent, kTracestate}; }
};

class BaggageHeader final : public TextMapPropagator {
 public:
  void Inject(const Context& context, TextMapSetter set) const override {
    const std::string header = context.baggage().ToHeader();
    if (!header.empty()) set(kBaggage, header);
  }

  Context Extract(const Context& context, TextMapGetter get) const override {
    const auto header = get(kBaggage);
    if (!header) return context;
    Baggage baggage = Baggage::FromHeader(*header);
    return baggage.empty() ? context : context.WithBaggage(std::move(baggage));
  }

  std::vector<std::string_view> Fields() const override { return {kBaggage}; }
};

class Composite final : public TextMapPropagator {
 public:
  explicit Composite(std::vector<std::shared_ptr<const TextMapPropagator>> parts) : parts_(std::move(parts)) {}

  void Inject(const Context& context, TextMapSetter set) const override {
    for (const auto& part : parts_) part->Inject(context, set);
  }

  Context Extract(const Context& context, TextMapGetter get) const override {
    Context extracted = context;
    for (const auto& part : parts_) extracted = part->Extract(extracted, get);
    return extracted;
  }

  std::vector<std::string_view> Fields() const override {
    std::vector<std::string_view> fields;
    for (const auto& part : parts_) {
      for (const std::string_view field : part->Fields()) {
        if (std::ranges::find(fields, field) == fields.end()) fields.push_back(field);
      }
    }
    return fields;
  }

 private:
  const std::vector<std::shared_ptr<const TextMapPropagator>> parts_;
};

// Those that were set, the newest first; never destroyed, as any of them may be in use.
struct Set {
  std::shared_ptr<const TextMapPropagator> propagator;
  const Set* older;
};
constinit std::atomic<const Set*> newest{nullptr};

}  // namespace

std::shared_ptr<const TextMapPropagator> TraceContextPropagator() {
  return std::make_shared<TraceContext>();
}

std::shared_ptr<const TextMapPropagator> BaggagePropagator() {
  return std::make_shared<BaggageHeader>();
}

std::shared_ptr<const TextMapPropagator> CompositePropagator(
    std::vector<std::shared_ptr<const TextMapPropagator>> propagators) {
  std::erase(propagators, nullptr);
  return std::make_shared<Composite>(std::move(propagators));
}

const TextMapPropagator& GetPropagator() {
  static const auto& none = *new Composite({});
  const Set* const set = newest.load(std::memory_order_acquire);
  return set != nullptr && set->propagator != nullptr ? *set->propagator : none;
}

void SetPropagator(std::shared_ptr<const TextMapPropagator> propagator) {
  auto* const set = new Set{std::move(propagator), newest.load(std::memory_order_acquire)};
  while (!newest.compare_exchange_weak(set->older, set, std::memory_order_acq_rel)) {
  }
}

}  // namespace otel
