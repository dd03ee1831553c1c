#include "alert/symptoms.h"

#include <gtest/gtest.h>

#include <string>

namespace sightline::alert {
namespace {

std::optional<Symptoms> Of(const std::string& query, const Labels& labels = {}) {
  std::string quoted;
  for (const char c : query) quoted += c == '"' ? "\\\"" : std::string(1, c);
  auto rule = ReadRule(R"({"schema": 1, "name": "x", "queries": [{"name": "A", "source": "traceql", "query": ")" +
                       quoted + R"("}], "condition": {"kind": "threshold", "op": "above", "critical": 1}})");
  EXPECT_TRUE(rule) << rule.error().message;
  return SymptomsOf(*rule, labels);
}

TEST(Symptoms, PartWhatWentWrongFromWhatItIs) {
  const auto errors = Of(R"({ resource.service.name = "shop" && status = error } | rate() by (span.http.route))",
                         {{"http.route", "/cart"}, {"team", "a"}});
  ASSERT_TRUE(errors);
  EXPECT_EQ(errors->population, R"({ (resource.service.name = "shop") && span.http.route = "/cart" })");
  EXPECT_EQ(errors->selection,
            R"({ (resource.service.name = "shop") && (span:status = error) && span.http.route = "/cart" })");
  EXPECT_FALSE(errors->compares_times);
  EXPECT_FALSE(errors->compares_durations);
  const auto share = Of(R"(({ status = error } | rate()) / ({ } | rate()))");
  ASSERT_TRUE(share);
  EXPECT_EQ(share->population, "{ }");
  EXPECT_EQ(share->selection, "{ (span:status = error) }");
}

TEST(Symptoms, OfRatesAreTheSameSpansBeforeAndOfDurationsTheSlowOnes) {
  const auto rate = Of(R"({ kind = server } | rate() by (span.code))", {{"code", "500"}});
  ASSERT_TRUE(rate);
  EXPECT_EQ(rate->selection, R"({ (span:kind = server) && (span.code = "500" || span.code = 500) })");
  EXPECT_TRUE(rate->compares_times);
  const auto duration = Of("{ kind = server } | quantile_over_time(duration, .99)");
  ASSERT_TRUE(duration);
  EXPECT_TRUE(duration->compares_durations);
  EXPECT_FALSE(duration->compares_times);
}

TEST(Symptoms, AreOfSingleSpansOnly) {
  EXPECT_FALSE(Of("{ status = error } >> { kind = client } | rate()"));
  const auto logs = ReadRule(
      R"({"schema": 1, "name": "x", "queries": [{"name": "A", "source": "logs"}], "condition": {"kind": "absent"}})");
  ASSERT_TRUE(logs);
  EXPECT_FALSE(SymptomsOf(*logs, {}));
}

}  // namespace
}  // namespace sightline::alert
