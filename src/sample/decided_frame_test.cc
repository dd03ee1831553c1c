#include "sample/decided_frame.h"

#include <gmock/gmock.h>

#include <random>

namespace sightline::sample {
namespace {

DecidedFrame Example(uint32_t seed) {
  std::mt19937 random(seed);
  DecidedFrame frame;
  frame.policies = {"", "errors", std::string(300, 'p')};
  for (uint32_t i = random() % 40; i > 0; --i) {
    frame.dropped.push_back({uint64_t{random()} << 32 | random(), static_cast<uint32_t>(random() % 3),
                             static_cast<uint32_t>(1 + random() % 9)});
  }
  for (uint32_t i = random() % 10; i > 0; --i) {
    const uint32_t spans = random() % 5;
    frame.kept.push_back({uint64_t{random()} << 32 | random(), static_cast<uint32_t>(random() % 3),
                          1 + random() % 100 / 7.0, spans, random() % 4 == 0});
    for (uint32_t span = 0; span < spans; ++span) {
      frame.sources.push_back(
          {random() % 4 == 0 ? uint64_t{random()} << 20 : random() % 100, static_cast<uint32_t>(random())});
    }
  }
  frame.graph = std::string(random() % 200, 'g');
  return frame;
}

TEST(DecidedFrame, ReadsBackAsWritten) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const DecidedFrame frame = Example(seed);
    const std::string request(seed * 3, 'r');
    const std::string bytes = EncodeDecisions(frame) + request;
    const auto decoded = DecodeDecidedFrame(bytes);
    ASSERT_TRUE(decoded) << seed;
    EXPECT_EQ(decoded->decisions.policies, frame.policies);
    EXPECT_EQ(decoded->decisions.dropped, frame.dropped);
    EXPECT_EQ(decoded->decisions.kept, frame.kept);
    EXPECT_EQ(decoded->decisions.sources, frame.sources);
    EXPECT_EQ(decoded->decisions.graph, frame.graph);
    EXPECT_EQ(decoded->request, request);
  }
}

// What the program of the version before has left in a journal: one trace kept, of two spans.
TEST(DecidedFrame, ReadsTheFirstVersion) {
  std::string bytes(
      "\x01\x01\x03"
      "all\x00\x01",
      8);
  const uint64_t hash = 77;
  const double count = 2.5;
  bytes.append(reinterpret_cast<const char*>(&hash), 8).append(1, '\0');
  bytes.append(reinterpret_cast<const char*>(&count), 8);
  bytes.append("\x02\x08\x05\x00\x06\x00request", 13);
  const auto decoded = DecodeDecidedFrame(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->decisions.kept,
            (std::vector<DecidedFrame::Kept>{{.trace_hash = 77, .adjusted_count = 2.5, .spans = 2}}));
  EXPECT_EQ(decoded->decisions.sources, (std::vector<SpanSource>{{4, 5}, {4, 6}}));
  EXPECT_EQ(decoded->request, "request");
}

TEST(DecidedFrame, WhatIsCutShortIsRefused) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const std::string bytes = EncodeDecisions(Example(seed));
    for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(DecodeDecidedFrame(bytes.substr(0, size)));
  }
}

// Damage may read as other decisions, but as no index outside of its list and no count that is not there.
TEST(DecidedFrame, DamageNeverPointsOutside) {
  std::mt19937 random(1);
  int read = 0;
  for (uint32_t round = 0; round < 20'000; ++round) {
    std::string bytes = EncodeDecisions(Example(round % 50)) + "request";
    for (uint32_t flips = 1 + random() % 3; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto decoded = DecodeDecidedFrame(bytes);
    if (!decoded) continue;
    ++read;
    const DecidedFrame& frame = decoded->decisions;
    uint64_t spans = 0;
    for (const auto& trace : frame.kept) {
      spans += trace.spans;
      ASSERT_LT(trace.policy, frame.policies.size());
    }
    for (const auto& trace : frame.dropped) ASSERT_LT(trace.policy, frame.policies.size());
    ASSERT_EQ(spans, frame.sources.size());
    ASSERT_LE(decoded->request.size(), bytes.size());
    (void)Verdicts(frame).Of(1);
  }
  EXPECT_GT(read, 1000);
}

TEST(Verdicts, SayWhyATraceIsKept) {
  DecidedFrame frame;
  frame.policies = {"errors", "some"};
  frame.kept = {{.trace_hash = 5, .policy = 1, .adjusted_count = 100, .spans = 3},
                {.trace_hash = 6, .policy = 0, .adjusted_count = 1, .spans = 2},
                {.trace_hash = 5, .policy = 1, .adjusted_count = 100, .spans = 1, .is_late = true},
                {.trace_hash = 8, .policy = 1, .adjusted_count = 100, .spans = 1, .is_late = true}};
  const Verdicts verdicts(frame);
  EXPECT_EQ(verdicts.Of(5).policy, "some");
  EXPECT_EQ(verdicts.Of(5).adjusted_count, 100);
  EXPECT_EQ(verdicts.Of(6).policy, "errors");
  EXPECT_EQ(verdicts.Of(7).policy, "");
  EXPECT_EQ(verdicts.Of(7).adjusted_count, 1);
  EXPECT_EQ(verdicts.spans(), 7);
  EXPECT_TRUE(verdicts.Of(5).is_decided_here);
  EXPECT_FALSE(verdicts.Of(8).is_decided_here);
}

}  // namespace
}  // namespace sightline::sample
