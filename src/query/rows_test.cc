// The reader of rows alone: a store that hands out given bytes, in pieces of any size.
#include "query/rows.h"

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
    EXPECT_EQ(options.format, "RowBinary");
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

struct Row {
  std::string id;
  int64_t number = 0;
  std::vector<std::string> texts;
  std::vector<uint32_t> counts;
  bool operator==(const Row&) const = default;
};

std::vector<Row> ReadAll(const std::string& bytes, size_t piece, Result<store::QueryStats>& outcome) {
  BytesInPieces store(bytes, piece);
  std::vector<Row> rows;
  outcome = ForEachRow(store, "SELECT", {}, [&](RowReader& reader) {
    Row row;
    row.id = reader.Hex(2);
    row.number = reader.Number<int64_t>();
    row.texts = reader.Texts();
    row.counts = reader.Numbers<uint32_t>();
    rows.push_back(std::move(row));
  });
  return rows;
}

// Two rows; the second has a text whose length takes two bytes.
const std::string& TwoRows() {
  using std::string_literals::operator""s;
  static const std::string bytes = "\xab\x01"s + std::string(8, '\xff') + "\x02\x01"s + "a\x00\x01\x07\x00\x00\x00"s +
                                   "\x00\x02"s + std::string("\x05\0\0\0\0\0\0\0", 8) + "\x01\xc8\x01"s +
                                   std::string(200, 'x') + "\x00"s;
  return bytes;
}

TEST(Rows, ReadTheSameHoweverTheAnswerIsCut) {
  const std::vector<Row> expected = {{"ab01", -1, {"a", ""}, {7}}, {"0002", 5, {std::string(200, 'x')}, {}}};
  for (size_t piece = 1; piece <= TwoRows().size(); ++piece) {
    Result<store::QueryStats> outcome;
    EXPECT_EQ(ReadAll(TwoRows(), piece, outcome), expected) << "pieces of " << piece;
    EXPECT_TRUE(outcome) << outcome.error().message;
  }
}

TEST(Rows, AnAnswerThatEndsWithinARowIsAnError) {
  for (size_t cut = 1; cut < TwoRows().size(); ++cut) {
    Result<store::QueryStats> outcome;
    const auto rows = ReadAll(TwoRows().substr(0, cut), 7, outcome);
    const bool whole = cut == 19;  // exactly the first row
    EXPECT_EQ(outcome.has_value(), whole) << cut;
    if (!outcome) EXPECT_EQ(outcome.error().code, Code::kInternal);
    EXPECT_EQ(rows.size(), cut < 19 ? 0u : 1u) << cut;
  }
}

TEST(Rows, ALengthBeyondAllSizesIsNoRow) {
  Result<store::QueryStats> outcome;
  ReadAll(std::string(10, '\0') + std::string(12, '\xff'), 4, outcome);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::kInternal);
}

}  // namespace
}  // namespace sightline::query
