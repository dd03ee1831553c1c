#include "slo/minutes.h"

#include <gtest/gtest.h>

#include <random>

namespace sightline::slo {
namespace {

TEST(Minutes, AnHourIsAShortText) {
  HourTallies minutes;
  EXPECT_EQ(WriteHour(minutes), "");
  minutes[0] = {120, 120};
  minutes[1] = {95, 98};
  minutes[4] = {0, 7};
  EXPECT_EQ(WriteHour(minutes), "120,98-3,,,7-7");
  EXPECT_EQ(ReadHour("120,98-3,,,7-7"), minutes);
}

TEST(Minutes, AreReadAsTheyWereWritten) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200; ++i) {
    HourTallies minutes;
    for (Tally& minute : minutes) {
      if (random() % 3 == 0) continue;
      minute.total = static_cast<double>(random() % 1'000'000);
      if (random() % 4 == 0) minute.total *= 1e-9;  // with an exponent
      minute.good = minute.total - (random() % 2 == 0 ? 0 : minute.total / 4);
    }
    const HourTallies read = ReadHour(WriteHour(minutes));
    for (size_t m = 0; m < minutes.size(); ++m) {
      EXPECT_EQ(read[m].total, minutes[m].total);
      EXPECT_NEAR(read[m].good, minutes[m].good, 1e-9 * minutes[m].total);
    }
  }
}

TEST(Minutes, WhatNobodyWroteIsEmpty) {
  EXPECT_EQ(ReadHour("x,-,1-,,").at(0), Tally());
  EXPECT_EQ(ReadHour("x,-,1-,,").at(2), (Tally{1, 1}));
  EXPECT_EQ(ReadHour(std::string(1000, ',')), HourTallies());
}

}  // namespace
}  // namespace sightline::slo
