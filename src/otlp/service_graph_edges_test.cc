// Edges of the service graph: added up, through the journal's bytes, and as rows.
#include "otlp/service_graph_edges.h"

#include <gtest/gtest.h>

#include <random>

#include "otlp/span_metrics.h"
#include "otlp/testing/native_reader.h"

namespace sightline::otlp {
namespace {

using testing::NativeBlock;
using testing::ReadNativeRows;

constexpr uint32_t kHour = 3600;
constexpr uint32_t kStart = 1'795'333'380 / kHour * kHour;

std::vector<TableBlock> Finish(ServiceGraphEdges& edges, uint64_t block = 7) {
  std::vector<TableBlock> out;
  edges.Finish(block, out);
  return out;
}

std::string Bytes(ServiceGraphEdges& edges) {
  std::string bytes;
  for (const TableBlock& block : Finish(edges)) bytes += block.native;
  return bytes;
}

void AddRandom(ServiceGraphEdges& edges, std::mt19937& random, int sides) {
  for (int i = 0; i < sides; ++i) {
    const std::string client = "service " + std::to_string(random() % 5),
                      server = "peer " + std::to_string(random() % 9);
    edges.Add({.client = client,
               .server = server,
               .connection = static_cast<Connection>(random() % 4),
               .failed = random() % 3 == 0,
               .is_client_side = random() % 2 == 0,
               .is_call = random() % 2 == 0,
               .start_second = static_cast<uint32_t>(kStart + random() % (3 * kHour)),
               .duration_nanos = random(),
               .weight = 1.0 + random() % 3});
  }
}

TEST(ServiceGraphEdges, SidesOfOneKeyAreOneRowOfEachResolution) {
  ServiceGraphEdges edges;
  for (const uint32_t second : {kStart, kStart + 59, kStart + 60}) {
    edges.Add(
        {.client = "web", .server = "pay", .is_client_side = true, .start_second = second, .duration_nanos = 1000});
  }
  edges.Add({.client = "web", .server = "pay", .is_call = false, .start_second = kStart, .duration_nanos = 10});
  const std::vector<TableBlock> blocks = Finish(edges);
  ASSERT_EQ(blocks.size(), 1U) << "all resolutions are one insert";
  const NativeBlock rows = ReadNativeRows(blocks[0].native);
  ASSERT_EQ(rows.rows, 6U)
      << "two minutes and an hour of one side, one of each of the other; the one that names the block";
  for (const uint64_t row : {0, 1, 2}) EXPECT_EQ(rows.At("Seconds", row).number, 60U);
  EXPECT_EQ(rows.At("Time", 0).number, kStart);
  EXPECT_EQ(rows.At("Calls", 0).Double(), 2);
  EXPECT_EQ(rows.At("Bucket", 0).number, DurationBucket(1000));
  EXPECT_EQ(rows.At("Block", 0).number, 0U);
  EXPECT_EQ(rows.At("Block", 5).number, 7U);
  EXPECT_EQ(rows.At("Seconds", 5).number, 0U);
  for (const uint64_t row : {3, 4}) EXPECT_EQ(rows.At("Seconds", row).number, 3600U);
  EXPECT_EQ(rows.At("Calls", 3).Double(), 3);
  EXPECT_EQ(rows.At("Spans", 3).Double(), 3);
  EXPECT_EQ(rows.At("Calls", 4).Double(), 0) << "counted with the client's side";
  EXPECT_EQ(rows.At("Spans", 4).Double(), 1);
  EXPECT_TRUE(edges.empty());
  EXPECT_TRUE(Finish(edges).empty()) << "nothing to insert";
}

TEST(ServiceGraphEdges, TheJournalsBytesAddUpToTheSameRows) {
  std::mt19937 random(1), same(1);
  ServiceGraphEdges direct, merged;
  AddRandom(direct, random, 3000);
  for (int part = 0; part < 3; ++part) {
    ServiceGraphEdges edges;
    AddRandom(edges, same, 1000);
    ASSERT_TRUE(merged.Merge(edges.Encode()));
  }
  EXPECT_EQ(Bytes(merged), Bytes(direct));
}

TEST(ServiceGraphEdges, OtherBytesAreRefusedAndAddNothing) {
  std::mt19937 random(2);
  ServiceGraphEdges edges;
  AddRandom(edges, random, 20);
  const std::string good = edges.Encode();
  for (size_t size = 1; size < good.size(); ++size) {
    ServiceGraphEdges merged;
    ASSERT_FALSE(merged.Merge(std::string_view(good).substr(0, size)));
    ASSERT_TRUE(merged.empty());
  }
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    ServiceGraphEdges merged;
    if (!merged.Merge(bad)) ASSERT_TRUE(merged.empty());
    Finish(merged);
  }
  ServiceGraphEdges merged;
  EXPECT_TRUE(merged.Merge("")) << "a frame without calls";
  EXPECT_FALSE(merged.Merge(good + "x"));
  EXPECT_FALSE(merged.Merge("\x02" + good.substr(1))) << "of a later version";
}

TEST(ServiceGraphEdges, BeyondTheLimitNamesAreCountedTogether) {
  ServiceGraphEdges edges;
  for (uint32_t i = 0; i < kGraphNamesMax + 500; ++i) {
    edges.Add({.client = "web", .server = "host " + std::to_string(i), .start_second = kStart});
  }
  const NativeBlock rows = ReadNativeRows(Finish(edges)[0].native);
  EXPECT_LE(rows.rows, std::size(kGraphResolutions) * (kGraphNamesMax + 1) + 1);
  double calls = 0;
  for (uint64_t row = 0; row < rows.rows; ++row) {
    if (rows.At("Seconds", row).number == 60) calls += rows.At("Calls", row).Double();
  }
  EXPECT_EQ(calls, kGraphNamesMax + 500) << "none is lost";
}

}  // namespace
}  // namespace sightline::otlp
