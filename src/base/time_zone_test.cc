#include "base/time_zone.h"

#include <gtest/gtest.h>

namespace sightline {
namespace {

TimeZone Zone(const std::string& name) {
  auto zone = TimeZone::Load(name);
  EXPECT_TRUE(zone) << zone.error().message;
  return *zone;
}

TEST(TimeZone, KnowsWhatTheClocksOfAPlaceShow) {
  const CivilTime summer = Zone("Europe/Berlin").At(1'783'000'000);  // 2026-07-02 13:46:40 UTC
  EXPECT_EQ(summer.year, 2026);
  EXPECT_EQ(summer.month, 7);
  EXPECT_EQ(summer.day, 2);
  EXPECT_EQ(summer.hour, 15);
  EXPECT_EQ(summer.minute, 46);
  EXPECT_EQ(summer.weekday, 3) << "a Thursday";
  EXPECT_EQ(Zone("UTC").At(0).weekday, 3) << "1970-01-01 was a Thursday";
}

TEST(TimeZone, ReadsTimesOfDaysWhenClocksChange) {
  const TimeZone berlin = Zone("Europe/Berlin");
  const auto at = [&](int month, int day, int hour, int minute) {
    return berlin.UnixSeconds({.year = 2026, .month = month, .day = day, .hour = hour, .minute = minute});
  };
  EXPECT_EQ(at(3, 30, 0, 0) - at(3, 29, 0, 0), 23 * 3600) << "clocks go forward";
  EXPECT_EQ(at(10, 26, 0, 0) - at(10, 25, 0, 0), 25 * 3600) << "clocks go back";
  EXPECT_EQ(at(3, 29, 2, 30), at(3, 29, 3, 30)) << "skipped";
  EXPECT_EQ(at(10, 25, 2, 30) + 3 * 1800, at(10, 25, 3, 0)) << "the first of the two";
  EXPECT_EQ(at(1, 32, 0, 0), at(2, 1, 0, 0)) << "carries over";
}

TEST(TimeZone, KnowsTheFirstAndTheLastMomentOfATime) {
  const TimeZone berlin = Zone("Europe/Berlin");
  const auto at = [&](int month, int day, int hour, int minute) {
    return berlin.MomentsOf({.year = 2026, .month = month, .day = day, .hour = hour, .minute = minute});
  };
  EXPECT_EQ(at(7, 2, 15, 46).first, at(7, 2, 15, 46).last);
  EXPECT_EQ(at(10, 25, 2, 30).last - at(10, 25, 2, 30).first, 3600) << "twice";
  EXPECT_EQ(at(3, 29, 2, 10).first, at(3, 29, 3, 0).first) << "skipped: the moment of the change";
  EXPECT_EQ(at(3, 29, 2, 50).last, at(3, 29, 3, 0).first);
}

TEST(TimeZone, RefusesWhatIsNone) {
  for (const char* name : {"", "Mars/Olympus", "/etc/passwd", "file:/etc/passwd", "../../../etc/passwd"}) {
    EXPECT_FALSE(TimeZone::Load(name)) << name;
  }
}

}  // namespace
}  // namespace sightline
