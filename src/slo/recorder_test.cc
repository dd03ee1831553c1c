#include "slo/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slo/testing/scripted_counter.h"

namespace sightline::slo {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class RecorderTest : public testing::SloTest {
 protected:
  // 100 events a minute, of which so many fail.
  void Serve(double bad, const std::string& service = "shop") {
    counter_.by_service[service] = [bad](int64_t) { return Tally{100 - bad, 100}; };
  }
};

TEST_F(RecorderTest, CountsWhatIsStoredAndThenEachMinute) {
  Serve(1);
  const Slo slo = Make(Document());
  EXPECT_THAT(Status(slo).not_measured_because, HasSubstr("not counted yet"));
  EXPECT_FALSE(Burn(slo, 300).measured);
  Record();
  SloStatus status = Status(slo);
  EXPECT_TRUE(status.measured);
  EXPECT_EQ(status.counted.total, 100.0 * 30 * kDayMinutes);
  EXPECT_EQ(status.counted_to_unix_nanos, now_minute() * kMinuteNanos);
  EXPECT_NEAR(Burn(slo, 300).rate, 10, 1e-9);
  EXPECT_EQ(Burn(slo, 300).events, 500);
  counter_.calls = 0;
  PassMinutes(1);
  Record();
  EXPECT_EQ(counter_.calls, 1);
  EXPECT_EQ(Status(slo).counted_to_unix_nanos, now_minute() * kMinuteNanos);
}

TEST_F(RecorderTest, DaysWithoutAnythingStoredAreNotAskedFor) {
  Serve(0);
  counter_.first_day = kStartMinute / kDayMinutes - 2;
  const Slo slo = Make(Document());
  Record();
  EXPECT_LE(counter_.calls, 4);
  EXPECT_EQ(Status(slo).valid_from_unix_nanos, counter_.first_day * kDayMinutes * kMinuteNanos);
  EXPECT_TRUE(Status(slo).measured);
}

TEST_F(RecorderTest, WhatComesLateChangesMinutesThatWereCounted) {
  double bad = 0;
  counter_.by_service["shop"] = [&](int64_t minute) {
    return Tally{100 - (minute == kStartMinute - kLateMinutes + 1 ? bad : 0), 100};
  };
  const Slo slo = Make(Document());
  Record();
  EXPECT_EQ(Burn(slo, 3600).rate, 0);
  bad = 60;
  Record();
  EXPECT_NEAR(Burn(slo, 3600).rate, 10, 1e-9) << "60 of 6,000 at 99.9 %";
  // Hours late: found once an hour.
  counter_.by_service["shop"] = [&](int64_t minute) {
    return Tally{100 - (minute == kStartMinute - 300 ? 60.0 : 0), 100};
  };
  PassMinutes(60);
  Record();
  EXPECT_NEAR(Burn(slo, 12 * 3600).rate, 60 / 72'000.0 / 0.001, 1e-9);
}

TEST_F(RecorderTest, CatchesUpAfterTheProgramWasDown) {
  Serve(0);
  const Slo slo = Make(Document());
  Record();
  PassMinutes(3 * kDayMinutes);
  Serve(1);
  Open();
  EXPECT_THAT(Status(slo).not_measured_because, HasSubstr("3d ago"));
  EXPECT_FALSE(Burn(slo, 3600).measured) << "alerts stay as they are meanwhile";
  Record();
  EXPECT_TRUE(Status(slo).measured);
  EXPECT_NEAR(Burn(slo, kDaySeconds).rate, 10, 1e-9);
  EXPECT_NEAR(Burn(slo, 6 * kDaySeconds).rate, 5, 0.05) << "what was counted before is kept";
}

TEST_F(RecorderTest, WhatCannotBeCountedIsNotMeasuredUntilItCan) {
  Serve(1);
  const Slo slo = Make(Document());
  Record();
  EXPECT_TRUE(Burn(slo, 300).measured);
  counter_.failure = "the store is away";
  PassMinutes(2);
  Record();
  EXPECT_TRUE(Burn(slo, 300).measured) << "a minute or two are no gap";
  PassMinutes(3);
  Record();
  const BurnRate burn = Burn(slo, 300);
  EXPECT_FALSE(burn.measured);
  EXPECT_THAT(burn.reason, HasSubstr("the store is away"));
  counter_.failure = "";
  Record();
  EXPECT_TRUE(Burn(slo, 300).measured);
  EXPECT_EQ(Burn(slo, 300).events, 500) << "the gap is counted too";
}

TEST_F(RecorderTest, FewEventsDoNotBurnAndNoneAreNotMeasured) {
  counter_.by_service["shop"] = [](int64_t minute) {
    if (minute >= kStartMinute - 60) return Tally();
    return minute % 60 == 0 ? Tally{0, 1} : Tally();  // one request an hour, which fails
  };
  const Slo slo =
      *slos_->Create(R"({"schema":1,"name":"quiet","objective":0.999,"window":{"kind":"rolling","length":"30d"},)"
                     R"("sli":{"kind":"requests","service":"shop","good":"no_error"},"minimum_events":10})");
  Record();
  EXPECT_FALSE(Burn(slo, 3600).measured);
  const BurnRate few = Burn(slo, 6 * 3600);
  EXPECT_TRUE(few.measured);
  EXPECT_EQ(few.rate, 0);
  EXPECT_EQ(few.events, 5);
  EXPECT_NEAR(Burn(slo, kDaySeconds).rate, 1000, 1e-6) << "enough in a day";
  for (const BurnOfWindow& one : Status(slo).burn_rates) {
    EXPECT_EQ(one.burn.measured, one.window.seconds >= kDaySeconds) << one.window.name;
  }
}

TEST_F(RecorderTest, AnotherSliIsCountedAnewAndAnotherObjectiveIsNot) {
  Serve(1);
  Serve(50, "other");
  Slo slo = Make(Document());
  Record();
  counter_.calls = 0;
  auto changed = slos_->Update(slo.id, 1, Document(0.99));
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_NEAR(Burn(*changed, 300).rate, 1, 1e-9) << "at once";
  Record();
  EXPECT_LE(counter_.calls, 1);
  changed = slos_->Update(slo.id, 2, Document(0.99, "other"));
  ASSERT_TRUE(changed);
  EXPECT_FALSE(Burn(*changed, 300).measured) << "what was counted is no answer about the new SLI";
  EXPECT_EQ(Status(*changed).counted, Tally());
  Record();
  EXPECT_NEAR(Burn(*changed, 300).rate, 50, 1e-9);
  EXPECT_THAT(EventKinds(slo), Contains(std::string(kDefinitionChanged)).Times(2));
}

TEST_F(RecorderTest, NotesWhenTheBudgetCrossesItsMarks) {
  double bad = 0;
  counter_.by_service["shop"] = [&](int64_t minute) { return Tally{100 - (minute == kStartMinute ? bad : 0), 100}; };
  const Slo slo = Make(Document());
  Record();
  EXPECT_THAT(EventKinds(slo), ElementsAre(std::string(kHistoryCounted)));
  const double allowed = Status(slo).allowed_bad;
  // A minute can hold as many as this: what counts is the share of the budget.
  const auto spend = [&](double share) {
    bad = share * allowed;
    counter_.by_service["shop"] = [&](int64_t minute) {
      return minute == kStartMinute ? Tally{0, bad} : Tally{100, 100};
    };
    Record();
    return rollups_->Events(slo.id, 1)->front();
  };
  EXPECT_EQ(spend(0.4).kind, kHistoryCounted) << "60 % are left";
  EXPECT_EQ(spend(0.55).kind, kBudgetBelow);
  EXPECT_THAT(spend(0.8).text, HasSubstr("at most 25 %"));
  EXPECT_THAT(spend(1.2).text, HasSubstr("used up"));
  const int64_t last = rollups_->Events(slo.id, 1)->front().id;
  EXPECT_EQ(spend(0.99).id, last) << "hardly above a mark is no recovery";
  EXPECT_EQ(spend(0.3).kind, kBudgetRecovered);
}

TEST_F(RecorderTest, ForgetsWhatWasCountedForDeletedOnesAndWhatIsTooOld) {
  Serve(1);
  const Slo slo = Make(Document());
  const Slo other = Make(Document(0.99, "other"));
  Serve(2, "other");
  Record();
  ASSERT_TRUE(slos_->Delete(slo.id, 1));
  Record();
  EXPECT_EQ(rollups_->FirstMinute(slo.id)->value_or(-1), -1);
  EXPECT_TRUE(rollups_->Events(slo.id, 10)->empty());
  const int64_t first = rollups_->FirstMinute(other.id)->value_or(0);
  PassMinutes(2 * kDayMinutes);
  Record();
  EXPECT_GE(rollups_->FirstMinute(other.id)->value_or(0), first + 2 * kDayMinutes - kHourMinutes);
}

TEST_F(RecorderTest, ACompositeIsTheWeightedMeanOfItsSlos) {
  Serve(2, "cart");                                                              // 98 %
  counter_.by_service["pay"] = [](int64_t) { return Tally{9999 - 100, 9999}; };  // about 99 %, and far more traffic
  const Slo cart = Make(Document(0.9, "cart")), pay = Make(Document(0.9, "pay"));
  const auto composite_of = [&](const std::string& weights) {
    return fmt::format(R"({{"schema":1,"name":"both","objective":0.9,"window":{{"kind":"rolling","length":"7d"}},)"
                       R"("sli":{{"kind":"composite","of":["{}","{}"]{}}}}})",
                       cart.id, pay.id, weights);
  };
  const Slo even = Make(composite_of("")), uneven = Make(composite_of(R"(,"weights":[3,1])"));
  Record();
  const double cart_sli = 0.98, pay_sli = (9999 - 100) / 9999.0;
  EXPECT_NEAR(*Status(even).sli, (cart_sli + pay_sli) / 2, 1e-9);
  EXPECT_NEAR(*Status(uneven).sli, (3 * cart_sli + pay_sli) / 4, 1e-9);
  EXPECT_NEAR(Burn(even, 3600).rate, (1 - (cart_sli + pay_sli) / 2) / 0.1, 1e-9);
  EXPECT_EQ(slos_->Delete(cart.id, 1).error().code, Code::kAlreadyExists) << "others are made of it";
  const auto nested = slos_->Create(fmt::format(
      R"({{"schema":1,"name":"n","objective":0.9,"window":{{"kind":"rolling","length":"7d"}},"sli":{{"kind":"composite","of":["{}"]}}}})",
      even.id));
  EXPECT_THAT(nested.error().message, HasSubstr("composite itself"));
  counter_.failure = "away";
  PassMinutes(10);
  Record();
  EXPECT_FALSE(Burn(even, 3600).measured) << "as those that it is made of";
}

TEST_F(RecorderTest, HistoryHasTheBudgetAsItStoodThen) {
  counter_.by_service["shop"] = [](int64_t minute) {
    return minute == kStartMinute - 2 * kHourMinutes ? Tally{0, 3000} : Tally{100, 100};
  };
  const Slo slo = Make(Document(0.999, "shop", "1d"));
  Record();
  const int64_t now = kStartMinute * kMinuteNanos;
  const auto history = reader_->History(slo, now - 3 * kHourMinutes * kMinuteNanos, now, 3600);
  ASSERT_TRUE(history) << history.error().message;
  ASSERT_EQ(history->counted.size(), 3u);
  EXPECT_NEAR(history->budget_remaining.front(), 1, 1e-9) << "before the failure";
  EXPECT_NEAR(history->budget_remaining.back(), 1 - 3000 / (0.001 * 146'900), 1e-9);
  Tally sum;
  for (const Tally& step : history->counted) sum += step;
  EXPECT_EQ(sum.bad(), 3000);
  EXPECT_FALSE(reader_->History(slo, now, now, 60));
  EXPECT_FALSE(reader_->History(slo, 0, now, 60)) << "too many steps";
}

}  // namespace
}  // namespace sightline::slo
