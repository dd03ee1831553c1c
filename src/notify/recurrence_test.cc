#include "notify/recurrence.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sightline::notify {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kHour = 3600, kDay = 24 * kHour;

std::optional<Recurrence> Read(std::string_view json, std::string* problem = nullptr) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  EXPECT_EQ(parser.parse(json.data(), json.size()).get(element), simdjson::SUCCESS) << json;
  state::JsonCheck check;
  auto recurrence = Recurrence::Read(check, element);
  const auto result = check.result();
  EXPECT_EQ(result.has_value(), recurrence.has_value());
  if (problem != nullptr && !result) *problem = result.error().message;
  return recurrence;
}

Recurrence Daily(std::string_view from, std::string_view to, std::string_view zone = "Europe/Berlin") {
  return *Read(fmt::format(R"({{"every":"day","from":"{}","to":"{}","timezone":"{}"}})", from, to, zone));
}

// What clocks in Berlin first show so.
int64_t Berlin(int month, int day, int hour, int minute = 0) {
  return TimeZone::Load("Europe/Berlin")
      ->MomentsOf({.year = 2026, .month = month, .day = day, .hour = hour, .minute = minute})
      .first;
}

bool On(const Recurrence& recurrence, int64_t unix_seconds) {
  return recurrence.AtOrAfter(unix_seconds).begin <= unix_seconds;
}

TEST(Recurrence, ComesEachDayByTheClocksOfThePlace) {
  const Recurrence recurrence = Daily("22:00", "23:00");
  EXPECT_FALSE(On(recurrence, Berlin(7, 2, 22) - 1));
  EXPECT_TRUE(On(recurrence, Berlin(7, 2, 22)));
  EXPECT_TRUE(On(recurrence, Berlin(7, 2, 23) - 1));
  EXPECT_FALSE(On(recurrence, Berlin(7, 2, 23)));
  const Interval next = recurrence.AtOrAfter(Berlin(7, 2, 23));
  EXPECT_EQ(next.begin, Berlin(7, 3, 22));
  EXPECT_EQ(next.end, Berlin(7, 3, 23));
  // In UTC it is an hour later in winter.
  EXPECT_EQ(Berlin(7, 2, 22) % kDay, 20 * kHour);
  EXPECT_EQ(recurrence.AtOrAfter(Berlin(12, 2, 0)).begin % kDay, 21 * kHour);
}

TEST(Recurrence, GoesPastMidnightAndBelongsToTheDayOnWhichItBegins) {
  const auto fridays =
      Read(R"({"every":"week","days":["fri"],"from":"22:00","to":"06:00","timezone":"Europe/Berlin"})");
  ASSERT_TRUE(fridays);  // 2026-07-03 is a Friday
  EXPECT_TRUE(On(*fridays, Berlin(7, 3, 22)));
  EXPECT_TRUE(On(*fridays, Berlin(7, 4, 5, 59)));
  EXPECT_FALSE(On(*fridays, Berlin(7, 4, 6)));
  EXPECT_FALSE(On(*fridays, Berlin(7, 3, 5))) << "of Thursday, on which there is none";
  EXPECT_EQ(fridays->AtOrAfter(Berlin(7, 4, 6)).begin, Berlin(7, 10, 22));
}

TEST(Recurrence, WholeDays) {
  for (const Recurrence& recurrence : {Daily("00:00", "24:00"), Daily("00:00", "00:00")}) {
    const Interval day = recurrence.AtOrAfter(Berlin(7, 2, 12));
    EXPECT_EQ(day.begin, Berlin(7, 2, 0));
    EXPECT_EQ(day.end, Berlin(7, 3, 0));
  }
  const auto weekend =
      Read(R"({"every":"week","days":["sat","sun"],"from":"00:00","to":"24:00","timezone":"Europe/Berlin"})");
  EXPECT_FALSE(On(*weekend, Berlin(7, 3, 23, 59)));
  EXPECT_TRUE(On(*weekend, Berlin(7, 4, 0)));
  EXPECT_TRUE(On(*weekend, Berlin(7, 5, 23, 59)));
  EXPECT_FALSE(On(*weekend, Berlin(7, 6, 0)));
}

TEST(Recurrence, IsNotCutShortWhereClocksGoBack) {
  // On 2026-10-25, 02:00 to 03:00 comes twice.
  const auto length = [](std::string_view from, std::string_view to) {
    const Interval interval = Daily(from, to).AtOrAfter(Berlin(10, 25, 0));
    return interval.end - interval.begin;
  };
  EXPECT_EQ(length("01:00", "04:00"), 4 * kHour);
  EXPECT_EQ(length("02:00", "03:00"), 2 * kHour);
  EXPECT_EQ(length("01:30", "02:30"), 2 * kHour) << "to the second 02:30";
  EXPECT_EQ(length("02:15", "02:45"), kHour + kHour / 2) << "from the first 02:15 to the second 02:45";
  EXPECT_EQ(length("00:00", "24:00"), 25 * kHour);
}

TEST(Recurrence, LeavesOutWhatClocksSkip) {
  // On 2026-03-29, 02:00 to 03:00 does not come.
  const int64_t midnight = Berlin(3, 29, 0), change = midnight + 2 * kHour;
  const Interval around = Daily("01:00", "04:00").AtOrAfter(midnight);
  EXPECT_EQ(around.end - around.begin, 2 * kHour);
  const Interval begins = Daily("02:30", "03:30").AtOrAfter(midnight);
  EXPECT_EQ(begins.begin, change);
  EXPECT_EQ(begins.end, change + kHour / 2);
  const Interval ends = Daily("01:30", "02:30").AtOrAfter(midnight);
  EXPECT_EQ(ends.begin, change - kHour / 2);
  EXPECT_EQ(ends.end, change);
  EXPECT_EQ(Daily("02:15", "02:45").AtOrAfter(midnight).begin, Berlin(3, 30, 2, 15)) << "all of it is skipped";
  const auto sundays =
      Read(R"({"every":"week","days":["sun"],"from":"02:15","to":"02:45","timezone":"Europe/Berlin"})");
  EXPECT_EQ(sundays->AtOrAfter(midnight).begin, Berlin(4, 5, 2, 15));
}

// The same by another way: walk through the minutes and look at the clock.
TEST(Recurrence, IsOnWheneverClocksShowATimeOfIt) {
  std::mt19937 random(20261127);
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"}) {
    const TimeZone zone = *TimeZone::Load(name);
    for (int round = 0; round < 20; ++round) {
      const int from = static_cast<int>(random() % 1440), to = static_cast<int>(random() % 1440);
      const Recurrence recurrence =
          Daily(fmt::format("{:02}:{:02}", from / 60, from % 60), fmt::format("{:02}:{:02}", to / 60, to % 60), name);
      // All of 2026, at odd distances.
      for (int64_t t = 1'767'225'600; t < 1'798'761'600; t += 60 * (1 + static_cast<int64_t>(random() % 600))) {
        const CivilTime clock = zone.At(t);
        const int minute = 60 * clock.hour + clock.minute;
        const bool shows = from < to ? from <= minute && minute < to : minute >= from || minute < to;
        const Interval interval = recurrence.AtOrAfter(t);
        EXPECT_LT(t, interval.end);
        // Where a time comes twice it may be on although the clock, set back, shows one before or after it.
        if (shows) {
          EXPECT_LE(interval.begin, t) << name << " " << from << "-" << to << " at " << t;
        } else if (interval.begin <= t) {
          const CivilTime before = zone.At(t - 7200), after = zone.At(t + 7200);
          const int moved = (after.hour - before.hour + 24) % 24 * 60 + after.minute - before.minute;
          EXPECT_LT(moved, 240) << "clocks go back within these four hours; " << name << " at " << t;
        }
      }
    }
  }
}

TEST(Recurrence, SaysWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"every":"month","from":"22:00","to":"23:00","timezone":"UTC"})", "every: "},
      {R"({"every":"week","from":"22:00","to":"23:00","timezone":"UTC"})", "days is wanted"},
      {R"({"every":"day","days":["mon"],"from":"22:00","to":"23:00","timezone":"UTC"})", "days goes with"},
      {R"({"every":"week","days":["monday"],"from":"22:00","to":"23:00","timezone":"UTC"})", "days[0]: "},
      {R"({"every":"day","from":"24:01","to":"23:00","timezone":"UTC"})", "from: \"24:01\" is no time of day"},
      {R"({"every":"day","from":"22:00","to":"9:00","timezone":"UTC"})", "to: \"9:00\" is no time of day"},
      {R"({"every":"day","from":"22:60","to":"23:00","timezone":"UTC"})", "from: "},
      {R"({"every":"day","from":"22:00","to":"23:00","timezone":"Berlin"})",
       "timezone: there is no time zone \"Berlin\""},
      {R"({"every":"day","from":"22:00","to":"23:00"})", "timezone is wanted"},
  };
  for (const auto& [json, expected] : cases) {
    std::string problem;
    EXPECT_FALSE(Read(json, &problem)) << json;
    EXPECT_THAT(problem, HasSubstr(expected)) << json;
  }
}

}  // namespace
}  // namespace sightline::notify
