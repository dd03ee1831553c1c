#include "otlp/columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "otlp/testing/native_reader.h"

namespace sightline::otlp {
namespace {

using ::testing::ElementsAre;
using testing::NativeBlock;
using testing::ReadNative;
using testing::ReadNativeRows;

std::string Written(const std::vector<NamedColumn>& columns, uint64_t rows) {
  std::string bytes;
  WriteBlock(columns, rows, bytes);
  return bytes;
}

template <typename T>
std::string Bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(Columns, WriteTheBytesThatClickHouseWrites) {
  NumberColumn<uint32_t> numbers;
  StringColumn strings;
  LowCardinalityColumn low;
  numbers.Append(7);
  numbers.Append(8);
  strings.Append("ab");
  strings.Append("");
  low.Append("x");
  low.Append("x");
  const std::string expected = std::string("\3\2") + "\1n\6UInt32" + Bytes<uint32_t>(7) + Bytes<uint32_t>(8) +
                               "\1s\6String" + std::string("\2ab\0", 4) + "\1l\26LowCardinality(String)" +
                               Bytes<uint64_t>(1) +                            // version of the keys
                               Bytes<uint64_t>(0x600) +                        // keys follow, numbers of one byte
                               Bytes<uint64_t>(2) + std::string("\0\1x", 3) +  // '' and 'x'
                               Bytes<uint64_t>(2) + "\1\1";
  EXPECT_EQ(Written({{"n", "UInt32", &numbers}, {"s", "String", &strings}, {"l", "LowCardinality(String)", &low}}, 2),
            expected);
}

TEST(Columns, PutThePrefixOfLowCardinalityBeforeTheOffsetsAroundIt) {
  ArrayColumn<MapColumn> maps;
  maps.elements().keys().Append("k");
  maps.elements().values().Append("v");
  maps.elements().Close(0);
  maps.Close(0);
  const std::string written = Written({{"m", "Array(Map(LowCardinality(String), String))", &maps}}, 1);
  const std::string data = written.substr(2 + 2 + 1 + 42);
  EXPECT_EQ(data, Bytes<uint64_t>(1) +      // prefix
                      Bytes<uint64_t>(1) +  // ends of the array
                      Bytes<uint64_t>(1) +  // ends of the maps
                      Bytes<uint64_t>(0x600) + Bytes<uint64_t>(2) + std::string("\0\1k", 3) + Bytes<uint64_t>(1) +
                      "\1" + "\1v");
}

TEST(Columns, PadRowsThatGotNoValue) {
  NumberColumn<int64_t> numbers;
  StringColumn strings;
  LowCardinalityColumn low;
  FixedStringColumn<8> fixed;
  MapColumn map;
  numbers.Set(2, -5);
  strings.Set(1, "one");
  low.Set(3, "three");
  fixed.Set(1, "12345678");
  map.keys().Append("k");
  map.values().Append("v");
  map.Close(2);
  const NativeBlock block = ReadNativeRows(Written({{"n", "Int64", &numbers},
                                                    {"s", "String", &strings},
                                                    {"l", "LowCardinality(String)", &low},
                                                    {"f", "FixedString(8)", &fixed},
                                                    {"m", "Map(LowCardinality(String), String)", &map}},
                                                   5));
  ASSERT_EQ(block.rows, 5u);
  for (uint64_t row = 0; row < 5; ++row) {
    EXPECT_EQ(block.At("n", row).Int(), row == 2 ? -5 : 0);
    EXPECT_EQ(block.At("s", row).text, row == 1 ? "one" : "");
    EXPECT_EQ(block.At("l", row).text, row == 3 ? "three" : "");
    EXPECT_EQ(block.At("f", row).text, row == 1 ? "12345678" : std::string(8, '\0'));
    EXPECT_EQ(block.At("m", row).Entry("k"), row == 2 ? "v" : "(none)");
  }
}

TEST(Columns, TakeAFixedStringOfAnotherLengthForNone) {
  FixedStringColumn<8> fixed;
  fixed.Set(0, "short");
  fixed.Set(1, "12345678");
  const NativeBlock block = ReadNativeRows(Written({{"f", "FixedString(8)", &fixed}}, 2));
  EXPECT_EQ(block.At("f", 0).text, std::string(8, '\0'));
  EXPECT_EQ(block.At("f", 1).text, "12345678");
}

TEST(Columns, WidenTheNumbersOfLowCardinalityAsTheDictionaryGrows) {
  for (const uint32_t distinct : {255u, 256u, 65'535u, 65'536u}) {
    LowCardinalityColumn low;
    for (uint32_t i = 0; i < distinct; ++i) low.Append("text " + std::to_string(i));
    low.Append("text 0");
    const NativeBlock block = ReadNativeRows(Written({{"l", "LowCardinality(String)", &low}}, distinct + 1));
    for (uint32_t i = 0; i < distinct; ++i) ASSERT_EQ(block.At("l", i).text, "text " + std::to_string(i));
    EXPECT_EQ(block.At("l", distinct).text, "text 0");
  }
}

TEST(Columns, ShareOffsetsAmongTheColumnsOfANested) {
  Offsets offsets;
  ArrayColumn<NumberColumn<uint32_t>> numbers(&offsets);
  ArrayColumn<StringColumn> strings(&offsets);
  numbers.elements().Append(1);
  numbers.elements().Append(2);
  strings.elements().Set(1, "second");
  offsets.Close(1, 2);
  const NativeBlock block =
      ReadNativeRows(Written({{"n.a", "Array(UInt32)", &numbers}, {"n.b", "Array(String)", &strings}}, 3));
  EXPECT_TRUE(block.At("n.a", 0).elements.empty());
  EXPECT_EQ(block.At("n.a", 1).elements[1].number, 2u);
  EXPECT_THAT(block.At("n.b", 1).Texts(), ElementsAre("", "second"));
  EXPECT_TRUE(block.At("n.b", 2).elements.empty());
}

TEST(Columns, AreEmptyAfterClearAndCanBeFilledAgain) {
  LowCardinalityColumn low;
  ConstantColumn<uint64_t> constant;
  const std::vector<NamedColumn> columns = {{"l", "LowCardinality(String)", &low}, {"c", "UInt64", &constant}};
  low.Append("old");
  constant.set_value(3);
  EXPECT_EQ(ReadNativeRows(Written(columns, 1)).At("c", 0).number, 3u);
  ClearColumns(columns);
  EXPECT_TRUE(ReadNative(Written(columns, 0)).empty());
  low.Append("new");
  const NativeBlock block = ReadNativeRows(Written(columns, 2));
  EXPECT_EQ(block.At("l", 0).text, "new");
  EXPECT_EQ(block.At("l", 1).text, "");
}

TEST(Interner, GivesEachTextOneNumberAndTheEmptyTextNumberZero) {
  Interner interner;
  std::vector<uint32_t> numbers;
  for (int i = 0; i < 10'000; ++i) numbers.push_back(interner.Intern("key " + std::to_string(i)));
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = "key " + std::to_string(i);
    ASSERT_EQ(interner.Intern(text), numbers[i]);
    ASSERT_EQ(interner.Find(text, HashText(text)), numbers[i]);
    ASSERT_EQ(interner.at(numbers[i]), text);
  }
  EXPECT_EQ(interner.Intern(""), 0u);
  EXPECT_EQ(interner.Find("absent", HashText("absent")), Interner::kAbsent);
  EXPECT_EQ(interner.size(), 10'001u);
}

}  // namespace
}  // namespace sightline::otlp
