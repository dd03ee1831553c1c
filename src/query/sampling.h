// What the UI and the API ask about sampling: how much of what is stored which policy kept, held against what was
// counted before sampling; and how the sampler did over time. Data: sums over spans by minute and hour, and the
// program's own metrics that it stores in itself -> typed values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/metrics.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kSamplingRowsMax = 1000;  // services, and pairs of service and policy, of an answer

// Spans that were stored, whether or not they still are, whose start lies in the range.
struct KeptFigures {
  uint64_t traces = 0;  // that have one of the spans; beyond 1,000 or so an estimate, standard error 0.8 %
  uint64_t spans = 0;
  double stand_for = 0;         // spans: the sum of their adjusted counts
  uint64_t bytes_received = 0;  // of the spans' protobuf messages
  double bytes_on_disk = 0;     // that many spans take on average, compressed
};

struct KeptByPolicy {
  std::string policy;  // "": kept without sampling
  KeptFigures kept;
};

struct KeptByService {
  std::string service;
  KeptFigures kept;
  double seen = 0;                     // spans, counted before sampling
  std::vector<KeptByPolicy> policies;  // most spans first
};

struct SamplingTotals {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // whole minutes, or hours
  KeptFigures kept;
  double seen = 0;
  double bytes_per_span = 0;            // on disk, of all stored spans
  std::vector<KeptByPolicy> policies;   // most spans first
  std::vector<KeptByService> services;  // most spans seen first, at most kSamplingRowsMax
  bool is_cut = false;
  store::QueryStats scanned;
};

// One of the sampler's own metrics over time.
struct SamplingSeries {
  std::string_view name;                                    // "traces", "late_spans", ...: kSamplingMetrics
  std::vector<std::pair<std::string, std::string>> labels;  // decision, policy, reason
  std::vector<double> values;                               // one for each step; NaN: no data
};

struct SamplingHistory {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 60;
  std::vector<SamplingSeries> series;
  store::QueryStats scanned;
};

// Thread: any.
class SamplingReader {
 public:
  // What is borrowed must outlive it. `minute_seconds`: how long minutes are kept; 0: forever.
  SamplingReader(store::ClickHouse& clickhouse, MetricReader& metrics, std::string database = "sightline",
                 int64_t minute_seconds = 0)
      : clickhouse_(clickhouse), metrics_(metrics), database_(std::move(database)), minute_seconds_(minute_seconds) {}

  // The range is widened to whole minutes, or hours where minutes are no longer kept. Costs about as much for a long
  // range as for a short one. kInvalidArgument: it is empty.
  Result<SamplingTotals> GetTotals(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t now_unix_nanos,
                                   store::Cancellation* cancellation = nullptr);
  // Counters as their increase in each step, gauges as their highest. Without a metric: no series of it.
  Result<SamplingHistory> GetHistory(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds,
                                     store::Cancellation* cancellation = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  MetricReader& metrics_;
  const std::string database_;
  const int64_t minute_seconds_;
};

}  // namespace sightline::query
