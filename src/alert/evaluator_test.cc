#include "alert/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "alert/due.h"

namespace sightline::alert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegin = 1'700'000'000 * kSecond;

class Burns final : public BurnSource {
 public:
  Result<BurnRate> Burn(const std::string& slo, int64_t window_seconds, int64_t at) override {
    asked_at.push_back(at);
    if (fails) return Fail(Code::kUnavailable, "by intention");
    return BurnRate{.rate = rate, .events = 100, .measured = measured};
  }
  double rate = 0;
  bool measured = true, fails = false;
  std::vector<int64_t> asked_at;
};

class Sink final : public notify::EventSink {
 public:
  Result<void> Add(state::Session&, const notify::AlertEvent& event) override {
    if (fails) return Fail(Code::kUnavailable, "by intention");
    events.push_back(event);
    return {};
  }
  void Wake() override { ++wakes; }
  std::vector<std::string> States() const {
    std::vector<std::string> states;
    for (const auto& event : events) states.emplace_back(notify::EventStateName(event.state));
    return states;
  }
  std::vector<notify::AlertEvent> events;
  int wakes = 0;
  bool fails = false;
};

class NoStore final : public store::ClickHouse {
 public:
  Result<void> Execute(const std::string&, const store::QueryOptions&) override { return Down(); }
  Result<store::QueryStats> Query(const std::string&, const store::QueryOptions&,
                                  const std::function<bool(std::string_view)>&, store::Cancellation*) override {
    return Down();
  }
  Result<void> InsertNative(const std::string&, const std::vector<std::string>&, std::string_view,
                            const std::string&) override {
    return Down();
  }
  Result<std::string> Version() override { return Down(); }

 private:
  static std::unexpected<Error> Down() { return Fail(Code::kUnavailable, "the store is down"); }
};

class EvaluatorTest : public ::testing::Test {
 protected:
  EvaluatorTest() {
    char directory[] = "/tmp/sightline-alert-test-XXXXXX";
    directory_ = mkdtemp(directory);
    Restart();
  }
  ~EvaluatorTest() override {
    evaluator_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  // As after a kill: what was kept is all that there is.
  void Restart() {
    evaluator_.reset();
    rules_.reset();
    auto opened = state::Database::Open(directory_ + "/state.sqlite");
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = *std::move(opened);
    rules_ = std::make_unique<RuleStore>(*database_, clock_);
    files_ = std::make_unique<RuleFiles>(directory_ + "/rules");
    evaluator_ = std::make_unique<Evaluator>(Evaluator::Parts{.rules = *rules_,
                                                              .files = *files_,
                                                              .queries = queries_,
                                                              .database = *database_,
                                                              .metrics = metrics_,
                                                              .sink = &sink_,
                                                              .burns = &burns_,
                                                              .clock = clock_});
    ASSERT_TRUE(evaluator_->Open());
    evaluator_->RunDue();
  }

  Rule Make(const std::string& more = "") {
    auto document = ReadRule(
        R"({"schema": 1, "name": "Budget", "queries": [{"name": "A", "source": "slo", "slo": "1"}], "interval": "10s",
        "delay": "0s", "condition": {"kind": "burn_rate", "tiers": [{"long": "1h", "short": "5m", "factor": 10,
        "severity": "critical"}]})" +
        more + "}");
    EXPECT_TRUE(document) << document.error().message;
    auto rule = rules_->Create(*std::move(document));
    EXPECT_TRUE(rule) << rule.error().message;
    evaluator_->RulesChanged();
    evaluator_->RunDue();
    return *rule;
  }

  // The next evaluations.
  void Pass(int evaluations = 1) {
    for (int i = 0; i < evaluations; ++i) {
      const int64_t next = evaluator_->RunDue();
      ASSERT_GT(next, clock_.UnixNanos());
      clock_.Advance(next - clock_.UnixNanos());
      evaluator_->RunDue();
    }
  }

  std::vector<std::string> History() {
    auto found = ReadTransitions(*database_, {.from_unix_nanos = 0, .to_unix_nanos = INT64_MAX});
    EXPECT_TRUE(found);
    std::vector<std::string> states;
    for (const auto& one : *found) states.insert(states.begin(), std::string(StateName(one.to)));
    return states;
  }

  std::string State() const {
    const auto alerts = evaluator_->Alerts();
    return alerts.empty() ? "inactive" : std::string(StateName(alerts.front().state));
  }

  std::string directory_;
  FakeClock clock_{kBegin};
  MetricsRegistry metrics_;
  NoStore store_;
  RuleQueries queries_{store_, {}};
  std::unique_ptr<RuleFiles> files_;
  Burns burns_;
  Sink sink_;
  std::unique_ptr<state::Database> database_;
  std::unique_ptr<RuleStore> rules_;
  std::unique_ptr<Evaluator> evaluator_;
};

TEST_F(EvaluatorTest, FiresOnceAndEndsOnceWhereverTheProgramIsKilled) {
  const Rule rule = Make();
  Pass();
  EXPECT_THAT(sink_.States(), IsEmpty());
  burns_.rate = 11;
  Pass();
  EXPECT_THAT(sink_.States(), ElementsAre("firing"));
  EXPECT_GT(sink_.wakes, 0);
  const notify::AlertEvent& event = sink_.events.front();
  EXPECT_EQ(event.rule_id, rule.id);
  EXPECT_EQ(event.severity, "critical");
  EXPECT_EQ(event.value, 11);
  EXPECT_EQ(event.condition, "burn rate above 10 over 1h and 5m");
  EXPECT_EQ(event.starts_unix_nanos, clock_.UnixNanos());
  EXPECT_THAT(event.link, HasSubstr("/alerts/rules/" + rule.id + "?from="));
  for (int i = 0; i < 3; ++i) {
    Restart();
    EXPECT_EQ(State(), "firing");
    Pass(2);
  }
  EXPECT_THAT(sink_.States(), ElementsAre("firing"));
  burns_.rate = 0;
  Pass();
  Restart();
  Pass(2);
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "resolved"));
  EXPECT_EQ(sink_.events.back().fingerprint, sink_.events.front().fingerprint);
  EXPECT_EQ(sink_.events.back().starts_unix_nanos, sink_.events.front().starts_unix_nanos);
  EXPECT_THAT(History(), ElementsAre("firing", "inactive"));
}

TEST_F(EvaluatorTest, TheClockOfForGoesOnOverAKill) {
  Make(R"(, "for": "30s")");
  burns_.rate = 11;
  Pass(2);
  EXPECT_EQ(State(), "pending");
  Restart();
  Pass();
  EXPECT_EQ(State(), "pending");
  Pass();
  EXPECT_EQ(State(), "firing");
  EXPECT_THAT(History(), ElementsAre("pending", "firing"));
}

TEST_F(EvaluatorTest, AfterALongStopABreachHasToLastAnew) {
  Make(R"(, "for": "30s")");
  burns_.rate = 11;
  Pass(2);
  clock_.Advance(kOutageNanos + 60 * kSecond);
  Restart();
  Pass();
  EXPECT_EQ(State(), "pending");
  Pass(3);
  EXPECT_EQ(State(), "firing");
}

TEST_F(EvaluatorTest, WhatCannotBeToldHasNotHappened) {
  Make();
  burns_.rate = 11;
  sink_.fails = true;
  Pass();
  EXPECT_THAT(History(), IsEmpty());
  EXPECT_EQ(State(), "inactive");
  sink_.fails = false;
  Pass();
  EXPECT_THAT(History(), ElementsAre("firing"));
  EXPECT_THAT(sink_.States(), ElementsAre("firing"));
}

TEST_F(EvaluatorTest, WhatCannotBeMeasuredStaysAsItIs) {
  Make();
  burns_.rate = 11;
  Pass();
  burns_.rate = 0;
  burns_.measured = false;
  Pass(3);
  EXPECT_EQ(State(), "firing");
  burns_.measured = true;
  Pass();
  EXPECT_EQ(State(), "inactive");
}

TEST_F(EvaluatorTest, AFailureIsNoEndAndIsToldWhenItLasts) {
  Make();
  burns_.rate = 11;
  Pass();
  burns_.fails = true;
  Pass();
  auto alerts = evaluator_->Alerts();
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].state, State::kError);
  EXPECT_EQ(alerts[0].message, "by intention");
  EXPECT_EQ(alerts[1].state, State::kFiring);
  EXPECT_THAT(sink_.States(), ElementsAre("firing"));
  Pass();
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "error"));
  EXPECT_EQ(sink_.events.back().problem, "by intention");
  Restart();
  Pass(2);
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "error"));
  burns_.fails = false;
  Pass();
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "error", "resolved"));
  EXPECT_EQ(sink_.events[1].fingerprint, sink_.events[2].fingerprint);
  EXPECT_NE(sink_.events[0].fingerprint, sink_.events[2].fingerprint);
}

TEST_F(EvaluatorTest, ADeletedOrDisabledRuleEndsItsAlerts) {
  Rule rule = Make();
  burns_.rate = 11;
  Pass();
  auto disabled = ReadRule(rule.document.json.substr(0, rule.document.json.size() - 1) + R"(, "enabled": false})");
  ASSERT_TRUE(disabled);
  ASSERT_TRUE(rules_->Update(std::stoll(rule.id), 1, *disabled));
  evaluator_->RulesChanged();
  evaluator_->RunDue();
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "resolved"));
  EXPECT_FALSE(evaluator_->StatusOf(rule.id));
  ASSERT_TRUE(rules_->Update(std::stoll(rule.id), 2, rule.document));
  evaluator_->RulesChanged();
  Pass();
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "resolved", "firing"));
  // Deleted while the program does not run.
  ASSERT_TRUE(rules_->Delete(std::stoll(rule.id), 3));
  Restart();
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "resolved", "firing", "resolved"));
  EXPECT_THAT(evaluator_->Alerts(), IsEmpty());
}

TEST_F(EvaluatorTest, AFileThatDoesNotReadForAMomentEndsNothing) {
  std::filesystem::create_directory(directory_ + "/rules");
  const auto write = [&](const std::string& text) {
    std::ofstream(directory_ + "/rules/budget.yaml") << text;
    evaluator_->RulesChanged();
    evaluator_->RunDue();
  };
  const std::string rule =
      "schema: 1\nname: Budget\nqueries: [{name: A, source: slo, slo: '1'}]\ninterval: 10s\ndelay: 0s\n"
      "condition: {kind: burn_rate, tiers: [{long: 1h, short: 5m, factor: 10, severity: critical}]}\n";
  write(rule);
  burns_.rate = 11;
  Pass();
  EXPECT_THAT(sink_.States(), ElementsAre("firing"));
  write(rule + "colour: red\n");
  Pass(2);
  EXPECT_EQ(State(), "firing");
  Restart();
  EXPECT_EQ(State(), "firing");
  write(rule);
  Pass();
  EXPECT_THAT(sink_.States(), ElementsAre("firing"));
  std::filesystem::remove(directory_ + "/rules/budget.yaml");
  evaluator_->RulesChanged();
  evaluator_->RunDue();
  EXPECT_THAT(sink_.States(), ElementsAre("firing", "resolved"));
}

TEST_F(EvaluatorTest, IsEvaluatedForDueTimesAndLateOnesAreLeftOut) {
  const Rule rule = Make();
  Pass(3);
  const auto skipped = [&] {
    double count = 0;
    for (const auto& sample : metrics_.Snapshot()) {
      if (sample.name == "sightline.alert.evaluations_skipped") count = sample.value;
    }
    return count;
  };
  EXPECT_EQ(skipped(), 0);
  for (const int64_t at : burns_.asked_at) EXPECT_EQ(at, DueAtOrBefore(rule.document, at));
  const size_t asked = burns_.asked_at.size();
  clock_.Advance(55 * kSecond);
  evaluator_->RunDue();
  // The one that was due first is made up for, four are not.
  EXPECT_EQ(burns_.asked_at.size(), asked + 2);
  EXPECT_EQ(burns_.asked_at.back(), burns_.asked_at[asked - 1] + 10 * kSecond);
  EXPECT_EQ(skipped(), 3);
  evaluator_->RunDue();
  EXPECT_EQ(burns_.asked_at.back(), burns_.asked_at[asked - 1] + 50 * kSecond);
}

TEST(DueTimes, AreOfTheQuestionAndSpread) {
  const auto rule = [](const std::string& query, const std::string& more) {
    return *ReadRule(R"({"schema": 1, "name": "x", "queries": [{"name": "A", "source": "logs", "query": ")" + query +
                     R"("}], "interval": "60s", "condition": {"kind": "threshold", "op": "above", "critical": )" +
                     more + "}}");
  };
  std::map<int64_t, int> offsets;
  for (int i = 0; i < 600; ++i) {
    const int64_t due = DueAtOrBefore(rule("word" + std::to_string(i), "1"), kBegin);
    EXPECT_LE(due, kBegin);
    EXPECT_GT(due, kBegin - 60 * kSecond);
    EXPECT_EQ(due, DueAtOrBefore(rule("word" + std::to_string(i), "2"), kBegin)) << "they ask the same";
    ++offsets[due];
  }
  EXPECT_GT(offsets.size(), 50u);
  for (const auto& [due, rules] : offsets) EXPECT_LT(rules, 40);
}

}  // namespace
}  // namespace sightline::alert
