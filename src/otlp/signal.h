// The three kinds of telemetry that OTLP carries here.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sightline::otlp {

// The numbers are written to the journal: never renumber.
enum class Signal : uint8_t { kTraces = 0, kMetrics = 1, kLogs = 2 };

inline constexpr std::array<Signal, 3> kSignals = {Signal::kTraces, Signal::kMetrics, Signal::kLogs};

constexpr std::string_view SignalName(Signal signal) {
  constexpr std::string_view kNames[] = {"traces", "metrics", "logs"};
  return kNames[static_cast<uint8_t>(signal)];
}

// What one counts in a request of this signal, as OTLP's partial success names it: "spans", "data_points",
// "log_records".
constexpr std::string_view ItemName(Signal signal) {
  constexpr std::string_view kNames[] = {"spans", "data_points", "log_records"};
  return kNames[static_cast<uint8_t>(signal)];
}

}  // namespace sightline::otlp
