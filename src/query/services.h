// What the UI, the API and the CLI ask about services and their operations: rates, errors and durations, read from the
// table span_metric_rollups (by 10 s, minute, hour) and not from spans. Data: bound parameters -> ClickHouse (buckets
// of durations by service and step) -> calls, errors, quantiles.
//
// Quantiles are read from buckets that are 2^(1/8) wide, as if durations were spread evenly by their logarithm within
// each: at most 9.1 % beside the exact one, mostly below 2 % with a thousand calls or more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/rows.h"
#include "store/clickhouse.h"
#include "store/schema.h"

namespace sightline::query {

inline constexpr uint32_t kServicesMax = 1000;          // a page
inline constexpr uint32_t kOperationsMax = 1000;        // a page
inline constexpr uint32_t kOperationsRankedMax = 1000;  // of a list: the cursor names them
// Of an id by which a cursor names an operation, or an edge of the service graph. Among 1,000 that were shown and 1,000
// that were not, two have the same one with a probability of 1 in a million.
inline constexpr int kRankedIdBits = 40;
inline constexpr uint32_t kServiceStepsMax = 11'000;     // of a range
inline constexpr uint64_t kServiceCellsMax = 2'000'000;  // services of a page times steps
inline constexpr int64_t kServiceStepSecondsMin = 10;    // rows are counted by 10 s
inline constexpr uint32_t kServiceStepsByDefaultMax = 120;

// [from, to) of spans' starts, in whole steps since 1970.
struct MinuteRange {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;
  int64_t step_seconds = kServiceStepSecondsMin;

  int64_t from_seconds() const { return from_unix_nanos / 1'000'000'000; }
  int64_t to_seconds() const { return to_unix_nanos / 1'000'000'000; }
  uint64_t steps() const { return static_cast<uint64_t>((to_seconds() - from_seconds()) / step_seconds); }
};

// The smallest range of whole steps that holds the given one. `step_seconds` is made whole minutes, or whole 10 s below
// one; 0: the shortest
// round step that makes at most kServiceStepsByDefaultMax of the range (a day, if none does). kInvalidArgument: an
// empty range.
Result<MinuteRange> WholeSteps(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds);

// Not whole where an SDK samples at the head: then each span counts for those it stands for.
struct CallFigures {
  double calls = 0, errors = 0;
  double calls_per_second = 0;  // over the part of the range that has passed
  double p50_nanos = 0, p90_nanos = 0, p95_nanos = 0, p99_nanos = 0;
  uint64_t max_nanos = 0;
};

struct ServiceSummary {
  std::string service;  // "": spans that name none
  CallFigures figures;  // of entry spans
  // (satisfied + tolerating / 2) / calls: satisfied are those that took at most the threshold, tolerating those of at
  // most four times as long; whoever got an error was neither. Read from buckets, as quantiles are.
  double apdex = 0;
  int64_t apdex_threshold_nanos = 0;
  int64_t last_seen_unix_nanos = 0;  // start of the last entry span, whole seconds
  // One value for each step of the range.
  std::vector<double> calls, errors;                               // in the step
  std::vector<double> p50_nanos, p90_nanos, p95_nanos, p99_nanos;  // NaN: no call
};

// Where a page ended. It carries the first page's range, so that all pages speak of the same time.
struct ServiceCursor {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 0;  // stand for the search's
  std::string service;                                               // the last one
};

struct ServiceSearch {
  std::optional<std::string> service;                                // only this one; none: all
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 0;  // as WholeSteps takes them
  int64_t now_unix_nanos = 0;                                        // what of the range has passed
  uint32_t limit = 50;                                               // 1 to kServicesMax
  std::optional<ServiceCursor> cursor;
};

struct ServicePage {
  MinuteRange range;                     // that was used
  std::vector<ServiceSummary> services;  // that had a call, by name
  std::optional<ServiceCursor> next;     // none: this is the last page
  store::QueryStats scanned;
};

// Spans of one name and kind, entry spans apart from others.
struct Operation {
  std::string name, kind;  // kind "Server", ...
  bool entry = false;      // work came in here from outside the service
  CallFigures figures;
};

// What the pages before had. The numbers of calls change while data arrives, so that they say nothing about it.
struct OperationCursor {
  struct Place {
    std::string name, kind;
    bool entry = false;
  };
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // stand for the search's
  std::vector<uint64_t> ranked;                    // ids of those that stood there by their calls
  std::optional<Place> last;                       // the last one, once they stand by name
};

struct OperationSearch {
  std::string service;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // widened to whole minutes, or hours where it is long or old
  int64_t now_unix_nanos = 0;
  uint32_t limit = 50;  // 1 to kOperationsMax
  std::optional<OperationCursor> cursor;
};

// Most calls first up to kOperationsRankedMax, a page without those of the pages before; the rest by name, kind, entry.
struct OperationPage {
  MinuteRange range;
  std::vector<Operation> operations;
  std::optional<OperationCursor> next;
  store::QueryStats scanned;
};

// Calls by bucket, ascending by bucket.
using BucketCalls = std::vector<std::pair<uint16_t, double>>;
// The duration below which `quantile` (0 to 1) of the calls lie; at most `max_nanos`. 0 without calls.
double QuantileNanos(const BucketCalls& buckets, double quantile, uint64_t max_nanos);
// How many of the calls took at most so long; none took longer than `max_nanos`.
double CallsWithin(const BucketCalls& buckets, double nanos, uint64_t max_nanos);

// How long a request may take to be a good one, for apdex.
struct ApdexThresholds {
  int64_t default_nanos = 500'000'000;
  std::map<std::string, int64_t, std::less<>> by_service;

  int64_t Of(std::string_view service) const {
    const auto own = by_service.find(service);
    return own == by_service.end() ? default_nanos : own->second;
  }
};

// How long rows are kept; steps are made as coarse as a range's age demands. 0: forever.
struct SpanMetricsKept {
  int64_t ten_second_seconds = store::kFineSpanMetricsSeconds;
  int64_t minute_seconds = 0;
};

// Thread: any.
class ServiceReader {
 public:
  // `clickhouse` must outlive it.
  explicit ServiceReader(store::ClickHouse& clickhouse, std::string database = "sightline", SpanMetricsKept kept = {},
                         ApdexThresholds apdex = {})
      : clickhouse_(clickhouse), database_(std::move(database)), kept_(kept), apdex_(std::move(apdex)) {}

  // Both: kInvalidArgument for a limit out of bounds, an empty range; the first also for too many steps.
  Result<ServicePage> List(const ServiceSearch& search, store::Cancellation* cancellation = nullptr);
  // Of a service that is not known: none.
  Result<OperationPage> ListOperations(const OperationSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  Result<MinuteRange> StoredSteps(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds,
                                  int64_t now_unix_nanos) const;

  store::ClickHouse& clickhouse_;
  const std::string database_;
  const SpanMetricsKept kept_;
  const ApdexThresholds apdex_;
};

}  // namespace sightline::query
