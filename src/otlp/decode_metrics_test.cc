#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "otlp/testing/blocks.h"

namespace sightline::otlp {
namespace {

using namespace testing;
using ::testing::ElementsAre;

std::string MetricsRequest(std::initializer_list<Pb> metrics) {
  return Request(metrics);
}

std::vector<uint64_t> Numbers(const Cell& array) {
  std::vector<uint64_t> numbers;
  for (const Cell& cell : array.elements) numbers.push_back(cell.number);
  return numbers;
}

std::vector<double> Doubles(const Cell& array) {
  std::vector<double> numbers;
  for (const Cell& cell : array.elements) numbers.push_back(cell.Double());
  return numbers;
}

TEST(MetricPoints, KeepEveryIntegerExactly) {
  const int64_t values[] = {
      0, 7, -7, (1LL << 53) + 1, -(1LL << 53) - 1, INT64_MAX, INT64_MAX - 511, INT64_MIN, INT64_MIN + 1};
  Pb data;
  for (const int64_t value : values) data.Message(field::metric_data::kDataPoints, NumberPoint(value));
  const std::string request =
      MetricsRequest({Pb().Bytes(field::metric::kName, "m").Message(field::metric::kGauge, data)});
  const NativeBlock rows = Rows(Signal::kMetrics, request, "metric_points");
  ASSERT_EQ(rows.rows, std::size(values));
  for (uint64_t row = 0; row < rows.rows; ++row) {
    const double value = rows.At("Value", row).Double();
    ASSERT_LT(value, 0x1p63);  // within what toInt64 takes
    EXPECT_EQ(static_cast<int64_t>(value) + rows.At("IntResidual", row).Int(), values[row]);
    EXPECT_EQ(rows.At("IsInt", row).number, 1u);
    EXPECT_NEAR(value, static_cast<double>(values[row]), 2048);
  }
  EXPECT_EQ(rows.At("IntResidual", 1).Int(), 0);
}

TEST(MetricPoints, HoldTimesFlagsValuesAndExemplars) {
  Pb point = Pb().Fixed64(field::data_point::kStartTimeUnixNano, kTestTime - 10)
                 .Fixed64(field::data_point::kTimeUnixNano, kTestTime)
                 .Double(field::number_data_point::kAsDouble, -3.25)
                 .Uint(field::number_data_point::kFlags, 1)
                 .Message(field::number_data_point::kAttributes, Attribute("a", IntValue(1)));
  point.Message(field::number_data_point::kExemplars,
                Pb().Fixed64(field::exemplar::kTimeUnixNano, kTestTime - 1)
                    .Fixed64(field::exemplar::kAsInt, static_cast<uint64_t>(-5))
                    .Bytes(field::exemplar::kSpanId, Id(2, 8))
                    .Bytes(field::exemplar::kTraceId, Id(1, 16))
                    .Message(field::exemplar::kFilteredAttributes, Attribute("f", StringValue("v"))));
  point.Message(field::number_data_point::kExemplars, Pb().Double(field::exemplar::kAsDouble, 0.5));
  const NativeBlock rows =
      Rows(Signal::kMetrics, MetricsRequest({Metric(field::metric::kGauge, {NumberPoint(1), point})}), "metric_points");
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_NE(rows.At("SeriesId", 0).number, rows.At("SeriesId", 1).number);
  EXPECT_EQ(rows.At("Timestamp", 1).number, kTestTime);
  EXPECT_EQ(rows.At("StartTimestamp", 1).number, kTestTime - 10);
  EXPECT_EQ(rows.At("Value", 1).Double(), -3.25);
  EXPECT_EQ(rows.At("IsInt", 1).number, 0u);
  EXPECT_EQ(rows.At("Flags", 1).number, 1u);
  EXPECT_TRUE(rows.At("Exemplars.Value", 0).elements.empty());
  EXPECT_THAT(Doubles(rows.At("Exemplars.Value", 1)), ElementsAre(-5.0, 0.5));
  EXPECT_THAT(Numbers(rows.At("Exemplars.IsInt", 1)), ElementsAre(1, 0));
  EXPECT_THAT(Numbers(rows.At("Exemplars.Timestamp", 1)), ElementsAre(kTestTime - 1, kTestTime));
  EXPECT_EQ(rows.At("Exemplars.SpanId", 1).elements[0].Hex(), "0000000000000002");
  EXPECT_EQ(rows.At("Exemplars.TraceId", 1).elements[0].Hex(), "00000000000000000000000000000001");
  EXPECT_EQ(rows.At("Exemplars.FilteredAttributes", 1).elements[0].Entry("f"), "v");
  EXPECT_THAT(rows.At("Exemplars.AttributeTypes", 1).Texts(), ElementsAre("s", ""));
  EXPECT_EQ(rows.At("Repairs", 1).text, "time_missing");
  EXPECT_EQ(rows.At("Block", 1).number, 1u);
}

TEST(MetricPoints, AreClampedWithTheOriginalAmongTheMarks) {
  const NativeBlock rows = Rows(
      Signal::kMetrics,
      MetricsRequest({Metric(field::metric::kSum, {NumberPoint(1, UINT64_MAX),
                                                   NumberPoint(2, static_cast<uint64_t>(kReceived + kDayNanos))})}),
      "metric_points");
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_EQ(rows.At("Timestamp", 0).Int(), kReceived + kDayNanos);
  EXPECT_EQ(rows.At("Repairs", 0).text, "time_clamped,sightline.original.time_unix_nano=18446744073709551615");
  EXPECT_EQ(rows.At("Timestamp", 1).Int(), kReceived + kDayNanos);
  EXPECT_EQ(rows.At("Repairs", 1).text, "");
  EXPECT_EQ(rows.At("SeriesId", 0).number, rows.At("SeriesId", 1).number);
}

TEST(MetricPoints, TakeTheReceiptWhereTheyHaveNoTime) {
  const NativeBlock rows =
      Rows(Signal::kMetrics, MetricsRequest({Metric(field::metric::kSum, {NumberPoint(1, 0)})}), "metric_points");
  EXPECT_EQ(rows.At("Timestamp", 0).Int(), kReceived);
  EXPECT_EQ(rows.At("StartTimestamp", 0).Int(), 0);
  EXPECT_EQ(rows.At("Repairs", 0).text, "time_missing");
}

TEST(MetricPoints, LeaveOutWhatTheScanRefused) {
  BuilderFixture fixture(Signal::kMetrics);
  TimeRules times;
  times.received_unix_nanos = kReceived;
  times.oldest_unix_nanos = static_cast<int64_t>(kTestTime) - 10;
  const std::string request =
      MetricsRequest({Metric(field::metric::kSum, {NumberPoint(1), NumberPoint(2, kTestTime - 20), NumberPoint(3)}),
                      Metric(field::metric::kGauge, {NumberPoint(4, kTestTime - 20), NumberPoint(5)})});
  const auto scan = ScanRequest(Signal::kMetrics, request, Limits{}, times);
  ASSERT_TRUE(scan);
  ASSERT_EQ(scan->items_accepted, 3u);
  for (const ItemRef& item : scan->items) fixture.builder().Append(request, *scan, item, kReceived);
  EXPECT_EQ(fixture.builder().rows(), 3u);
  const NativeBlock rows = Only(fixture.Finish(), "metric_points");
  ASSERT_EQ(rows.rows, 3u);
  EXPECT_EQ(rows.At("Value", 0).Double(), 1);
  EXPECT_EQ(rows.At("Value", 1).Double(), 3);
  EXPECT_EQ(rows.At("Value", 2).Double(), 5);
}

TEST(MetricSeries, HoldWhatIsNotAPointOnceADay) {
  Pb point = NumberPoint(1);
  point.Message(field::number_data_point::kAttributes, Attribute("b", StringValue("2")))
      .Message(field::number_data_point::kAttributes, Attribute("a", IntValue(1)));
  const Pb metric = Pb().Bytes(field::metric::kName, "requests")
                        .Bytes(field::metric::kDescription, "how many")
                        .Bytes(field::metric::kUnit, "{request}")
                        .Message(field::metric::kMetadata, Attribute("k", IntValue(3)))
                        .Message(field::metric::kSum, Pb().Message(field::metric_data::kDataPoints, point)
                                                          .Uint(field::metric_data::kAggregationTemporality, 2)
                                                          .Uint(field::metric_data::kIsMonotonic, 1));
  BuilderFixture fixture(Signal::kMetrics);
  fixture.Add(MetricsRequest({metric, metric}));
  const auto written = fixture.builder().Finish(1);
  ASSERT_EQ(written.size(), 3u);
  EXPECT_EQ(written[0].table, "attribute_sets");
  EXPECT_EQ(written[1].table, "metric_series");
  EXPECT_EQ(written[1].day, kNoDay);
  EXPECT_EQ(written[2].table, "metric_points");
  const NativeBlock series = ReadNativeRows(written[1].native);
  const NativeBlock points = ReadNativeRows(written[2].native);
  ASSERT_EQ(series.rows, 1u);
  ASSERT_EQ(points.rows, 2u);
  EXPECT_EQ(series.At("SeriesId", 0).number, points.At("SeriesId", 0).number);
  EXPECT_EQ(series.At("SeriesId", 0).number, points.At("SeriesId", 1).number);
  EXPECT_EQ(series.At("MetricName", 0).text, "requests");
  EXPECT_EQ(series.At("MetricType", 0).text, "sum");
  EXPECT_EQ(series.At("Description", 0).text, "how many");
  EXPECT_EQ(series.At("Unit", 0).text, "{request}");
  EXPECT_EQ(series.At("AggregationTemporality", 0).Int(), 2);
  EXPECT_EQ(series.At("IsMonotonic", 0).number, 1u);
  EXPECT_EQ(series.At("ServiceName", 0).text, "shop");
  EXPECT_EQ(series.At("ScopeName", 0).text, "test");
  EXPECT_EQ(series.At("ResourceId", 0).text, ReadNativeRows(written[0].native).At("Id", 0).text);
  EXPECT_THAT(series.At("Attributes", 0).Texts(), ElementsAre("a", "1", "b", "2"));
  EXPECT_EQ(series.At("AttributeTypes", 0).text, "is");
  EXPECT_EQ(series.At("Metadata", 0).text, R"({"k":3})");

  fixture.Add(MetricsRequest({metric}));
  EXPECT_FALSE(fixture.Finish(2).contains({"metric_series", kNoDay}));
  fixture.Add(MetricsRequest({metric}), kReceived + kDayNanos);
  EXPECT_TRUE(fixture.Finish(3).contains({"metric_series", kNoDay}));
  fixture.builder().ForgetWrittenSets();
  fixture.Add(MetricsRequest({metric}), kReceived + kDayNanos);
  EXPECT_TRUE(fixture.Finish(4).contains({"metric_series", kNoDay}));
}

TEST(MetricSeries, AreTheSameForAttributesInAnotherOrderAndDifferInEverythingElse) {
  const auto point = [](std::string_view first, std::string_view second, int64_t value) {
    Pb message = NumberPoint(0);
    for (const std::string_view key : {first, second}) {
      message.Message(field::number_data_point::kAttributes, Attribute(key, IntValue(key == "a" ? value : 2)));
    }
    return message;
  };
  const std::string request =
      MetricsRequest({Metric(field::metric::kSum, {point("a", "b", 1), point("b", "a", 1), point("a", "b", 3)}),
                      Metric(field::metric::kGauge, {point("a", "b", 1)})});
  const NativeBlock rows = Rows(Signal::kMetrics, request, "metric_points");
  const auto id = [&](uint64_t row) { return rows.At("SeriesId", row).number; };
  EXPECT_EQ(id(0), id(1));
  EXPECT_NE(id(0), id(2));
  EXPECT_NE(id(0), id(3));
  EXPECT_NE(id(2), id(3));
}

TEST(Histograms, HoldBucketsPackedOrNotAndWhatIsSet) {
  const auto packed = [](std::initializer_list<uint64_t> values) {
    return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * 8);
  };
  const double bound = 2.5;
  uint64_t bound_bits;
  std::memcpy(&bound_bits, &bound, 8);
  const Pb full = Pb().Fixed64(field::data_point::kTimeUnixNano, kTestTime)
                      .Fixed64(field::histogram_data_point::kCount, 6)
                      .Double(field::histogram_data_point::kSum, 12.5)
                      .Double(field::histogram_data_point::kMin, 0.5)
                      .Double(field::histogram_data_point::kMax, 9)
                      .Bytes(field::histogram_data_point::kBucketCounts, packed({1, 5}))
                      .Bytes(field::histogram_data_point::kExplicitBounds, packed({bound_bits}));
  const Pb single = Pb().Fixed64(field::data_point::kTimeUnixNano, kTestTime)
                        .Fixed64(field::histogram_data_point::kBucketCountsUnpacked, 3)
                        .Fixed64(field::histogram_data_point::kBucketCountsUnpacked, 4)
                        .Double(field::histogram_data_point::kExplicitBoundsUnpacked, 1);
  const NativeBlock rows =
      Rows(Signal::kMetrics, MetricsRequest({Metric(field::metric::kHistogram, {full, single})}), "metric_histograms");
  EXPECT_EQ(rows.At("Count", 0).number, 6u);
  EXPECT_EQ(rows.At("Sum", 0).Double(), 12.5);
  EXPECT_EQ(rows.At("Min", 0).Double(), 0.5);
  EXPECT_EQ(rows.At("Max", 0).Double(), 9);
  EXPECT_EQ(rows.At("Has", 0).number, 7u);
  EXPECT_EQ(rows.At("Has", 1).number, 0u);
  EXPECT_THAT(Numbers(rows.At("BucketCounts", 0)), ElementsAre(1, 5));
  EXPECT_THAT(Doubles(rows.At("ExplicitBounds", 0)), ElementsAre(2.5));
  EXPECT_THAT(Numbers(rows.At("BucketCounts", 1)), ElementsAre(3, 4));
  EXPECT_THAT(Doubles(rows.At("ExplicitBounds", 1)), ElementsAre(1));
}

TEST(ExponentialHistograms, HoldBothSides) {
  using namespace field::exponential_histogram_data_point;
  const Pb point = Pb().Fixed64(field::data_point::kTimeUnixNano, kTestTime)
                       .Fixed64(kCount, 9)
                       .Uint(kScale, 5)  // zigzag of -3
                       .Fixed64(kZeroCount, 2)
                       .Double(kZeroThreshold, 0.25)
                       .Double(kSum, 1.5)
                       .Message(kPositive, Pb().Uint(field::buckets::kOffset, 19)  // -10
                                               .Bytes(field::buckets::kBucketCounts, "\x01\xac\x02"))
                       .Message(kNegative, Pb().Uint(field::buckets::kBucketCountsUnpacked, 4));
  const NativeBlock rows =
      Rows(Signal::kMetrics, MetricsRequest({Metric(field::metric::kExponentialHistogram, {point})}),
           "metric_exponential_histograms");
  EXPECT_EQ(rows.At("Count", 0).number, 9u);
  EXPECT_EQ(rows.At("Scale", 0).Int(), -3);
  EXPECT_EQ(rows.At("ZeroCount", 0).number, 2u);
  EXPECT_EQ(rows.At("ZeroThreshold", 0).Double(), 0.25);
  EXPECT_EQ(rows.At("Has", 0).number, 1u);
  EXPECT_EQ(rows.At("PositiveOffset", 0).Int(), -10);
  EXPECT_THAT(Numbers(rows.At("PositiveBucketCounts", 0)), ElementsAre(1, 300));
  EXPECT_EQ(rows.At("NegativeOffset", 0).Int(), 0);
  EXPECT_THAT(Numbers(rows.At("NegativeBucketCounts", 0)), ElementsAre(4));
}

TEST(Summaries, HoldTheirQuantiles) {
  const auto quantile = [](double q, double value) {
    return Pb().Double(field::value_at_quantile::kQuantile, q).Double(field::value_at_quantile::kValue, value);
  };
  const Pb point = Pb().Fixed64(field::data_point::kTimeUnixNano, kTestTime)
                       .Fixed64(field::summary_data_point::kCount, 4)
                       .Double(field::summary_data_point::kSum, 10)
                       .Message(field::summary_data_point::kQuantileValues, quantile(0.5, 2))
                       .Message(field::summary_data_point::kQuantileValues, quantile(1, 4));
  const NativeBlock rows =
      Rows(Signal::kMetrics, MetricsRequest({Metric(field::metric::kSummary, {point})}), "metric_summaries");
  EXPECT_EQ(rows.At("Count", 0).number, 4u);
  EXPECT_EQ(rows.At("Sum", 0).Double(), 10);
  EXPECT_THAT(Doubles(rows.At("ValueAtQuantiles.Quantile", 0)), ElementsAre(0.5, 1));
  EXPECT_THAT(Doubles(rows.At("ValueAtQuantiles.Value", 0)), ElementsAre(2, 4));
}

}  // namespace
}  // namespace sightline::otlp
