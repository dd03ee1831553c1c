#include "metrics/view_resolution.h"

#include <gmock/gmock.h>

#include <limits>

#include "otel/errors.h"

namespace otel::internal {
namespace {

const InstrumentationScope scope{"shop", "1.2", "https://schema/1", {}};

InstrumentDescriptor Named(std::string name, InstrumentKind kind = InstrumentKind::kCounter) {
  return {.kind = kind, .name = std::move(name), .unit = "s", .description = "of the instrument"};
}

TEST(InstrumentName, FollowsTheSyntax) {
  for (const auto* const name : {"a", "http.server/request-duration_2", "Z9"}) EXPECT_TRUE(IsValidName(name)) << name;
  for (const auto* const name : {"", "9a", "_a", ".a", "a b", "a\u00e9", "a+"}) EXPECT_FALSE(IsValidName(name)) << name;
  EXPECT_TRUE(IsValidName(std::string(255, 'a')));
  EXPECT_FALSE(IsValidName(std::string(256, 'a')));
}

TEST(Boundaries, AreFiniteAndIncrease) {
  EXPECT_TRUE(AreValidBoundaries({}));
  EXPECT_TRUE(AreValidBoundaries({-1, 0, 0.5}));
  EXPECT_FALSE(AreValidBoundaries({1, 1}));
  EXPECT_FALSE(AreValidBoundaries({2, 1}));
  EXPECT_FALSE(AreValidBoundaries({1, std::numeric_limits<double>::infinity()}));
}

TEST(InstrumentSelector, MatchesPatternsOfNames) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  constexpr Case kCases[] = {{"", "a", true},
                             {"*", "a.b", true},
                             {"a.b", "a.b", true},
                             {"a.b", "a.bc", false},
                             {"A.B", "a.b", true},
                             {"a.?", "a.b", true},
                             {"a.?", "a.", false},
                             {"http.*", "http.x", true},
                             {"http.*", "https.x", false},
                             {"*.total", "a.total.total", true},
                             {"a*b*c", "a.b.b.c", true},
                             {"a*b*c", "a.c.b", false},
                             {"*a*a*a*", "aa", false},
                             {"?*", "a", true},
                             {"a**", "a", true}};
  for (const auto& [pattern, name, matches] : kCases) {
    EXPECT_EQ(Selects({.name = pattern}, Named(name), scope), matches) << pattern << ' ' << name;
  }
}

TEST(InstrumentSelector, MustMatchInAllItSays) {
  const auto counter = Named("a");
  EXPECT_TRUE(Selects({.kind = InstrumentKind::kCounter,
                       .unit = "s",
                       .meter_name = "shop",
                       .meter_version = "1.2",
                       .meter_schema_url = "https://schema/1"},
                      counter, scope));
  EXPECT_FALSE(Selects({.kind = InstrumentKind::kGauge}, counter, scope));
  EXPECT_FALSE(Selects({.unit = "S"}, counter, scope));
  EXPECT_FALSE(Selects({.meter_name = "Shop"}, counter, scope));
  EXPECT_FALSE(Selects({.meter_version = ""}, counter, scope));
  EXPECT_FALSE(Selects({.name = "a", .meter_schema_url = "x"}, counter, scope));
}

template <typename Wanted>
bool Is(const ResolvedStream& stream) {
  return std::holds_alternative<Wanted>(stream.aggregation);
}

TEST(ResolveStreams, GivesEachKindItsAggregationWithoutAView) {
  using Kind = InstrumentKind;
  const auto only = [](Kind kind) { return ResolveStreams({}, {}, Named("a", kind), scope).at(0); };
  for (const auto kind :
       {Kind::kCounter, Kind::kUpDownCounter, Kind::kObservableCounter, Kind::kObservableUpDownCounter}) {
    EXPECT_TRUE(Is<SumAggregation>(only(kind)));
  }
  EXPECT_TRUE(Is<LastValueAggregation>(only(Kind::kGauge)));
  EXPECT_TRUE(Is<LastValueAggregation>(only(Kind::kObservableGauge)));
  EXPECT_TRUE(Is<ExplicitBucketHistogramAggregation>(only(Kind::kHistogram)));
  EXPECT_EQ(only(Kind::kCounter).cardinality_limit, 2000);
  EXPECT_EQ(only(Kind::kCounter).description, "of the instrument");
}

TEST(ResolveStreams, TakesAdviceUnlessAViewNamesBuckets) {
  auto histogram = Named("a", InstrumentKind::kHistogram);
  histogram.boundaries = {{1, 2}};
  const auto boundaries = [&](const std::vector<View>& views) {
    const auto streams = ResolveStreams(views, {}, histogram, scope);
    return std::get<ExplicitBucketHistogramAggregation>(streams.at(0).aggregation).boundaries;
  };
  EXPECT_THAT(boundaries({}), testing::ElementsAre(1, 2));
  EXPECT_THAT(boundaries({View{.name = "b"}}), testing::ElementsAre(1, 2));
  EXPECT_THAT(boundaries({View{.aggregation = ExplicitBucketHistogramAggregation{.boundaries = {3}}}}),
              testing::ElementsAre(3));
  EXPECT_EQ(boundaries({View{.aggregation = ExplicitBucketHistogramAggregation{}}}).size(), 15);
}

TEST(ResolveStreams, UsesTheReadersAggregationWhereNoViewHasOne) {
  MetricReaderOptions reader;
  reader.aggregation = [](InstrumentKind kind) -> Aggregation {
    if (kind == InstrumentKind::kHistogram) return Base2ExponentialBucketHistogramAggregation();
    return DefaultAggregation();
  };
  reader.cardinality_limit = 7;
  const auto histogram = Named("a", InstrumentKind::kHistogram);
  EXPECT_TRUE(Is<Base2ExponentialBucketHistogramAggregation>(ResolveStreams({}, reader, histogram, scope).at(0)));
  EXPECT_TRUE(Is<SumAggregation>(ResolveStreams({}, reader, Named("a"), scope).at(0)));
  EXPECT_TRUE(
      Is<SumAggregation>(ResolveStreams({View{.aggregation = SumAggregation()}}, reader, histogram, scope).at(0)));
  EXPECT_EQ(ResolveStreams({}, reader, histogram, scope).at(0).cardinality_limit, 7);
}

TEST(ResolveStreams, MakesAStreamForEachView) {
  const std::vector<View> views = {
      {.selector = {.name = "a"}, .name = "first", .description = "of the view", .cardinality_limit = 5},
      {.selector = {.name = "b"}, .name = "other"},
      {.selector = {.name = "*"}, .aggregation = LastValueAggregation()}};
  const auto streams = ResolveStreams(views, {}, Named("a"), scope);
  ASSERT_EQ(streams.size(), 2);
  EXPECT_EQ(streams[0].name, "first");
  EXPECT_EQ(streams[0].description, "of the view");
  EXPECT_EQ(streams[0].cardinality_limit, 5);
  EXPECT_EQ(streams[1].name, "a");
  EXPECT_TRUE(Is<LastValueAggregation>(streams[1]));
}

TEST(ResolveStreams, DropsOnlyWhatADroppingViewSelects) {
  const std::vector<View> views = {{.selector = {.name = "a"}},
                                   {.selector = {.name = "*"}, .aggregation = DropAggregation()}};
  EXPECT_EQ(ResolveStreams(views, {}, Named("a"), scope).size(), 1);
  EXPECT_EQ(ResolveStreams(views, {}, Named("b"), scope).size(), 0);
}

TEST(ResolveStreams, ReportsAndIgnoresViewsThatCanNotBeApplied) {
  const std::vector<Aggregation> impossible = {
      ExplicitBucketHistogramAggregation{.boundaries = {2, 1}},
      Base2ExponentialBucketHistogramAggregation{.max_size = 1},
      Base2ExponentialBucketHistogramAggregation{.max_scale = 21},
  };
  for (const auto& aggregation : impossible) {
    const uint64_t before = ErrorCount("metrics");
    const auto streams = ResolveStreams({View{.aggregation = aggregation}}, {}, Named("a"), scope);
    ASSERT_EQ(streams.size(), 1);
    EXPECT_TRUE(Is<SumAggregation>(streams[0]));
    EXPECT_EQ(ErrorCount("metrics"), before + 1);
  }
  const View histogram{.aggregation = ExplicitBucketHistogramAggregation()};
  const auto observable = Named("a", InstrumentKind::kObservableGauge);
  EXPECT_TRUE(Is<LastValueAggregation>(ResolveStreams({histogram}, {}, observable, scope).at(0)));
}

TEST(Temporality, FollowsThePreference) {
  using Kind = InstrumentKind;
  using Preference = TemporalityPreference;
  const auto delta = [](Preference preference) {
    std::vector<Kind> kinds;
    for (int kind = 0; kind <= static_cast<int>(Kind::kObservableGauge); ++kind) {
      if (TemporalityOf(preference, static_cast<Kind>(kind)) == Temporality::kDelta) {
        kinds.push_back(static_cast<Kind>(kind));
      }
    }
    return kinds;
  };
  EXPECT_THAT(delta(Preference::kCumulative), testing::IsEmpty());
  EXPECT_THAT(delta(Preference::kDelta),
              testing::ElementsAre(Kind::kCounter, Kind::kHistogram, Kind::kObservableCounter));
  EXPECT_THAT(delta(Preference::kLowMemory), testing::ElementsAre(Kind::kCounter, Kind::kHistogram));
}

}  // namespace
}  // namespace otel::internal
