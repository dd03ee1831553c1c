// A store with metrics of a test's making.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/clock.h"
#include "query/metrics.h"
#include "query/testing/engine.h"

namespace sightline::query::testing {

using Values = std::vector<double>;

inline constexpr int64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Stream {
  std::string name = "m", type = "sum", unit = "1";
  int temporality = 2;
  bool monotonic = true;
  std::string service = "web", resource = "", attributes = "{}", description = "";
  std::string limited_by = "";
};

// Seconds are after the test's start; a start of 0 is unknown.
struct Point {
  int64_t time = 0;
  double value = 0;
  int64_t start = 0;
  int flags = 0;
};

class MetricStoreTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"metric_series", "metric_points", "metric_histograms", "metric_exponential_histograms", "metric_summaries",
           "attribute_sets"});
    // A whole hour not long ago, so that nothing runs into the retention.
    start_ = Clock::System().UnixNanos() / kHour * kHour - 10 * kHour;
  }

  uint64_t Add(const Stream& stream, int64_t seen_hours = 0) {
    ++last_id_;
    Execute(fmt::format(
        "INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType, Description, Unit, "
        "AggregationTemporality, IsMonotonic, ServiceName, ResourceId, Attributes, LimitedBy) VALUES ({}, {}, '{}', "
        "'{}', '{}', '{}', {}, {}, '{}', '{}', {}, '{}')",
        last_id_, start_ / kSecond + seen_hours * 3600, stream.name, stream.type, stream.description, stream.unit,
        stream.temporality, stream.monotonic, stream.service, stream.resource, stream.attributes,
        stream.limited_by));
    return last_id_;
  }

  std::string Time(int64_t seconds) const {
    return fmt::format("fromUnixTimestamp64Nano({})", start_ + seconds * kSecond);
  }
  std::string StartTime(int64_t seconds) const { return seconds == 0 ? "fromUnixTimestamp64Nano(0)" : Time(seconds); }
  static std::string Number(double value) {
    return std::isnan(value) ? "nan" : std::isinf(value) ? "inf" : fmt::format("{}", value);
  }

  void Insert(uint64_t id, const std::vector<Point>& points) {
    std::string rows;
    for (const Point& point : points) {
      rows += fmt::format("{}({}, {}, {}, {}, {}, 1)", rows.empty() ? "" : ", ", id, Time(point.time),
                          StartTime(point.start), Number(point.value), point.flags);
    }
    Execute("INSERT INTO sightline.metric_points (SeriesId, Timestamp, StartTimestamp, Value, Flags, Block) VALUES " +
            rows);
  }
  void InsertHistogram(uint64_t id, int64_t time, int64_t start, const std::vector<double>& bounds,
                       const std::vector<uint64_t>& counts, double sum, int flags = 0, int has = 1) {
    uint64_t count = 0;
    for (const uint64_t one : counts) count += one;
    Execute(
        fmt::format("INSERT INTO sightline.metric_histograms (SeriesId, Timestamp, StartTimestamp, Count, Sum, Has, "
                    "BucketCounts, ExplicitBounds, Flags, Block) VALUES ({}, {}, {}, {}, {}, {}, [{}], [{}], {}, 1)",
                    id, Time(time), StartTime(start), count, Number(sum), has, fmt::join(counts, ","),
                    fmt::join(bounds, ","), flags));
  }
  void InsertExponential(uint64_t id, int64_t time, int64_t start, int scale, int offset,
                         const std::vector<uint64_t>& counts, uint64_t zero = 0) {
    uint64_t count = zero;
    for (const uint64_t one : counts) count += one;
    Execute(
        fmt::format("INSERT INTO sightline.metric_exponential_histograms (SeriesId, Timestamp, StartTimestamp, Count, "
                    "Scale, ZeroCount, PositiveOffset, PositiveBucketCounts, Block) VALUES ({}, {}, {}, {}, {}, {}, "
                    "{}, [{}], 1)",
                    id, Time(time), StartTime(start), count, scale, zero, offset, fmt::join(counts, ",")));
  }

  // Of the test's first seconds.
  SeriesRequest Ask(int64_t seconds, int64_t step_seconds = 60, const std::string& name = "m") const {
    SeriesRequest request;
    request.name = name;
    request.from_unix_nanos = start_;
    request.to_unix_nanos = start_ + seconds * kSecond;
    request.step_seconds = step_seconds;
    return request;
  }
  SeriesRequest Ask(int64_t seconds, int64_t step_seconds, Aggregation aggregation) const {
    SeriesRequest request = Ask(seconds, step_seconds);
    request.aggregation = aggregation;
    return request;
  }
  SeriesAnswer Get(const SeriesRequest& request) {
    auto answer = reader_.GetSeries(request);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *std::move(answer) : SeriesAnswer();
  }
  // Of the only group.
  Values Only(const SeriesRequest& request) {
    const SeriesAnswer answer = Get(request);
    EXPECT_EQ(answer.series.size(), 1u);
    return answer.series.size() == 1 ? answer.series[0].values : Values();
  }
  Error Refused(const SeriesRequest& request) {
    auto answer = reader_.GetSeries(request);
    EXPECT_FALSE(answer);
    return answer ? Error() : answer.error();
  }

  int64_t start_ = 0;
  uint64_t last_id_ = 0;
  MetricReader reader_{clickhouse()};
};

MATCHER_P(Are, expected, "") {
  if (arg.size() != expected.size()) return false;
  for (size_t i = 0; i < arg.size(); ++i) {
    if (std::isnan(expected[i]) ? !std::isnan(arg[i]) : !(std::abs(arg[i] - expected[i]) < 1e-9)) return false;
  }
  return true;
}

}  // namespace sightline::query::testing
