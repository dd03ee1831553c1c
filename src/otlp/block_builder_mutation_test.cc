// The promise between the scan and the builder: what the scan accepts, the builder stores, whatever the bytes are.
// Recorded requests with bytes changed at random (seeded), so that most faults lie deep inside valid messages.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "otlp/attribute_text.h"
#include "otlp/testing/blocks.h"
#include "otlp/testing/samples.h"

namespace sightline::otlp {
namespace {

using namespace testing;

constexpr size_t kRequestBytesMax = 100'000;  // larger samples would take most of the time and show nothing more

void Mutate(std::string& bytes, std::mt19937_64& random) {
  const size_t changes = 1 + random() % 4;
  for (size_t i = 0; i < changes; ++i) {
    const size_t at = random() % bytes.size();
    switch (random() % 3) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(static_cast<uint8_t>(bytes[at]) ^ 1u << (random() % 8));
        break;
      default:
        bytes[at] = '\xff';
        break;
    }
  }
}

void ExpectAllTextIsValid(const Cell& cell) {
  ASSERT_TRUE(IsValidUtf8(cell.text));
  for (const Cell& element : cell.elements) ExpectAllTextIsValid(element);
}

// Rows of data tables, which are as many as the items; every String in them valid UTF-8.
uint64_t CheckedRows(const Blocks& blocks) {
  uint64_t rows = 0;
  for (const auto& [key, block] : blocks) {
    const bool is_derived = key.first.ends_with("_rollups") || key.first == "predictions";
    if (key.second != kNoDay && !is_derived) rows += block.rows;
    for (const NativeColumn& column : block.columns) {
      if (column.type.find("FixedString") != std::string::npos) continue;
      for (const Cell& cell : column.cells) ExpectAllTextIsValid(cell);
    }
  }
  return rows;
}

TEST(BlockBuilder, StoresWhateverTheScanAccepts) {
  std::mt19937_64 random(20261122);
  uint64_t accepted = 0, refused = 0;
  for (const Sample& sample : SdkSamples()) {
    if (sample.json || sample.bytes.size() > kRequestBytesMax) continue;
    for (int round = 0; round < 30; ++round) {
      std::string request = sample.bytes;
      Mutate(request, random);
      const auto scan = ScanRequest(sample.signal, request, Limits{}, TimeRules{.received_unix_nanos = kReceived});
      if (!scan) {
        ++refused;
        continue;
      }
      ++accepted;
      BuilderFixture fixture(sample.signal);
      for (const ItemRef& item : scan->items) fixture.builder().Append(request, *scan, item, kReceived);
      ASSERT_EQ(fixture.builder().rows(), scan->items_accepted) << sample.file << " round " << round;
      ASSERT_EQ(CheckedRows(fixture.Finish()), scan->items_accepted) << sample.file << " round " << round;
    }
  }
  EXPECT_GT(accepted, 300u);
  EXPECT_GT(refused, 50u);
}

}  // namespace
}  // namespace sightline::otlp
