// What an instrumentation library tells, for its tests.
#pragma once

#include <gmock/gmock.h>
#include <otel/in_memory_span_exporter.h>
#include <otel/meter_provider.h>
#include <otel/propagation.h>
#include <otel/tracer_provider.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace otel::instrumentation {

inline std::optional<AnyValue> Value(AttributesView attributes, std::string_view key) {
  for (const auto& attribute : attributes) {
    if (attribute.key == key) return attribute.value;
  }
  return std::nullopt;
}
// Also of a number; "(none)" where there is no such attribute.
inline std::string Text(AttributesView attributes, std::string_view key) {
  const auto value = Value(attributes, key);
  if (!value) return "(none)";
  if (value->type() == AnyValue::Type::kInt) return std::to_string(value->as_int());
  return value->type() == AnyValue::Type::kString ? std::string(value->as_string()) : "(another type)";
}

// The global providers, started once in a test program: what a library makes at its first use belongs to them.
class Collected {
 public:
  static Collected& Global() {
    static auto* const collected = new Collected;
    return *collected;
  }

  std::vector<SpanData> Spans() const { return spans_.spans(); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& span : Spans()) names.emplace_back(span.name);
    return names;
  }
  void ClearSpans() { spans_.Clear(); }

  // How many values a histogram has recorded so far, or what a sum is, by the value of one attribute.
  std::map<std::string, int64_t> Measured(std::string_view metric, std::string_view key) const {
    std::map<std::string, int64_t> counts;
    const auto batch = reader_->Collect();
    for (const auto& scope : batch->scopes) {
      for (const auto& data : scope.metrics) {
        if (data.name != metric) continue;
        if (const auto* sum = std::get_if<SumData>(&data.data)) {
          for (const auto& point : sum->points)
            counts[Text(point.attributes.view(), key)] += std::get<int64_t>(point.value);
        } else if (const auto* histogram = std::get_if<HistogramData>(&data.data)) {
          EXPECT_EQ(data.unit, "s");
          for (const auto& point : histogram->points) {
            counts[Text(point.attributes.view(), key)] += static_cast<int64_t>(point.count);
          }
        }
      }
    }
    return counts;
  }

 private:
  Collected() {
    SetPropagator(CompositePropagator({TraceContextPropagator(), BaggagePropagator()}));
    TracerProvider::Global().Start({.processors = {std::make_shared<SimpleSpanProcessor>(spans_.Exporter())}});
    MeterProvider::Global().Start({.readers = {reader_}});
  }

  InMemorySpans spans_;
  std::shared_ptr<ManualReader> reader_ = std::make_shared<ManualReader>();
};

}  // namespace otel::instrumentation
