// What is added up of stored spans: by service, policy and time, each trace once, for each day.
#include "otlp/kept_spans.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "otlp/testing/blocks.h"

namespace sightline::otlp {
namespace {

using namespace testing;

constexpr char kTable[] = "kept_span_rollups";

TEST(DistinctColumn, MixesNumbersAsTheEngineDoes) {
  // SELECT hex(uniqCombinedState(14)(toUInt64(5))): 01 01 75554CD5
  EXPECT_EQ(DistinctColumn::ElementOf(5), 0xd54c5575u);
  EXPECT_EQ(DistinctColumn::ElementOf(0), 0u);
}

TEST(DistinctColumn, HasAStateForEveryRow) {
  DistinctColumn column;
  column.PadTo(1);
  const uint32_t one[] = {7};
  column.Append(one);
  std::string bytes;
  column.WriteData(bytes);
  EXPECT_EQ(bytes, std::string("\x01\x00\x01\x01\x07\x00\x00\x00", 8));
  EXPECT_EQ(column.rows(), 2u);
}

TEST(KeptSpans, SpansThatAreStoredAreAddedUpByServiceWithTheirBytes) {
  BuilderFixture fixture(Signal::kTraces);
  const std::string shop = Request({Span(1, 1), Span(1, 2), Span(2, 3)}, Resource("shop"));
  fixture.Add(shop);
  fixture.Add(Request({Span(1, 4)}, Resource("pay")));
  const Blocks blocks = fixture.Finish(9);
  const NativeBlock& rows = Only(blocks, kTable);
  ASSERT_EQ(rows.rows, 5u);  // two services, two resolutions, and the block
  std::map<std::pair<std::string, uint64_t>, std::tuple<uint64_t, double, size_t>> kept;
  for (uint64_t row = 0; row + 1 < rows.rows; ++row) {
    EXPECT_EQ(rows.At("Block", row).number, 0u);
    EXPECT_EQ(rows.At("SamplingPolicy", row).text, "");
    kept[{rows.At("ServiceName", row).text, rows.At("Seconds", row).number}] = {
        rows.At("Spans", row).number, rows.At("StandFor", row).Double(), rows.At("Traces", row).elements.size()};
  }
  EXPECT_EQ(kept.at({"shop", 60}), std::tuple(3, 3.0, 2));
  EXPECT_EQ(kept.at({"pay", 60}), std::tuple(1, 1.0, 1));
  EXPECT_EQ(kept.at({"shop", 3600}), kept.at({"shop", 60}));
  EXPECT_EQ(rows.At("Bytes", 0).number, 3 * Span(1, 1).bytes().size());
  EXPECT_EQ(rows.At("Block", 4).number, 9u);
  EXPECT_EQ(rows.At("Seconds", 4).number, 0u);
  EXPECT_TRUE(rows.At("Traces", 4).elements.empty());
}

TEST(KeptSpans, EachResolutionAddsUpTheSame) {
  std::mt19937_64 random(11);
  KeptSpans kept;
  struct Sum {
    uint64_t spans = 0, bytes = 0;
    double stand_for = 0;
    std::set<uint64_t> traces;
    bool operator==(const Sum&) const = default;
  };
  using Key = std::tuple<uint64_t, std::string, std::string>;  // time, service, policy
  std::map<uint32_t, std::map<Key, Sum>> expected, found;      // by seconds of the resolution
  for (int i = 0; i < 5000; ++i) {
    const std::string service = "service " + std::to_string(random() % 3);
    const std::string policy = random() % 2 == 0 ? "errors" : "one-percent";
    const uint64_t second = kTestTime / 1'000'000'000 + random() % 200'000;  // more than two days
    const uint64_t trace = random() % 50, size = random() % 1000;
    const double count = static_cast<double>(1 + random() % 100);
    kept.Add({.service_name = service,
              .policy = policy,
              .start_unix_nanos = static_cast<int64_t>(second * 1'000'000'000),
              .message_bytes = size,
              .trace_hash = trace,
              .adjusted_count = count});
    for (const uint32_t resolution : kKeptResolutions) {
      Sum& sum = expected[resolution][{second / resolution * resolution, service, policy}];
      ++sum.spans;
      sum.bytes += size;
      sum.stand_for += count;
      sum.traces.insert(DistinctColumn::ElementOf(trace));
    }
  }
  std::vector<TableBlock> out;
  kept.Finish(3, out);
  EXPECT_GE(out.size(), 3u);
  for (const TableBlock& table : out) {
    EXPECT_EQ(table.table, kTable);
    EXPECT_EQ(table.numbered_rows, 1u);
    const NativeBlock rows = ReadNativeRows(table.native);
    for (uint64_t row = 0; row < rows.rows; ++row) {
      const uint64_t time = rows.At("Time", row).number;
      EXPECT_EQ(time / kSecondsOfDay, static_cast<uint64_t>(table.day));
      if (rows.At("Block", row).number != 0) continue;
      Sum& sum = found[static_cast<uint32_t>(rows.At("Seconds", row).number)]
                      [{time, rows.At("ServiceName", row).text, rows.At("SamplingPolicy", row).text}];
      EXPECT_EQ(sum.spans, 0u) << "a key has one row";
      sum = {rows.At("Spans", row).number, rows.At("Bytes", row).number, rows.At("StandFor", row).Double(), {}};
      for (const Cell& trace : rows.At("Traces", row).elements) EXPECT_TRUE(sum.traces.insert(trace.number).second);
    }
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(kept.bytes(), KeptSpans().bytes());
  out.clear();
  kept.Finish(4, out);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace sightline::otlp
