// What the UI, the API and the CLI ask about metrics: which there are, and one as series over time. Data: bound
// parameters -> ClickHouse (streams, and one row for each stream and step) -> values by group and step.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/filters.h"
#include "store/clickhouse.h"
#include "traceql/ast.h"

namespace sightline::query {

inline constexpr uint32_t kMetricsMax = 1000;           // a page
inline constexpr size_t kMetricServicesMax = 20;        // named of one metric
inline constexpr size_t kMetricKeysMax = 50;            // attribute keys named of one metric
inline constexpr uint32_t kSeriesStepsMax = 11'000;     // an answer
inline constexpr uint32_t kSeriesGroupsMax = 100;       // an answer
inline constexpr uint32_t kSeriesReadMax = 1000;        // of one metric, to compute with
inline constexpr size_t kGroupByMax = 3;                // attributes
inline constexpr size_t kStreamsMax = 200'000;          // that one answer may be computed from
inline constexpr uint64_t kSeriesCellsMax = 4'000'000;  // groups times steps while an answer is computed

enum class MetricKind : uint8_t { kGauge, kSum, kHistogram, kExponentialHistogram, kSummary };
std::string_view MetricKindName(MetricKind kind);  // "gauge", ... as stored
std::optional<MetricKind> ParseMetricKind(std::string_view name);

enum class Temporality : uint8_t { kUnspecified, kDelta, kCumulative };

// What makes one line of the list: metrics of one name are apart when they differ in one of these.
struct MetricKey {
  std::string name;
  MetricKind kind = MetricKind::kGauge;
  std::string unit;
  Temporality temporality = Temporality::kUnspecified;
  bool monotonic = false;
};

// A service that has more series of a metric than limits.metric_series_max: the others are one, the overflow series.
struct LimitedSeries {
  std::string service;
  std::string attribute;     // that has the most values; empty: it is not known
  bool of_resource = false;  // it is the resource's
  uint64_t series = 0;       // that are not in it; 0 in answers with values
  bool is_left_out = false;  // from the answer, as its points do not add up
};

struct MetricInfo {
  MetricKey key;
  std::string description;                  // the one announced last
  std::vector<std::string> services;        // by name, at most kMetricServicesMax
  uint64_t series_count = 0;                // streams
  std::vector<std::string> attribute_keys;  // of the points, by name, at most kMetricKeysMax
  int64_t last_seen_unix_nanos = 0;         // when a stream was last announced to the store
  std::vector<LimitedSeries> limited;       // within the last day
};

struct MetricSearch {
  std::optional<std::string> service;  // none: any; "": streams that name none
  std::string text;                    // part of the name; case does not matter
  uint32_t limit = 50;                 // 1 to kMetricsMax
  std::optional<MetricKey> after;      // the last one of the page before
};

struct MetricPage {
  std::vector<MetricInfo> metrics;  // by name, then type, unit, temporality, monotonic
  std::optional<MetricKey> next;    // none: this is the last page
  store::QueryStats scanned;
};

enum class Aggregation : uint8_t {
  kRate,
  kIncrease,
  kAvg,
  kMin,
  kMax,
  kSum,
  kLast,
  kCount,
  kP50,
  kP75,
  kP90,
  kP95,
  kP99
};
std::string_view AggregationName(Aggregation aggregation);  // "rate", ..., "p99"
std::optional<Aggregation> ParseAggregation(std::string_view name);

struct SeriesRequest {
  std::string name;
  std::optional<MetricKind> kind;          // needed where a name is used with several
  std::optional<Aggregation> aggregation;  // none: what fits the type
  // Instead: what becomes of the points of a stream in a step (rate, increase, avg, min, max, last; of delta sums sum),
  // and of the values that the streams of a group then have (avg, min, max, sum, count, p50 to p99). Not of histograms.
  std::optional<Aggregation> over_time, over_series;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to), widened to whole steps
  int64_t step_seconds = 60;
  int64_t origin_unix_nanos = 0;                      // where a step begins
  std::optional<std::string> service;                 // as of MetricSearch
  std::vector<AttributeCondition> attributes;         // of the points, else of the resource
  std::shared_ptr<const traceql::Expression> filter;  // on labels: metric_filter.h; none: all
  std::vector<std::string> group_by;  // attributes of the points, else of the resource; "service.name" is the service
  uint32_t limit = 20;                // 1 to kSeriesReadMax
  bool smallest = false;              // those with the smallest mean, where there are more than `limit`
};

struct MetricSeries {
  std::vector<std::pair<std::string, std::string>> labels;  // the group_by keys that the group has
  std::vector<double> values;                               // one for each step; NaN: no data
};

struct SeriesAnswer {
  MetricKind kind = MetricKind::kGauge;
  std::string unit, result_unit;
  Aggregation aggregation = Aggregation::kAvg;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // whole steps, aligned to 1970
  int64_t step_seconds = 60;
  std::vector<MetricSeries> series;  // largest values first
  uint64_t series_total = 0;         // groups with data
  std::vector<LimitedSeries> limited;
  store::QueryStats scanned;
};

// Thread: any.
class MetricReader {
 public:
  // `clickhouse` must outlive it.
  explicit MetricReader(store::ClickHouse& clickhouse, std::string database = "sightline")
      : clickhouse_(clickhouse), database_(std::move(database)) {}

  Result<MetricPage> List(const MetricSearch& search, store::Cancellation* cancellation = nullptr);

  // What the aggregations mean for each type stands in docs/metric_series.md. kNotFound: there is no such metric (of
  // that service, with those attributes); kInvalidArgument: a type is needed, or the aggregation does not fit the type;
  // kResourceExhausted: too many streams, groups or steps. `at_fault` gets the field of the request that is wrong, if
  // it is one: "type", "aggregation" or "over_time".
  Result<SeriesAnswer> GetSeries(const SeriesRequest& request, store::Cancellation* cancellation = nullptr,
                                 std::string* at_fault = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  const std::string database_;
};

}  // namespace sightline::query
