// Instruments as an application uses them, and what a reader makes of them.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "metrics/testing/collected.h"
#include "otel/context.h"
#include "otel/errors.h"

namespace otel {
namespace {

using testing::Collected;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

MetricReaderOptions Delta() {
  return {.temporality = TemporalityPreference::kDelta};
}

TEST(Counter, AddsUpByAttributes) {
  Collected collected;
  const auto counter = collected.meter.CreateCounter<int64_t>("requests", {.unit = "{request}", .description = "text"});
  counter.Add(1, {{"route", "/a"}, {"status", 200}});
  counter.Add(2, {{"status", 200}, {"route", "/a"}});
  counter.Add(5, {{"route", "/b"}, {"status", 200}});
  counter.Add(7);
  collected.Collect();
  EXPECT_EQ(collected.Sum("requests", {{"route", "/a"}, {"status", 200}}), 3);
  EXPECT_EQ(collected.Sum("requests", {{"route", "/b"}, {"status", 200}}), 5);
  EXPECT_EQ(collected.Sum("requests"), 7);
  const MetricData* const metric = collected.Find("requests");
  EXPECT_EQ(metric->unit, "{request}");
  EXPECT_EQ(metric->description, "text");
  EXPECT_TRUE(collected.Get<SumData>("requests")->is_monotonic);
  EXPECT_EQ(collected.batch().scopes[0].scope->name, "meter");
  EXPECT_EQ(collected.batch().scopes[0].scope->version, "1.0");
}

TEST(Counter, TakesTheLastOfSeveralValuesForAKey) {
  Collected collected;
  const auto counter = collected.meter.CreateCounter<int64_t>("requests");
  for (int i = 0; i < 3; ++i) counter.Add(1, {{"a", 1}, {"", 7}, {"a", 2}});
  counter.Add(1, {{"a", 2}});
  EXPECT_EQ(collected.Collect().Sum("requests", {{"a", 2}}), 4);
  EXPECT_EQ(collected.Get<SumData>("requests")->points.size(), 1);
}

TEST(Counter, DropsWhatIsNegativeOrNotFinite) {
  Collected collected;
  const auto whole = collected.meter.CreateCounter<int64_t>("whole");
  const auto real = collected.meter.CreateCounter<double>("real");
  const uint64_t before = ErrorCount("metrics");
  whole.Add(-1);
  for (const double value : {-0.5, std::nan(""), std::numeric_limits<double>::infinity()}) real.Add(value);
  EXPECT_EQ(ErrorCount("metrics"), before + 4);
  EXPECT_EQ(collected.Collect().metrics(), 0);
  real.Add(0.25);
  real.Add(0.5);
  EXPECT_THAT(collected.Collect().Sum<double>("real"), DoubleEq(0.75));
}

TEST(UpDownCounter, MayShrink) {
  Collected collected({}, Delta());
  const auto counter = collected.meter.CreateUpDownCounter<int64_t>("open");
  counter.Add(5);
  counter.Add(-7);
  EXPECT_EQ(collected.Collect().Sum("open"), -2);
  counter.Add(1);
  EXPECT_EQ(collected.Collect().Sum("open"), -1);  // cumulative whatever is preferred
  EXPECT_FALSE(collected.Get<SumData>("open")->is_monotonic);
  EXPECT_EQ(collected.Get<SumData>("open")->temporality, Temporality::kCumulative);
}

TEST(Gauge, HasTheLastValue) {
  Collected collected;
  const auto gauge = collected.meter.CreateGauge<double>("temperature");
  gauge.Record(20);
  gauge.Record(-3.5);
  *collected.now = 300;
  const auto* const point = collected.Collect().Point<GaugeData>("temperature");
  ASSERT_NE(point, nullptr);
  EXPECT_EQ(point->value, Number(-3.5));
  EXPECT_EQ(point->start, 0);
  EXPECT_EQ(point->time, 300);
  EXPECT_NE(collected.Collect().Point<GaugeData>("temperature"), nullptr);
}

TEST(Histogram, CountsIntoBucketsWithInclusiveUpperBounds) {
  Collected collected;
  const auto histogram =
      collected.meter.CreateHistogram<double>("duration", {.unit = "s", .explicit_bucket_boundaries = {{1, 5, 10}}});
  for (const double value : {0.0, 1.0, 1.5, 5.0, 5.5, 10.0, 10.5, 100.0}) histogram.Record(value);
  histogram.Record(-1);  // dropped
  const auto* const point = collected.Collect().Point<HistogramData>("duration");
  ASSERT_NE(point, nullptr);
  EXPECT_THAT(point->bounds, ElementsAre(1, 5, 10));
  EXPECT_THAT(point->counts, ElementsAre(2, 2, 2, 2));
  EXPECT_EQ(point->count, 8);
  EXPECT_THAT(point->sum, Optional(DoubleEq(133.5)));
  EXPECT_THAT(point->min, Optional(0.0));
  EXPECT_THAT(point->max, Optional(100.0));
}

TEST(Histogram, FindsTheBucketWhateverTheirNumber) {
  for (const int size : {0, 1, 7, 8, 9, 15, 16, 32, 33, 100}) {
    std::vector<double> boundaries;
    boundaries.reserve(static_cast<size_t>(size));
    for (int i = 0; i < size; ++i) boundaries.push_back(i);
    Collected collected;
    const auto histogram = collected.meter.CreateHistogram<int64_t>("h", {.explicit_bucket_boundaries = boundaries});
    for (int64_t value = 0; value <= size; ++value) histogram.Record(value);
    const auto* const point = collected.Collect().Point<HistogramData>("h");
    ASSERT_NE(point, nullptr);
    std::vector<uint64_t> expected(static_cast<size_t>(size) + 1, 1);
    EXPECT_EQ(point->counts, expected);
  }
}

TEST(Histogram, MayBeExponential) {
  View view;
  view.aggregation = Base2ExponentialBucketHistogramAggregation{.max_size = 4};
  Collected collected({.views = {view}});
  const auto histogram = collected.meter.CreateHistogram<double>("h");
  for (const double value : {0.0, 1.0, 2.0, 4.0, 7.0}) histogram.Record(value);
  const auto* const point = collected.Collect().Point<ExponentialHistogramData>("h");
  ASSERT_NE(point, nullptr);
  EXPECT_EQ(point->scale, 0);
  EXPECT_EQ(point->count, 5);
  EXPECT_EQ(point->zero_count, 1);
  EXPECT_EQ(point->positive.offset, -1);
  EXPECT_THAT(point->positive.counts, ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(point->sum, Optional(14.0));
}

TEST(Histogram, HasNoSumWhereValuesMayBeNegative) {
  View buckets, exponential;
  buckets.aggregation = ExplicitBucketHistogramAggregation{.boundaries = {0}};
  exponential.name = "exponential";
  exponential.aggregation = Base2ExponentialBucketHistogramAggregation{.record_min_max = false};
  Collected collected({.views = {buckets, exponential}});
  const auto gauge = collected.meter.CreateGauge<double>("level");
  gauge.Record(-4);
  gauge.Record(4);
  collected.Collect();
  EXPECT_EQ(collected.Point<HistogramData>("level")->sum, std::nullopt);
  EXPECT_THAT(collected.Point<HistogramData>("level")->min, Optional(-4.0));
  const auto* const point = collected.Point<ExponentialHistogramData>("exponential");
  EXPECT_EQ(point->sum, std::nullopt);
  EXPECT_EQ(point->min, std::nullopt);
  EXPECT_THAT(point->negative.counts, ElementsAre(1));
  EXPECT_EQ(point->negative.offset, point->positive.offset);
}

// ---- time -----------------------------------------------------------------------------------------------------------

TEST(Cumulative, RepeatsItsStartAndAllPoints) {
  Collected collected;
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  *collected.now = 150;
  counter.Add(1, {{"a", 1}});
  *collected.now = 200;
  collected.Collect();
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 1}})->start, 150);
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 1}})->time, 200);
  *collected.now = 300;
  counter.Add(2, {{"a", 2}});
  collected.Collect();
  EXPECT_EQ(collected.Sum("c", {{"a", 1}}), 1);
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 1}})->start, 150);
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 2}})->start, 300);
  EXPECT_EQ(collected.Get<SumData>("c")->temporality, Temporality::kCumulative);
}

TEST(DeltaTemporality, HasOnlyWhatCameSinceTheLastCollection) {
  Collected collected({}, Delta());
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  const auto histogram = collected.meter.CreateHistogram<double>("h", {.explicit_bucket_boundaries = {{1}}});
  counter.Add(1, {{"a", 1}});
  counter.Add(4, {{"a", 2}});
  histogram.Record(5);
  *collected.now = 200;
  EXPECT_EQ(collected.Collect().Sum("c", {{"a", 1}}), 1);
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 1}})->start, 100);
  counter.Add(2, {{"a", 1}});
  histogram.Record(0.5);
  *collected.now = 300;
  collected.Collect();
  EXPECT_EQ(collected.Sum("c", {{"a", 1}}), 2);
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 2}}), nullptr);
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 1}})->start, 200);
  EXPECT_EQ(collected.Point<SumData>("c", {{"a", 1}})->time, 300);
  EXPECT_THAT(collected.Point<HistogramData>("h")->counts, ElementsAre(1, 0));
  EXPECT_THAT(collected.Point<HistogramData>("h")->max, Optional(0.5));
  EXPECT_EQ(collected.Collect().metrics(), 0);
}

TEST(DeltaTemporality, BeginsExponentialHistogramsAnew) {
  View view;
  view.aggregation = Base2ExponentialBucketHistogramAggregation();
  Collected collected({.views = {view}}, Delta());
  const auto histogram = collected.meter.CreateHistogram<double>("h");
  histogram.Record(1e-9);
  histogram.Record(1e9);
  EXPECT_LT(collected.Collect().Point<ExponentialHistogramData>("h")->scale, 5);
  histogram.Record(3);
  EXPECT_EQ(collected.Collect().Point<ExponentialHistogramData>("h")->scale, 20);
  EXPECT_EQ(collected.Point<ExponentialHistogramData>("h")->count, 1);
}

TEST(Readers, DoNotDisturbEachOther) {
  const auto delta = std::make_shared<ManualReader>(Delta());
  Collected collected({.readers = {delta}});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  for (int64_t round = 1; round <= 3; ++round) {
    counter.Add(10);
    EXPECT_EQ(collected.Collect().Sum("c"), 10 * round);
    const auto batch = delta->Collect();
    EXPECT_EQ(std::get<SumData>(batch->scopes[0].metrics[0].data).points[0].value, Number(int64_t{10}));
  }
}

// ---- the limit ------------------------------------------------------------------------------------------------------

const Attributes overflow{{"otel.metric.overflow", true}};

TEST(CardinalityLimit, AddsUpWhatIsBeyondIt) {
  Collected collected({}, {.cardinality_limit = 3});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  for (int round = 0; round < 2; ++round) {
    for (int64_t i = 0; i < 10; ++i) counter.Add(1, {{"i", i}});
    counter.Add(1, {{"i", 0}, {"i", 1}});  // no new one
  }
  collected.Collect();
  EXPECT_EQ(collected.Get<SumData>("c")->points.size(), 4);
  EXPECT_EQ(collected.Sum("c", {{"i", 0}}), 2);
  EXPECT_EQ(collected.Sum("c", {{"i", 1}}), 4);
  EXPECT_EQ(collected.Sum("c", {{"i", 2}}), 2);
  EXPECT_EQ(collected.Sum("c", overflow), 14);
}

TEST(CardinalityLimit, IsNotReachedByAsManySetsAsItAllows) {
  Collected collected;
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  for (int64_t i = 0; i < 2000; ++i) counter.Add(1, {{"i", i}});
  EXPECT_EQ(collected.Collect().Point<SumData>("c", overflow), nullptr);
  counter.Add(1, {{"i", 2000}});
  EXPECT_EQ(collected.Collect().Sum("c", overflow), 1);
}

TEST(CardinalityLimit, CountsAfterTheViewsFilter) {
  View view;
  view.attribute_keys = {{"kept"}};
  view.cardinality_limit = 1;
  Collected collected({.views = {view}});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  for (int64_t i = 0; i < 10; ++i) counter.Add(1, {{"i", i}, {"kept", 1}});
  EXPECT_EQ(collected.Collect().Sum("c", {{"kept", 1}}), 10);
}

TEST(CardinalityLimit, GivesPlacesToOthersWithDeltaTemporality) {
  Collected collected({}, {.temporality = TemporalityPreference::kDelta, .cardinality_limit = 2});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  const auto bound = counter.Bind({{"i", -1}});  // keeps its place
  for (int64_t round = 0; round < 5; ++round) {
    counter.Add(1, {{"i", round}});
    counter.Add(1, {{"i", round + 100}});
    collected.Collect();  // takes the second one's
    EXPECT_EQ(collected.Sum("c", {{"i", round}}), round % 2 == 0 ? 1 : -1);
    EXPECT_EQ(collected.Sum("c", overflow), round % 2 == 0 ? 1 : 2);
  }
  bound.Add(3);
  EXPECT_EQ(collected.Collect().Sum("c", {{"i", -1}}), 3);
}

// ---- views ----------------------------------------------------------------------------------------------------------

TEST(Views, RenameAndFilter) {
  View view;
  view.selector.name = "requests";
  view.name = "hits";
  view.description = "of the view";
  view.excluded_attribute_keys = {"user"};
  Collected collected({.views = {view}});
  const auto counter = collected.meter.CreateCounter<int64_t>("requests");
  counter.Add(1, {{"user", 1}, {"route", "/a"}});
  counter.Add(1, {{"user", 2}, {"route", "/a"}});
  EXPECT_EQ(collected.Collect().Sum("hits", {{"route", "/a"}}), 2);
  EXPECT_EQ(collected.Find("hits")->description, "of the view");
  EXPECT_EQ(collected.metrics(), 1);
}

TEST(Views, DropAnInstrument) {
  View view;
  view.selector.name = "dropped*";
  view.aggregation = DropAggregation();
  Collected collected({.views = {view}});
  EXPECT_FALSE(collected.meter.CreateCounter<int64_t>("dropped.a").Enabled());
  EXPECT_TRUE(collected.meter.CreateCounter<int64_t>("kept").Enabled());
}

// ---- instruments ----------------------------------------------------------------------------------------------------

TEST(Meter, HasIdenticalInstrumentsOnce) {
  Collected collected;
  const InstrumentOptions options{.unit = "s"};
  const uint64_t before = ErrorCount("metrics");
  collected.meter.CreateCounter<int64_t>("same", options).Add(1);
  collected.provider.GetMeter("meter", "1.0").CreateCounter<int64_t>("same", options).Add(2);
  EXPECT_EQ(collected.Collect().Sum("same"), 3);
  EXPECT_EQ(collected.metrics(), 1);
  EXPECT_EQ(ErrorCount("metrics"), before);
  collected.provider.GetMeter("meter", "2.0").CreateCounter<int64_t>("same", options).Add(5);
  EXPECT_EQ(collected.Collect().batch().scopes.size(), 2);
  EXPECT_EQ(ErrorCount("metrics"), before);
}

TEST(Meter, CallsAnInstrumentAsItWasCalledFirst) {
  Collected collected;
  const uint64_t before = ErrorCount("metrics");
  collected.meter.CreateCounter<int64_t>("requestCount").Add(1);
  collected.meter.CreateCounter<int64_t>("RequestCount").Add(1);
  EXPECT_EQ(ErrorCount("metrics"), before + 1);
  EXPECT_EQ(collected.Collect().Sum("requestCount"), 2);
}

TEST(Meter, ReportsInstrumentsThatDifferButForTheirName) {
  Collected collected;
  const uint64_t before = ErrorCount("metrics");
  collected.meter.CreateCounter<int64_t>("twice").Add(1);
  collected.meter.CreateUpDownCounter<int64_t>("twice").Add(2);
  collected.meter.CreateCounter<double>("twice").Add(3);
  collected.meter.CreateCounter<int64_t>("twice", {.unit = "s"}).Add(4);
  EXPECT_EQ(ErrorCount("metrics"), before + 3);
  EXPECT_EQ(collected.Collect().metrics(), 4);
}

TEST(Meter, DoesNotReportWhatViewsTellApart) {
  View view;
  view.selector.kind = InstrumentKind::kUpDownCounter;
  view.name = "other";
  Collected collected({.views = {view}});
  const uint64_t before = ErrorCount("metrics");
  collected.meter.CreateCounter<int64_t>("twice").Add(1);
  collected.meter.CreateUpDownCounter<int64_t>("twice").Add(2);
  EXPECT_EQ(ErrorCount("metrics"), before);
  EXPECT_EQ(collected.Collect().Sum("other"), 2);
}

TEST(Meter, ReportsBadNamesAndAdvice) {
  Collected collected;
  const uint64_t before = ErrorCount("metrics");
  collected.meter.CreateCounter<int64_t>("no name").Add(1);
  EXPECT_FALSE(collected.meter.CreateCounter<int64_t>("").Enabled());
  EXPECT_EQ(ErrorCount("metrics"), before + 2);
  const auto create = [&](std::vector<double> boundaries) {
    return collected.meter.CreateHistogram<double>("h", {.explicit_bucket_boundaries = std::move(boundaries)});
  };
  create({2, 1}).Record(1);
  EXPECT_EQ(ErrorCount("metrics"), before + 3);
  EXPECT_EQ(collected.Collect().Point<HistogramData>("h")->bounds.size(), 15);
  create({1, 2}).Record(1);  // the first one had other advice: none
  EXPECT_EQ(ErrorCount("metrics"), before + 4);
  EXPECT_EQ(collected.Collect().Point<HistogramData>("h")->count, 2);
}

TEST(BoundInstrument, MeasuresWithItsAttributes) {
  Collected collected;
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  const auto bound = counter.Bind({{"a", 1}, {"b", "x"}});
  EXPECT_EQ(collected.Collect().metrics(), 0);
  bound.Add(2);
  counter.Add(3, {{"b", "x"}, {"a", 1}});
  EXPECT_EQ(collected.Collect().Sum("c", {{"a", 1}, {"b", "x"}}), 5);
  const auto histogram = collected.meter.CreateHistogram<double>("h").Bind({});
  histogram.Record(3);
  EXPECT_EQ(collected.Collect().Point<HistogramData>("h")->count, 1);
}

TEST(Provider, WakesInstrumentsThatWereMadeBefore) {
  MeterProvider provider;
  const Meter meter = provider.GetMeter("m");
  const auto counter = meter.CreateCounter<int64_t>("c");
  const auto bound = counter.Bind({{"a", 1}});
  int calls = 0;
  const auto registration = meter.CreateObservableGauge<int64_t>("g", {}, [&](auto&) { ++calls; });
  EXPECT_FALSE(counter.Enabled());
  counter.Add(1);
  bound.Add(1);

  for (int start = 1; start <= 2; ++start) {
    const auto reader = std::make_shared<ManualReader>();
    provider.Start({.readers = {reader}});
    EXPECT_TRUE(counter.Enabled());
    counter.Add(10);
    bound.Add(20);
    const auto batch = reader->Collect();
    const auto& points = std::get<SumData>(batch->scopes.at(0).metrics.at(0).data).points;
    ASSERT_EQ(points.size(), 2);
    EXPECT_EQ(points[0].value, Number(int64_t{20}));  // it had its place first
    EXPECT_EQ(points[1].value, Number(int64_t{10}));
    EXPECT_EQ(calls, start);
    EXPECT_TRUE(provider.Shutdown(Deadline::max()));
    EXPECT_FALSE(counter.Enabled());
    EXPECT_EQ(reader->Collect(), std::nullopt);
    bound.Add(1);
  }
}

TEST(Provider, IsOutlivedByItsInstruments) {
  auto collected = std::make_unique<Collected>();
  const auto meter = collected->meter;
  const auto counter = meter.CreateCounter<int64_t>("c");
  const auto bound = counter.Bind({});
  auto registration = meter.CreateObservableCounter<int64_t>("o", {}, [](auto& observer) { observer.Observe(1); });
  collected.reset();
  counter.Add(1);
  bound.Add(1);
  EXPECT_FALSE(meter.CreateCounter<int64_t>("later").Enabled());
}

TEST(Provider, HasAReaderThatNoOtherHas) {
  Collected collected;
  const uint64_t before = ErrorCount("metrics");
  MeterProvider other({.readers = {collected.reader}});
  EXPECT_EQ(ErrorCount("metrics"), before + 1);
  EXPECT_FALSE(other.GetMeter("m").CreateCounter<int64_t>("c").Enabled());
  collected.provider.Start({});
  EXPECT_EQ(ErrorCount("metrics"), before + 2);
}

TEST(Provider, AppendsWhatProducersHave) {
  class Producer final : public MetricProducer {
    void Produce(std::vector<ScopeMetrics>& scopes) noexcept override {
      static const InstrumentationScope scope{.name = "producer"};
      scopes.push_back({&scope, {{.name = "produced", .data = GaugeData{}}}});
    }
  };
  Collected collected({}, {.producers = {std::make_shared<Producer>()}});
  EXPECT_NE(collected.Collect().Find("produced"), nullptr);
}

TEST(GlobalProvider, DoesNothingUntilItIsStarted) {
  const auto counter = GetMeter("global").CreateCounter<int64_t>("c");
  EXPECT_FALSE(counter.Enabled());
  counter.Add(1, {{"a", 1}});
  Counter<int64_t>().Add(1);
  Meter().CreateHistogram<double>("h").Bind({}).Record(1);
}

// ---- observable instruments -----------------------------------------------------------------------------------------

TEST(Observable, IsAskedAtEachCollection) {
  Collected collected;
  int64_t value = 0;
  const auto counter = collected.meter.CreateObservableCounter<int64_t>("cpu", {.unit = "s"}, [&](auto& observer) {
    observer.Observe(value += 10, {{"mode", "user"}});
    if (value == 10) observer.Observe(1, {{"mode", "system"}});
  });
  const auto up_down =
      collected.meter.CreateObservableUpDownCounter<double>("open", {}, [](auto& observer) { observer.Observe(-0.5); });
  const auto gauge =
      collected.meter.CreateObservableGauge<double>("level", {}, [](auto& observer) { observer.Observe(0.5); });
  *collected.now = 200;
  collected.Collect();
  EXPECT_EQ(collected.Sum("cpu", {{"mode", "user"}}), 10);
  EXPECT_EQ(collected.Sum("cpu", {{"mode", "system"}}), 1);
  EXPECT_EQ(collected.Sum<double>("open"), -0.5);
  EXPECT_FALSE(collected.Get<SumData>("open")->is_monotonic);
  EXPECT_EQ(collected.Point<GaugeData>("level")->value, Number(0.5));
  *collected.now = 300;
  collected.Collect();
  EXPECT_EQ(collected.Sum("cpu", {{"mode", "user"}}), 20);
  EXPECT_EQ(collected.Point<SumData>("cpu", {{"mode", "system"}}), nullptr);  // not observed again
  EXPECT_EQ(collected.Point<SumData>("cpu", {{"mode", "user"}})->start, 100);
}

TEST(Observable, GivesDifferencesWithDeltaTemporality) {
  Collected collected({}, Delta());
  int64_t value = 0;
  const auto counter =
      collected.meter.CreateObservableCounter<int64_t>("cpu", {}, [&](auto& observer) { observer.Observe(value); });
  for (const int64_t total : {5, 12, 12}) {
    const int64_t before = value;
    value = total;
    *collected.now += 100;
    EXPECT_EQ(collected.Collect().Sum("cpu"), total - before);
    EXPECT_EQ(collected.Point<SumData>("cpu")->start, *collected.now - 100);
  }
}

TEST(Observable, AddsUpTotalsThatAViewPutsTogether) {
  View view;
  view.attribute_keys.emplace();
  Collected collected({.views = {view}});
  const auto observe = [](auto& observer) {
    for (int64_t i = 1; i <= 3; ++i) observer.Observe(i, {{"i", i}});
  };
  const auto counter = collected.meter.CreateObservableCounter<int64_t>("sum", {}, observe);
  const auto gauge = collected.meter.CreateObservableGauge<int64_t>("last", {}, observe);
  EXPECT_EQ(collected.Collect().Sum("sum"), 6);
  EXPECT_EQ(collected.Collect().Sum("sum"), 6);
  EXPECT_EQ(collected.Point<GaugeData>("last")->value, Number(int64_t{3}));
}

TEST(Observable, PrefersWhatIsObservedFirstWithinTheLimit) {
  Collected collected({}, {.cardinality_limit = 2});
  const auto counter = collected.meter.CreateObservableCounter<int64_t>("c", {}, [](auto& observer) {
    for (int64_t i = 0; i < 5; ++i) observer.Observe(10 + i, {{"i", i}});
  });
  collected.Collect();
  EXPECT_EQ(collected.Sum("c", {{"i", 0}}), 10);
  EXPECT_EQ(collected.Sum("c", {{"i", 1}}), 11);
  EXPECT_EQ(collected.Sum("c", overflow), 12 + 13 + 14);
}

TEST(Observable, IsNotAskedAfterItsRegistrationEnds) {
  Collected collected;
  int calls = 0, kept_calls = 0;
  auto registration = collected.meter.CreateObservableGauge<int64_t>("g", {}, [&](auto&) { ++calls; });
  collected.meter.CreateObservableGauge<int64_t>("g", {}, [&](auto&) { ++kept_calls; }).Detach();
  collected.Collect();
  registration = {};
  collected.Collect();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(kept_calls, 2);
}

TEST(Observable, MayEndItsRegistrationItself) {
  Collected collected;
  ObservableRegistration registration;
  registration = collected.meter.CreateObservableGauge<int64_t>("g", {}, [&](auto& observer) {
    registration = {};
    observer.Observe(1);
  });
  EXPECT_EQ(collected.Collect().metrics(), 1);
  EXPECT_EQ(collected.Collect().metrics(), 0);
}

TEST(Observable, MayThrow) {
  Collected collected;
  const auto gauge = collected.meter.CreateObservableGauge<int64_t>("g", {}, [](auto& observer) {
    observer.Observe(1);
    throw std::runtime_error("no more");
  });
  const uint64_t before = ErrorCount("metrics");
  EXPECT_EQ(collected.Collect().Point<GaugeData>("g")->value, Number(int64_t{1}));
  EXPECT_EQ(ErrorCount("metrics"), before + 1);
}

// ---- exemplars ------------------------------------------------------------------------------------------------------

SpanContext SpanWith(uint8_t flags) {
  SpanContext span;
  span.trace_id.bytes[0] = 1;
  span.span_id.bytes[0] = 2;
  span.flags.bits = flags;
  return span;
}

TEST(Exemplars, AreOfSampledSpans) {
  Collected collected;
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  counter.Add(1);
  {
    const Scope scope(Context().WithSpanContext(SpanWith(0)));
    counter.Add(2);
  }
  EXPECT_THAT(collected.Collect().Point<SumData>("c")->exemplars, IsEmpty());
  const SpanContext span = SpanWith(TraceFlags::kSampled);
  *collected.now = 150;
  {
    const Scope scope(Context().WithSpanContext(span));
    counter.Add(3);
  }
  *collected.now = 200;
  const auto exemplars = collected.Collect().Point<SumData>("c")->exemplars;
  ASSERT_EQ(exemplars.size(), 1);
  EXPECT_EQ(exemplars[0].value, Number(int64_t{3}));
  EXPECT_EQ(exemplars[0].time, 150);
  EXPECT_EQ(exemplars[0].trace_id, span.trace_id);
  EXPECT_EQ(exemplars[0].span_id, span.span_id);
  EXPECT_THAT(collected.Collect().Point<SumData>("c")->exemplars, IsEmpty());
}

TEST(Exemplars, OfAHistogramAreOfItsBuckets) {
  Collected collected({.exemplar_filter = ExemplarFilter::kAlwaysOn});
  const auto histogram = collected.meter.CreateHistogram<double>("h", {.explicit_bucket_boundaries = {{10, 20}}});
  const auto bound = histogram.Bind({});
  for (int i = 0; i < 20; ++i) {
    histogram.Record(5);
    bound.Record(25);
  }
  const auto exemplars = collected.Collect().Point<HistogramData>("h")->exemplars;
  ASSERT_EQ(exemplars.size(), 2);
  EXPECT_EQ(exemplars[0].value, Number(5.0));
  EXPECT_EQ(exemplars[1].value, Number(25.0));
  EXPECT_FALSE(exemplars[0].trace_id.IsValid());
}

TEST(Exemplars, KeepWhatAViewLeavesOut) {
  View view;
  view.attribute_keys = {{"route"}};
  Collected collected({.views = {view}, .exemplar_filter = ExemplarFilter::kAlwaysOn});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  counter.Add(1, {{"route", "/a"}, {"user", 7}});
  counter.Bind({{"route", "/b"}, {"user", 8}}).Add(1);
  const auto observable = collected.meter.CreateObservableCounter<int64_t>(
      "o", {}, [](auto& observer) { observer.Observe(1, {{"route", "/a"}, {"user", 9}}); });
  collected.Collect();
  const auto left_out = [&](std::string_view name, std::string_view route) {
    const auto* const point = collected.Point<SumData>(name, {{"route", route}});
    return point->exemplars.at(0).filtered_attributes;
  };
  EXPECT_EQ(left_out("c", "/a"), (Attributes{{"user", 7}}));
  EXPECT_EQ(left_out("c", "/b"), (Attributes{{"user", 8}}));
  EXPECT_EQ(left_out("o", "/a"), (Attributes{{"user", 9}}));
}

TEST(Exemplars, MayBeOff) {
  Collected collected({.exemplar_filter = ExemplarFilter::kAlwaysOff});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  const Scope scope(Context().WithSpanContext(SpanWith(TraceFlags::kSampled)));
  counter.Add(1);
  EXPECT_THAT(collected.Collect().Point<SumData>("c")->exemplars, IsEmpty());
}

TEST(Exemplars, MayBeChosenByTheView) {
  View view;
  view.exemplar_reservoir = SimpleFixedSizeExemplarReservoir(5);
  Collected collected({.views = {view}, .exemplar_filter = ExemplarFilter::kAlwaysOn});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  for (int i = 0; i < 9; ++i) counter.Add(i, {{"a", 1}});
  const auto exemplars = collected.Collect().Point<SumData>("c", {{"a", 1}})->exemplars;
  EXPECT_EQ(exemplars.size(), 5);
  EXPECT_TRUE(exemplars[0].filtered_attributes.empty());
}

}  // namespace
}  // namespace otel
