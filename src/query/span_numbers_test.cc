// Numbers over spans (series, groups) are the same from SQL and by counting in memory: generated queries on the same
// spans, on the real engine.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "query/encoded_field.h"
#include "query/span_groups.h"
#include "query/span_series.h"
#include "query/stored_trace.h"
#include "query/testing/choice.h"
#include "query/testing/engine.h"
#include "query/traces.h"
#include "traceql/evaluate.h"
#include "traceql/parse.h"

namespace sightline::query {
namespace {

using testing::Choice;
using testing::EngineTest;
using traceql::MetricsFunction;
using traceql::Value;

constexpr int kSpans = 400, kSteps = 6;
constexpr int64_t kStepNanos = 60'000'000'000;
constexpr double kQuantileError = 0.0079;  // of the engine's sketch: values lose all but 8 binary digits

struct Weighted {
  double value, weight;
};

// Whether so much of the weight lies below: a quantile of few values is one of them.
bool IsQuantile(const std::vector<Weighted>& values, double q, double found) {
  double all = 0, below = 0, up_to = 0;
  for (const auto& [value, weight] : values) {
    all += weight;
    const double error = std::abs(found) * kQuantileError;
    if (value < found - error) below += weight;
    if (value <= found + error) up_to += weight;
  }
  return below <= q * all + 1e-6 && up_to >= q * all - 1e-6;
}

class SameNumbersTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "attribute_sets", "hot_keys_in_maps"});
    Execute("INSERT INTO sightline.hot_keys_in_maps VALUES ('*', 0, 100000)");  // as what writes blocks would say
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
        "('a0', now(), ['service.name', 'zone'], ['s0', 'a'], 'ss'), ('a1', now(), ['service.name', 'zone'], ['s1', "
        "'7'], 'si'), ('a2', now(), ['service.name'], ['s2'], 's')");
    begin_ = Clock::System().UnixNanos() / kStepNanos * kStepNanos - kSteps * kStepNanos;
    Choice choice(20261128);
    InsertSpans(choice);
    auto trace = TraceReader(clickhouse()).GetTrace("00000000000000000000000000000abc");
    ASSERT_TRUE(trace) << trace.error().message;
    trace_ = std::move(*trace);
    view_.emplace(trace_);
    ASSERT_EQ(trace_.spans.size(), static_cast<size_t>(kSpans));
  }

  void InsertSpans(Choice& choice) {
    static constexpr std::pair<char, const char*> kValues[] = {{'s', "a"},  {'s', "b"},   {'s', ""},     {'i', "25"},
                                                               {'i', "-3"}, {'d', "2.5"}, {'b', "true"}, {'e', ""}};
    static constexpr const char* kKinds[] = {"Server", "Client", "Internal"};
    static constexpr const char* kStatuses[] = {"Unset", "Ok", "Error", "Unset"};
    static constexpr int kWeights[] = {1, 1, 2, 10};
    std::string sql =
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SpanKind, StatusCode, "
        "Duration, AdjustedCount, ResourceId, `a.http.method`, `a.http.status_code`, SpanAttributes, "
        "SpanAttributeTypes) VALUES ";
    for (int i = 1; i <= kSpans; ++i) {
      std::string map, letters;
      for (const char* key : {"x", "y", "http.status_code"}) {
        if (choice.OneIn(3)) continue;
        const auto [letter, text] = choice.Of(kValues);
        map += fmt::format("{}'{}', '{}'", map.empty() ? "" : ", ", key, text);
        letters += letter;
      }
      const bool in_map = map.find("status_code") != map.npos;
      const size_t set = choice.Below(3);
      sql += fmt::format(
          "{}(1, fromUnixTimestamp64Nano({}), unhex('{:032x}'), unhex('{:016x}'), 's{}', '{}', '{}', '{}', {}, {}, "
          "'a{}', '{}', '{}', {}, '{}')",
          i == 1 ? "" : ", ", begin_ + static_cast<int64_t>(choice.Below(kSteps * kStepNanos)), 0xabc, i, set,
          choice.OneIn(2) ? "GET /" : "query", choice.Of(kKinds), choice.Of(kStatuses), choice.Below(2000) * 1'000'000,
          choice.Of(kWeights), set, choice.OneIn(2) ? "GET" : "", !in_map && choice.OneIn(2) ? "500" : "",
          map.empty() ? "CAST(map(), 'Map(LowCardinality(String), String)')" : "map(" + map + ")", letters);
    }
    Execute(sql);
  }

  // The spans that meet the condition, by what they have in the fields, as TraceQL writes it.
  std::map<std::vector<std::string>, std::vector<size_t>> Grouped(const traceql::Expression* condition,
                                                                  const std::vector<traceql::Field>& by) const {
    std::map<std::vector<std::string>, std::vector<size_t>> groups;
    for (size_t i = 0; i < view_->size(); ++i) {
      if (condition != nullptr && !traceql::Matches(*condition, view_->span(i))) continue;
      std::vector<std::string> literals;
      for (const auto& field : by) literals.push_back(traceql::PrintValue(ValueOf(field, i)));
      groups[literals].push_back(i);
    }
    return groups;
  }

  Value ValueOf(const traceql::Field& field, size_t span) const {
    const traceql::Expression expression{field, 0};
    return traceql::EvaluateExpression(expression, traceql::SpanContext{view_->span(span)});
  }
  std::optional<double> NumberOf(const std::optional<traceql::Field>& field, size_t span) const {
    if (!field) return 1;
    const Value value = ValueOf(*field, span);
    if (value.type == traceql::Type::kDuration) return value.AsDouble() / 1e9;
    return traceql::IsNumber(value.type) ? std::optional(value.AsDouble()) : std::nullopt;
  }
  size_t StepOf(size_t span) const {
    return static_cast<size_t>((trace_.spans[span].start_unix_nanos - begin_) / kStepNanos);
  }

  // What each step's numbers are: values and weights.
  using Steps = std::vector<std::vector<Weighted>>;
  Steps StepsOf(const traceql::MetricsPipeline& pipeline, const std::vector<size_t>& spans) const {
    Steps steps(kSteps);
    for (const size_t span : spans) {
      if (const auto number = NumberOf(pipeline.of, span)) {
        steps[StepOf(span)].push_back({*number, trace_.spans[span].adjusted_count});
      }
    }
    return steps;
  }

  void CompareStep(const traceql::MetricsPipeline& pipeline, const std::vector<Weighted>& numbers, double found,
                   double quantile, const std::string& what) const {
    double weight = 0, sum = 0;
    double least = std::numeric_limits<double>::infinity(), most = -least;
    for (const auto& number : numbers) {
      weight += number.weight;
      sum += number.value * number.weight;
      least = std::min(least, number.value);
      most = std::max(most, number.value);
    }
    switch (pipeline.function) {
      case MetricsFunction::kRate:
        EXPECT_NEAR(found, weight / 60, 1e-9) << what;
        return;
      case MetricsFunction::kCountOverTime:
      case MetricsFunction::kHistogramOverTime:
        EXPECT_NEAR(found, weight, 1e-9) << what;
        return;
      default:
        break;
    }
    ASSERT_EQ(std::isnan(found), numbers.empty()) << what;
    if (numbers.empty()) return;
    if (pipeline.function == MetricsFunction::kMinOverTime) EXPECT_EQ(found, least) << what;
    if (pipeline.function == MetricsFunction::kMaxOverTime) EXPECT_EQ(found, most) << what;
    if (pipeline.function == MetricsFunction::kAvgOverTime) EXPECT_NEAR(found, sum / weight, 1e-9) << what;
    if (pipeline.function == MetricsFunction::kSumOverTime) EXPECT_NEAR(found, sum, 1e-6) << what;
    if (pipeline.function == MetricsFunction::kQuantileOverTime) {
      EXPECT_TRUE(IsQuantile(numbers, quantile, found)) << what << " " << found;
    }
  }

  // Series by their labels without fields' names; a quantile's is the last one.
  std::map<std::vector<std::string>, std::pair<Steps, double>> Expected(
      const traceql::MetricsPipeline& pipeline) const {
    const auto* filter = std::get_if<traceql::SpansetExpression>(&pipeline.spans.stages.at(0).node);
    const auto& condition = std::get<traceql::SpansetFilter>(filter->node).condition;
    auto groups = Grouped(condition.get(), pipeline.by);
    if (pipeline.by.empty()) groups[{}];
    std::map<std::vector<std::string>, std::pair<Steps, double>> expected;
    for (const auto& [literals, spans] : groups) {
      const Steps steps = StepsOf(pipeline, spans);
      size_t numbers = 0;
      for (const auto& step : steps) numbers += step.size();
      if (numbers == 0 && pipeline.of) continue;
      auto labels = literals;
      if (pipeline.function == MetricsFunction::kHistogramOverTime) {
        for (size_t step = 0; step < steps.size(); ++step) {
          for (const auto& number : steps[step]) {
            labels.push_back(fmt::format("{}", number.value > 0 ? std::exp2(std::ceil(std::log2(number.value))) : 0));
            auto& [of_bucket, quantile] = expected[labels];
            of_bucket.resize(kSteps);
            of_bucket[step].push_back(number);
            labels.pop_back();
          }
        }
      } else if (pipeline.quantiles.empty()) {
        expected[labels] = {steps, 0};
      } else {
        for (const double quantile : pipeline.quantiles) {
          labels.push_back(fmt::format("{}", quantile));
          expected[labels] = {steps, quantile};
          labels.pop_back();
        }
      }
    }
    return expected;
  }

  // How many series there are; none: refused.
  std::optional<size_t> CompareSeries(const std::string& text) {
    const auto query = SpanSeriesQuery::Parse(text);
    EXPECT_TRUE(query) << text;
    ItemSource source(clickhouse(), otlp::DefaultHotAttributes(), "sightline");
    SpanSeriesReader reader(source);
    const auto answer = reader.Read({.query = *query,
                                     .from_unix_nanos = begin_,
                                     .to_unix_nanos = begin_ + kSteps * kStepNanos,
                                     .step_seconds = kStepNanos / 1'000'000'000});
    if (!answer) return std::nullopt;
    const auto& pipeline = std::get<traceql::MetricsPipeline>((*query)->expression().node);
    auto expected = Expected(pipeline);
    EXPECT_EQ(answer->series.size(), expected.size()) << text;
    for (const auto& series : answer->series) {
      std::vector<std::string> labels;
      for (const auto& [name, literal] : series.labels) labels.push_back(literal);
      const auto found = expected.find(labels);
      EXPECT_NE(found, expected.end()) << text << " has a series "
                                       << fmt::format("{}", labels.empty() ? "" : labels[0]);
      if (found == expected.end()) return 0;
      for (size_t step = 0; step < kSteps; ++step) {
        CompareStep(pipeline, found->second.first[step], series.values.at(step), found->second.second,
                    fmt::format("{} step {}", text, step));
      }
    }
    return answer->series.size();
  }

  void CompareGroups(const std::string& condition, const std::vector<std::string>& by) {
    const std::string text = "{ " + condition + " }";
    const auto parsed = traceql::ParseSpanCondition(text);
    const auto query = ParseItemQuery(otlp::Signal::kTraces, text, begin_, begin_ + kSteps * kStepNanos);
    ASSERT_TRUE(parsed && query) << text;
    ItemSource source(clickhouse(), otlp::DefaultHotAttributes(), "sightline");
    const auto page =
        GroupReader(source).Read({.query = *query, .by = by, .limit = kGroupsMax, .sparkline_steps = kSteps});
    ASSERT_TRUE(page) << text << page.error().message;
    std::vector<traceql::Field> fields;
    for (const auto& name : by) fields.push_back(*ParseField(name, /*of_logs=*/false));
    const auto expected = Grouped(&*parsed, fields);
    EXPECT_EQ(page->groups.size(), expected.size()) << text;
    for (const auto& group : page->groups) {
      const auto found = expected.find(group.literals);
      ASSERT_NE(found, expected.end()) << text << " has a group " << group.literals[0];
      double spans = 0, errors = 0, longest = 0;
      std::vector<Weighted> durations;
      std::vector<double> sparkline(kSteps);
      for (const size_t i : found->second) {
        const Span& span = trace_.spans[i];
        spans += span.adjusted_count;
        if (span.status == "Error") errors += span.adjusted_count;
        longest = std::max(longest, static_cast<double>(span.duration_nanos));
        durations.push_back({static_cast<double>(span.duration_nanos), span.adjusted_count});
        sparkline[StepOf(i)] += span.adjusted_count;
      }
      EXPECT_EQ(group.spans, spans) << text;
      EXPECT_EQ(group.errors, errors) << text;
      EXPECT_EQ(group.max_nanos, longest) << text;
      EXPECT_TRUE(IsQuantile(durations, 0.5, group.p50_nanos)) << text << group.p50_nanos;
      EXPECT_TRUE(IsQuantile(durations, 0.99, group.p99_nanos)) << text << group.p99_nanos;
      EXPECT_EQ(group.sparkline, sparkline) << text;
    }
  }

  int64_t begin_ = 0;
  Trace trace_;
  std::optional<StoredTrace> view_;
};

constexpr const char* kConditions[] = {"true",
                                       "status = error",
                                       "span.x > 2",
                                       "span.x = \"a\" || .y != nil",
                                       "resource.service.name != \"s1\"",
                                       "duration >= 500ms && kind = server",
                                       "span.http.request.method = \"GET\"",
                                       ".http.status_code >= 500",
                                       "!(span.y = true)",
                                       "resource.zone = nil",
                                       "name =~ \"GET.*\"",
                                       "span.nowhere = 1"};
constexpr const char* kFields[] = {"span.x", ".y",     "resource.service.name",    "resource.zone",        "name",
                                   "kind",   "status", "span.http.request.method", "span.http.status_code"};

TEST_F(SameNumbersTest, OfSeries) {
  static constexpr const char* kFunctions[] = {"rate()",
                                               "count_over_time()",
                                               "min_over_time({})",
                                               "max_over_time({})",
                                               "avg_over_time({})",
                                               "sum_over_time({})",
                                               "quantile_over_time({}, .5, .99)",
                                               "histogram_over_time({})"};
  static constexpr const char* kNumbers[] = {"duration", "span.x", ".y", "span.http.response.status_code"};
  Choice choice(815);
  size_t series = 0;
  for (int i = 0; i < 300; ++i) {
    std::string function = choice.Of(kFunctions);
    if (const size_t place = function.find("{}"); place != function.npos)
      function.replace(place, 2, choice.Of(kNumbers));
    std::string by;
    for (size_t fields = choice.Below(3); fields > 0; --fields) {
      const std::string field = choice.Of(kFields);
      if (by.find(field) == by.npos) by += (by.empty() ? "" : ", ") + field;
    }
    const std::string text =
        fmt::format("{{ {} }} | {}{}", choice.Of(kConditions), function, by.empty() ? "" : " by(" + by + ")");
    const auto compared = CompareSeries(text);
    ASSERT_TRUE(compared) << text << " was refused";
    series += *compared;
    if (HasFailure()) return;
  }
  EXPECT_GT(series, 1'000u);
}

TEST_F(SameNumbersTest, OfGroups) {
  Choice choice(816);
  for (int i = 0; i < 100; ++i) {
    std::vector<std::string> by = {choice.Of(kFields)};
    if (const std::string second = choice.Of(kFields); second != by[0]) by.push_back(second);
    CompareGroups(choice.Of(kConditions), by);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sightline::query
