// The critical path of traces as they come: whole, broken, with clocks that differ, asynchronous; and large.
#include "otlp/critical_path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>

namespace sightline::otlp {
namespace {

constexpr int64_t kStart = 1'700'000'000'000'000'000;

boost::json::array Cases() {
  std::ifstream file(SIGHTLINE_SOURCE_DIR "/src/otlp/testdata/critical_path.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return boost::json::parse(text).as_array();
}

TEST(CriticalPath, IsWhatTheUiSays) {
  const boost::json::array cases = Cases();
  EXPECT_GT(cases.size(), 50u);
  for (const boost::json::value& one : cases) {
    std::vector<PathSpan> spans;
    std::vector<uint64_t> expected;
    for (const boost::json::value& span : one.at("spans").as_array()) {
      const auto text = [&](const char* key) { return std::string(span.at(key).as_string()); };
      const auto id = [&](const char* key) { return text(key).empty() ? 0 : std::stoull(text(key), nullptr, 16); };
      const int64_t from = span.at("at").as_int64(), to = span.at("to").as_int64();
      spans.push_back({.start_unix_nanos = kStart + from,
                       .duration_nanos = static_cast<uint64_t>(to - from),
                       .span_id = id("id"),
                       .parent_span_id = id("parent"),
                       .service = std::hash<std::string>()(text("service")),
                       .is_consumer = text("kind") == "Consumer"});
      expected.push_back(static_cast<uint64_t>(span.at("own").as_int64()));
    }
    EXPECT_EQ(CriticalPathSelfTimes(spans), expected) << one.at("name");
  }
}

TEST(CriticalPath, OfNothingIsNothing) {
  EXPECT_TRUE(CriticalPathSelfTimes({}).empty());
}

// As wide and deep as large batch jobs are, in any order.
std::vector<PathSpan> LargeTrace(size_t count) {
  std::mt19937_64 random(7);
  std::vector<PathSpan> spans = {{.start_unix_nanos = kStart, .duration_nanos = 60'000'000'000, .span_id = 1}};
  while (spans.size() < count) {
    const size_t i = spans.size();
    const PathSpan& parent = spans[random() % 10 < 3 ? i - 1 : random() % std::min<size_t>(i, 2000)];
    const uint64_t offset = parent.duration_nanos == 0 ? 0 : random() % parent.duration_nanos;
    spans.push_back({.start_unix_nanos = parent.start_unix_nanos + static_cast<int64_t>(offset),
                     .duration_nanos = random() % (parent.duration_nanos - offset + 1),
                     .span_id = i + 1,
                     .parent_span_id = parent.span_id,
                     .service = i % 12});
  }
  std::ranges::shuffle(spans, random);
  return spans;
}

TEST(CriticalPath, ExplainsAllOfALargeTraceOnce) {
  const std::vector<PathSpan> spans = LargeTrace(50'000);
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<uint64_t> self = CriticalPathSelfTimes(spans);
  const auto took = std::chrono::steady_clock::now() - begin;
  RecordProperty("microseconds", std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  EXPECT_EQ(std::accumulate(self.begin(), self.end(), uint64_t{0}), 60'000'000'000u);
  EXPECT_GT(std::ranges::count_if(self, [](uint64_t nanos) { return nanos > 0; }), 5);
  EXPECT_LT(took, std::chrono::seconds(1));
}

TEST(CriticalPath, GoesDownAChainOfAnyDepth) {
  std::vector<PathSpan> spans;
  constexpr uint64_t kDepth = 50'000;
  for (uint64_t i = 0; i < kDepth; ++i) {
    spans.push_back({.start_unix_nanos = kStart + static_cast<int64_t>(i),
                     .duration_nanos = 2 * (kDepth - i),
                     .span_id = i + 1,
                     .parent_span_id = i});
  }
  std::vector<uint64_t> expected(kDepth, 2);
  EXPECT_EQ(CriticalPathSelfTimes(spans), expected);
}

TEST(CriticalPath, TimesAtTheEndsOfWhatCanBeStored) {
  const std::vector<PathSpan> spans = {
      {.start_unix_nanos = 0, .duration_nanos = INT64_MAX, .span_id = 1},
      {.start_unix_nanos = INT64_MAX, .duration_nanos = 0, .span_id = 2, .parent_span_id = 1},
      {.start_unix_nanos = INT64_MAX - 10, .duration_nanos = 10, .span_id = 3, .parent_span_id = 1}};
  EXPECT_EQ(CriticalPathSelfTimes(spans), (std::vector<uint64_t>{INT64_MAX - 10, 0, 10}));
}

}  // namespace
}  // namespace sightline::otlp
