#include "store/block_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sightline::store {
namespace {

using testing::ElementsAre;
using testing::Pair;

// Remembers in which order items come; builds nothing.
class OrderRecorder final : public otlp::BlockBuilder {
 public:
  void Append(std::string_view request, const otlp::Scan&, const otlp::ItemRef& item, int64_t,
              const otlp::SpanStanding&) override {
    order.emplace_back(std::string(request), item.first_ordinal);
  }
  uint64_t rows() const override { return order.size(); }
  uint64_t bytes() const override { return 0; }
  std::vector<otlp::TableBlock> Finish(uint64_t) override { return {}; }
  void ForgetWrittenSets() override {}
  void ReleaseMemory() override {}
  otlp::RepairCounts repairs() const override { return {}; }

  std::vector<std::pair<std::string, uint32_t>> order;  // request bytes, ordinal
};

PendingFrame Frame(uint64_t number, const std::string& bytes, const std::vector<uint64_t>& trace_hashes) {
  PendingFrame frame{.number = number, .bytes = bytes, .scan = {}, .reservation = {}};
  for (uint32_t i = 0; i < trace_hashes.size(); ++i) {
    frame.scan.items.push_back({.message = {}, .scope = 0, .first_ordinal = i, .trace_hash = trace_hashes[i]});
  }
  return frame;
}

std::vector<PendingFrame> Frames(PendingFrame first, PendingFrame second) {
  std::vector<PendingFrame> frames;
  frames.push_back(std::move(first));
  frames.push_back(std::move(second));
  return frames;
}

TEST(BlockPlan, GroupsSpansByTraceInOrderOfFirstAppearance) {
  OrderRecorder recorder;
  AppendFrames({otlp::Signal::kTraces}, Frames(Frame(1, "a", {7, 9, 7}), Frame(2, "b", {9, 8, 7})), recorder);
  EXPECT_THAT(recorder.order, ElementsAre(Pair("a", 0), Pair("a", 2), Pair("b", 2),  // trace 7
                                          Pair("a", 1), Pair("b", 0),                // trace 9
                                          Pair("b", 1)));                            // trace 8
}

TEST(BlockPlan, KeepsLogsInOrderOfArrival) {
  OrderRecorder recorder;
  AppendFrames({otlp::Signal::kLogs}, Frames(Frame(1, "a", {7, 9}), Frame(2, "b", {7})), recorder);
  EXPECT_THAT(recorder.order, ElementsAre(Pair("a", 0), Pair("a", 1), Pair("b", 0)));
}

TEST(BlockPlan, ManifestHoldsExactlyTheFramesAsAscendingRanges) {
  std::vector<PendingFrame> frames;
  for (uint64_t number : {5, 3, 4, 9, 11, 10}) frames.push_back(Frame(number, "", {}));
  const journal::Manifest manifest = MakeManifest(42, {otlp::Signal::kMetrics}, frames);
  EXPECT_EQ(manifest.block, 42U);
  EXPECT_EQ(manifest.signal, otlp::Signal::kMetrics);
  ASSERT_EQ(manifest.frames.size(), 2U);
  EXPECT_EQ(manifest.frames[0].first, 3U);
  EXPECT_EQ(manifest.frames[0].last, 5U);
  EXPECT_EQ(manifest.frames[1].first, 9U);
  EXPECT_EQ(manifest.frames[1].last, 11U);
}

}  // namespace
}  // namespace sightline::store
