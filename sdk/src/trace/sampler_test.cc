#include "otel/sampler.h"

#include <gmock/gmock.h>

#include <random>

namespace otel {
namespace {

using enum SamplingDecision;

SamplingDecision Ask(const Sampler& sampler, const Context& parent = {}, const TraceId& trace_id = {}) {
  return sampler
      .ShouldSample({.parent = parent,
                     .trace_id = trace_id,
                     .name = "s",
                     .kind = SpanKind::kInternal,
                     .attributes = {},
                     .links = {}})
      .decision;
}

Context Parent(bool remote, bool sampled) {
  SpanContext span{.flags = {sampled ? TraceFlags::kSampled : uint8_t{0}}, .is_remote = remote};
  span.trace_id.bytes[0] = span.span_id.bytes[0] = 1;
  return Context().WithSpanContext(span);
}

TEST(Sampler, AlwaysDecidesTheSame) {
  EXPECT_EQ(Ask(*AlwaysOnSampler(), Parent(true, false)), kRecordAndSample);
  EXPECT_EQ(Ask(*AlwaysOffSampler(), Parent(true, true)), kDrop);
  EXPECT_EQ(AlwaysOnSampler()->Description(), "AlwaysOnSampler");
  EXPECT_EQ(AlwaysOffSampler()->Description(), "AlwaysOffSampler");
}

TEST(Sampler, RatioSamplesItsPartOfAllTraces) {
  std::mt19937_64 random(1);
  const auto small = TraceIdRatioBasedSampler(0.1), large = TraceIdRatioBasedSampler(0.5);
  int sampled = 0;
  for (int i = 0; i < 10'000; ++i) {
    TraceId id;
    for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(random());
    const bool in_small = Ask(*small, {}, id) == kRecordAndSample;
    sampled += in_small;
    if (in_small) EXPECT_EQ(Ask(*large, {}, id), kRecordAndSample);
    EXPECT_EQ(Ask(*TraceIdRatioBasedSampler(0), {}, id), kDrop);
    EXPECT_EQ(Ask(*TraceIdRatioBasedSampler(1), {}, id), kRecordAndSample);
  }
  EXPECT_NEAR(sampled, 1000, 100);
}

// Values at the bound of the SDK for Go: 2^63 * ratio compared with the last eight bytes / 2.
TEST(Sampler, RatioDecidesByTheLastEightBytes) {
  const auto quarter = TraceIdRatioBasedSampler(0.25);
  EXPECT_EQ(Ask(*quarter, {}, *TraceId::FromHex("ffffffffffffffff3fffffffffffffff")), kRecordAndSample);
  EXPECT_EQ(Ask(*quarter, {}, *TraceId::FromHex("00000000000000004000000000000000")), kDrop);
  EXPECT_EQ(Ask(*TraceIdRatioBasedSampler(1), {}, *TraceId::FromHex("ffffffffffffffffffffffffffffffff")),
            kRecordAndSample);
}

TEST(Sampler, RatioOutsideOfItsRangeIsTheNearestOne) {
  EXPECT_EQ(TraceIdRatioBasedSampler(-1)->Description(), "TraceIdRatioBased{0.000000}");
  EXPECT_EQ(TraceIdRatioBasedSampler(7)->Description(), "TraceIdRatioBased{1.000000}");
  EXPECT_EQ(TraceIdRatioBasedSampler(std::nan(""))->Description(), "TraceIdRatioBased{0.000000}");
  EXPECT_EQ(TraceIdRatioBasedSampler(0.0001)->Description(), "TraceIdRatioBased{0.000100}");
}

TEST(Sampler, ParentBasedAsksTheOneForThatParent) {
  const auto on = AlwaysOnSampler(), off = AlwaysOffSampler();
  const auto standard = ParentBasedSampler({.root = off});
  EXPECT_EQ(Ask(*standard), kDrop);
  EXPECT_EQ(Ask(*standard, Parent(true, true)), kRecordAndSample);
  EXPECT_EQ(Ask(*standard, Parent(false, true)), kRecordAndSample);
  EXPECT_EQ(Ask(*standard, Parent(true, false)), kDrop);
  EXPECT_EQ(Ask(*standard, Parent(false, false)), kDrop);
  EXPECT_EQ(Ask(*ParentBasedSampler()), kRecordAndSample);
  EXPECT_EQ(Ask(*ParentBasedSampler({.root = nullptr})), kRecordAndSample);

  const auto inverted = ParentBasedSampler({.root = on,
                                            .remote_parent_sampled = off,
                                            .remote_parent_not_sampled = on,
                                            .local_parent_sampled = off,
                                            .local_parent_not_sampled = on});
  EXPECT_EQ(Ask(*inverted, Parent(true, true)), kDrop);
  EXPECT_EQ(Ask(*inverted, Parent(true, false)), kRecordAndSample);
  EXPECT_EQ(Ask(*inverted, Parent(false, true)), kDrop);
  EXPECT_EQ(Ask(*inverted, Parent(false, false)), kRecordAndSample);
  const auto one = ParentBasedSampler({.local_parent_sampled = off});
  EXPECT_EQ(Ask(*one, Parent(false, true)), kDrop);
  EXPECT_EQ(Ask(*one, Parent(true, true)), kRecordAndSample);
}

}  // namespace
}  // namespace otel
