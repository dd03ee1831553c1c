// From a request to rows, as the program does it: scan, append, finish, read the Native blocks back.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "otlp/block_builder.h"
#include "otlp/scan.h"
#include "otlp/testing/native_reader.h"
#include "otlp/testing/requests.h"

namespace sightline::otlp::testing {

inline constexpr int64_t kReceived = static_cast<int64_t>(kTestTime) + 60'000'000'000;
inline constexpr int64_t kDayNanos = 86'400'000'000'000;

// Rows by table and day.
using Blocks = std::map<std::pair<std::string, int32_t>, NativeBlock>;

class BuilderFixture {
 public:
  explicit BuilderFixture(Signal signal, BlockBuilder::Options options = {})
      : signal_(signal), builder_(BlockBuilder::Create(signal, std::move(options))) {}

  void Add(const std::string& request, int64_t received = kReceived) {
    TimeRules times;
    times.received_unix_nanos = received;
    // The scan's own limits stay wide, so that what is cut is cut by the builder.
    auto scan = ScanRequest(signal_, request, Limits{}, times);
    ASSERT_TRUE(scan) << scan.error().message;
    for (const ItemRef& item : scan->items) builder_->Append(request, *scan, item, received);
  }

  Blocks Finish(uint64_t block = 1) {
    Blocks blocks;
    for (const TableBlock& written : builder_->Finish(block)) {
      NativeBlock rows = ReadNativeRows(written.native);
      EXPECT_EQ(rows.rows, written.rows);
      blocks[{std::string(written.table), written.day}] = std::move(rows);
    }
    return blocks;
  }

  BlockBuilder& builder() { return *builder_; }

 private:
  Signal signal_;
  std::unique_ptr<BlockBuilder> builder_;
};

// The rows of `table`, of which there must be one block.
inline const NativeBlock& Only(const Blocks& blocks, std::string_view table) {
  static const NativeBlock kNone;
  const NativeBlock* found = nullptr;
  for (const auto& [key, block] : blocks) {
    if (key.first != table) continue;
    EXPECT_EQ(found, nullptr) << "more than one day of " << table;
    found = &block;
  }
  EXPECT_NE(found, nullptr) << "no rows of " << table;
  return found == nullptr ? kNone : *found;
}

inline NativeBlock Rows(Signal signal, const std::string& request, std::string_view table,
                        BlockBuilder::Options options = {}) {
  BuilderFixture fixture(signal, std::move(options));
  fixture.Add(request);
  return Only(fixture.Finish(), table);
}

}  // namespace sightline::otlp::testing
