// Alerts on several windows and burn rates over simulated failures: they fire and end when theory says, within one
// evaluation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "slo/budget.h"
#include "slo/testing/scripted_counter.h"

namespace sightline::slo {
namespace {

constexpr double kObjective = 0.999;
constexpr double kEvents = 1e6;  // a minute

struct Tier {
  int64_t long_minutes, short_minutes;
  double factor;
};
constexpr Tier kTiers[] = {{60, 5, 14.4}, {360, 30, 6}, {1440, 120, 3}, {4320, 360, 1}};

class BurnSimulation : public testing::SloTest {
 protected:
  bool Fires(const Slo& slo, const Tier& tier, int64_t minute) {
    const auto rate = [&](int64_t minutes) {
      const auto burn = reader_->Burn(slo.id, minutes * kMinuteSeconds, minute * kMinuteNanos);
      EXPECT_TRUE(burn && burn->measured);
      return burn ? burn->rate : 0;
    };
    return rate(tier.long_minutes) > tier.factor && rate(tier.short_minutes) > tier.factor;
  }
};

TEST_F(BurnSimulation, FiresAndEndsWhenTheorySays) {
  counter_.first_day = kStartMinute / kDayMinutes - 10;
  std::mt19937_64 random(20261127);
  for (const Tier& tier : kTiers) {
    const double threshold = tier.factor * (1 - kObjective);
    for (int round = 0; round < 3; ++round) {
      // A constant error ratio above the threshold, for long enough to fire and to fill the short window.
      const double ratio = std::min(1.0, threshold * (1.5 + static_cast<double>(random() % 1000) / 50));
      const double detection = static_cast<double>(tier.long_minutes) * threshold / ratio;
      const auto lasts = static_cast<int64_t>(detection) + tier.short_minutes + static_cast<int64_t>(random() % 30);
      const int64_t begin = kStartMinute - lasts - tier.long_minutes - static_cast<int64_t>(random() % 300);
      const std::string service = fmt::format("{}-{}", tier.long_minutes, round);
      const double bad = std::round(kEvents * ratio);
      counter_.by_service[service] = [=](int64_t minute) {
        return Tally{kEvents - (minute >= begin && minute < begin + lasts ? bad : 0), kEvents};
      };
      const Slo slo = Make(Document(kObjective, service));
      Record();

      int64_t fired = begin;
      while (fired < begin + lasts && !Fires(slo, tier, fired)) ++fired;
      EXPECT_NEAR(static_cast<double>(fired - begin), detection, 1) << service << ", ratio " << ratio;
      int64_t ended = begin + lasts;
      while (ended < kStartMinute && Fires(slo, tier, ended)) ++ended;
      // The short window is full of errors at the end: it falls below when so much of it is clean.
      const double reset = static_cast<double>(tier.short_minutes) * (1 - threshold / ratio);
      EXPECT_NEAR(static_cast<double>(ended - begin - lasts), reset, 1) << service << ", ratio " << ratio;
    }
  }
}

TEST_F(BurnSimulation, StaysQuietBelowTheRateOfATier) {
  counter_.by_service["slow"] = [](int64_t) { return Tally{kEvents * (1 - 0.0009), kEvents}; };  // a burn of 0.9
  const Slo slo = Make(Document(kObjective, "slow"));
  Record();
  for (const Tier& tier : kTiers) EXPECT_FALSE(Fires(slo, tier, kStartMinute)) << tier.factor;
  EXPECT_NEAR(Burn(slo, 30 * kDaySeconds).rate, 0.9, 1e-9);
}

// Any traffic and any failures: each rate is that of the minutes themselves.
TEST_F(BurnSimulation, RatesAreThoseOfTheMinutesUnderAnyTraffic) {
  std::mt19937_64 random(4);
  constexpr int64_t kMinutes = 5 * kDayMinutes;
  counter_.first_day = kStartMinute / kDayMinutes - 6;
  std::vector<Tally> minutes(kMinutes);
  double ratio = 0;
  for (Tally& minute : minutes) {
    if (random() % 90 == 0) ratio = random() % 3 == 0 ? static_cast<double>(random() % 100) / 200 : 0;
    minute.total = random() % 5 == 0 ? 0 : static_cast<double>(random() % 400);
    minute.good = minute.total - std::floor(minute.total * ratio);
  }
  counter_.by_service["shop"] = [&](int64_t minute) {
    const int64_t place = minute - (kStartMinute - kMinutes);
    return place >= 0 && place < kMinutes ? minutes[static_cast<size_t>(place)] : Tally();
  };
  const Slo slo = Make(Document(kObjective));
  Record();
  for (int i = 0; i < 500; ++i) {
    const auto window = static_cast<int64_t>(1 + random() % 4000);
    const int64_t end = window + static_cast<int64_t>(random()) % (kMinutes - window) * (random() % 2);
    Tally sum;
    for (int64_t m = std::max<int64_t>(0, end - window); m < end; ++m) {
      if (m < kMinutes) sum += minutes[static_cast<size_t>(m)];
    }
    const int64_t at = kStartMinute - kMinutes + end;
    const auto burn = reader_->Burn(slo.id, window * kMinuteSeconds, at * kMinuteNanos + 7);
    ASSERT_TRUE(burn);
    EXPECT_EQ(burn->events, sum.total);
    EXPECT_EQ(burn->measured, sum.total > 0) << burn->reason;
    EXPECT_NEAR(burn->rate, BurnRateOf(sum, kObjective), 1e-9);
  }
}

}  // namespace
}  // namespace sightline::slo
