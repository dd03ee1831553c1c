// How many requests a service got by minute, and how many of them were good: what objectives are about. Read from the
// table span_metric_rollups, which counts all spans before any sampling. Data: bound parameters -> ClickHouse -> a
// count for each minute or hour that has one.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/clickhouse.h"

namespace sightline::query {

struct RequestSearch {
  std::string service;
  std::vector<std::string> operations;             // span names; none: all
  int64_t latency_under_nanos = 0;                 // good is what took at most so long; 0: what had no error
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to) of their starts, whole steps
  bool by_hour = false;                            // steps are hours, else minutes
};

struct RequestCount {
  int64_t unix_seconds = 0;  // where its step begins
  double good = 0, total = 0;
};

// The bucket of durations that holds a bound: of what took longer than its lower end and less than its upper one it is
// estimated, as if evenly spread by their logarithm, how many are below the bound. All other requests are exact.
std::pair<double, double> LatencyBucket(int64_t nanos);

// Requests are entry spans (otlp::IsEntrySpan). Thread: any.
class RequestCountReader {
 public:
  // `clickhouse` must outlive it.
  explicit RequestCountReader(store::ClickHouse& clickhouse, std::string database = "sightline")
      : clickhouse_(clickhouse), database_(std::move(database)) {}

  // Steps without requests are left out.
  Result<std::vector<RequestCount>> Count(const RequestSearch& search, store::Cancellation* cancellation = nullptr);

  struct OfOperation {
    std::string name;
    double good = 0, total = 0;
  };
  // The same over the whole range by span name, those with the most bad ones first. Names are as many as series are
  // counted apart (otlp/span_metrics_options.h).
  Result<std::vector<OfOperation>> CountByOperation(const RequestSearch& search,
                                                    store::Cancellation* cancellation = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  const std::string database_;
};

}  // namespace sightline::query
