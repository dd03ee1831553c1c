// The reader of columns alone: a store that hands out given bytes, in pieces of any size.
#include "query/columns.h"

#include <gtest/gtest.h>

#include <utility>

namespace sightline::query {
namespace {

class BytesInPieces final : public store::ClickHouse {
 public:
  BytesInPieces(std::string bytes, size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}

  Result<void> Execute(const std::string&, const store::QueryOptions&) override { return {}; }
  Result<store::QueryStats> Query(const std::string&, const store::QueryOptions& options,
                                  const std::function<bool(std::string_view piece)>& sink,
                                  store::Cancellation*) override {
    EXPECT_EQ(options.format, "Native");
    for (size_t at = 0; at < bytes_.size(); at += piece_) {
      if (!sink(std::string_view(bytes_).substr(at, piece_))) return Fail(Code::kCancelled, "stopped");
    }
    return store::QueryStats();
  }
  Result<void> InsertNative(const std::string&, const std::vector<std::string>&, std::string_view,
                            const std::string&) override {
    return {};
  }
  Result<std::string> Version() override { return std::string("0"); }

 private:
  const std::string bytes_;
  const size_t piece_;
};

using Rows = std::vector<std::pair<uint64_t, double>>;

std::string Text(std::string_view text) {
  return static_cast<char>(text.size()) + std::string(text);
}
template <typename T>
std::string Bytes(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}
std::string Block(const Rows& rows, std::string_view second = "Float64") {
  std::string block = {2, static_cast<char>(rows.size())};
  block += Text("Id") + Text("UInt64");
  for (const auto& [id, value] : rows) block += Bytes(id);
  block += Text("Value") + Text(second);
  for (const auto& [id, value] : rows) block += Bytes(value);
  return block;
}

Result<Rows> Read(const std::string& bytes, size_t piece) {
  BytesInPieces store(bytes, piece);
  Rows rows;
  auto stats = ForEachBlock(store, "SELECT", 2, {}, [&](const NumberBlock& block) {
    for (size_t row = 0; row < block.rows(); ++row)
      rows.emplace_back(block.At<uint64_t>(0, row), block.At<double>(1, row));
  });
  if (!stats) return std::unexpected(stats.error());
  return rows;
}

TEST(ColumnsTest, BlocksComeWholeFromPiecesOfAnySize) {
  const Rows rows = {{1, 0.5}, {UINT64_MAX, -1e300}, {3, 7}};
  const std::string bytes = Block({}) + Block({rows[0], rows[1]}) + Block({rows[2]});
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto read = Read(bytes, piece);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, rows) << "pieces of " << piece;
  }
}

TEST(ColumnsTest, AnswersOfAnotherShapeAreFaults) {
  const auto fault = [](const std::string& bytes) {
    const auto read = Read(bytes, 5);
    EXPECT_FALSE(read);
    return read ? Error() : read.error();
  };
  EXPECT_EQ(fault(Block({{1, 2}}, "String")).code, Code::kInternal);
  EXPECT_NE(fault(Block({{1, 2}}, "String")).message.find("Value is of the type String"), std::string::npos);
  EXPECT_NE(fault("\x03\x01").message.find("3 columns instead of 2"), std::string::npos);
  const std::string block = Block({{1, 2}, {3, 4}});
  EXPECT_NE(fault(block.substr(0, block.size() - 1)).message.find("no end"), std::string::npos);
  EXPECT_NE(fault(Text("")).message.find("no end"), std::string::npos);
}

}  // namespace
}  // namespace sightline::query
