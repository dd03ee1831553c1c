// The document that an SLO is: JSON -> checked, in one canonical text. What it may hold stands in
// src/serve/openapi.yaml (SloDocument); docs/slos.md says what it means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "query/metrics.h"

namespace sightline::slo {

inline constexpr size_t kSloDocumentBytesMax = 256 << 10;
inline constexpr size_t kOperationsMax = 100;
inline constexpr size_t kComponentsMax = 20;
inline constexpr int64_t kMinuteSeconds = 60, kHourSeconds = 3600, kDaySeconds = 86'400;
inline constexpr int64_t kWindowSecondsMax = 92 * kDaySeconds;  // a quarter
inline constexpr int64_t kWindowSecondsMin = kHourSeconds;

// Over which time the objective holds.
struct SloWindow {
  enum class Kind : uint8_t { kRolling, kWeek, kMonth, kQuarter };
  Kind kind = Kind::kRolling;
  int64_t length_seconds = 0;  // of a rolling one
  std::string timezone;        // of the others, "Europe/Berlin"
};

// Entry spans of a service, from what is counted before sampling.
struct RequestsSli {
  std::string service;
  std::vector<std::string> operations;  // span names; none: all
  int64_t latency_under_nanos = 0;      // 0: good is what had no error
};

enum class SliSource : uint8_t { kTraceql, kLogs, kMetrics, kSql };
struct SliQuery {
  std::string text;    // a condition, or SQL
  std::string metric;  // of metrics
  std::optional<query::MetricKind> type;
  std::optional<query::Aggregation> aggregation;
};

struct EventsSli {
  SliSource source = SliSource::kTraceql;
  SliQuery good, total;
};

// A slice of time is good where the value in it is on the right side of the threshold.
struct TimeSlicesSli {
  SliSource source = SliSource::kMetrics;
  SliQuery query;
  int64_t slice_minutes = 1;
  bool above = false;
  double threshold = 0;
};

struct CompositeSli {
  std::vector<std::string> of;  // ids
  std::vector<double> weights;  // one for each
};

struct SloDocument {
  std::string json;  // as given, without spaces between its parts
  std::string name, description;
  double objective = 0;  // between 0 and 1
  SloWindow window;
  std::variant<RequestsSli, EventsSli, TimeSlicesSli, CompositeSli> sli;
  std::string sli_json;  // whether two count the same
  double minimum_events = 0;
  std::vector<std::pair<std::string, std::string>> labels;
};

// kInvalidArgument: "sli.good: what is wrong with it"; of JSON that does not parse "document: …".
Result<SloDocument> ReadSloDocument(std::string_view json);

// So many events that one failure among them does not burn the budget at the fastest usual rate.
double DefaultMinimumEvents(double objective);

}  // namespace sightline::slo
