#include "otlp/attribute_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>

#include "otlp/testing/requests.h"

namespace sightline::otlp {
namespace {

using testing::Attribute;
using testing::BoolValue;
using testing::DoubleValue;
using testing::IntValue;
using testing::Pb;
using testing::StringValue;

std::string Double(double value) {
  char text[32];
  return {text, FormatDouble(value, text)};
}

struct Text {
  std::string text;
  char type;
  std::string marks;
};

Text TextOf(const Pb& any_value, uint32_t value_bytes_max = 1000) {
  TextMender mender({.value_bytes_max = value_bytes_max});
  Marks marks;
  const AttributeValue value = ReadAnyValue(any_value.bytes());
  std::string text(mender.TextOf(value, marks));
  return {std::move(text), value.type, marks.Names()};
}

TEST(FormatDouble, WritesTheShortestFormThatReadsBack) {
  EXPECT_EQ(Double(0), "0");
  EXPECT_EQ(Double(-0.0), "-0");
  EXPECT_EQ(Double(1), "1");
  EXPECT_EQ(Double(0.1), "0.1");
  EXPECT_EQ(Double(-2.5), "-2.5");
  EXPECT_EQ(Double(1e-6), "0.000001");
  EXPECT_EQ(Double(9.99e-7), "9.99e-7");
  EXPECT_EQ(Double(1e-10), "1e-10");
  EXPECT_EQ(Double(1e20), "100000000000000000000");
  EXPECT_EQ(Double(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(Double(-9007199254740993.0), "-9007199254740992");
  EXPECT_EQ(Double(1e21), "1e+21");
  EXPECT_EQ(Double(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(Double(5e-324), "5e-324");
  EXPECT_EQ(Double(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(Double(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(Double(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(TextMender, GivesEachKindOfValueItsTextAndLetter) {
  EXPECT_EQ(TextOf(StringValue("värde")).text, "värde");
  EXPECT_EQ(TextOf(StringValue("x")).type, 's');
  EXPECT_EQ(TextOf(StringValue("")).type, 's');
  EXPECT_EQ(TextOf(IntValue(INT64_MIN)).text, "-9223372036854775808");
  EXPECT_EQ(TextOf(IntValue(1)).type, 'i');
  EXPECT_EQ(TextOf(DoubleValue(2.5)).text, "2.5");
  EXPECT_EQ(TextOf(DoubleValue(2.5)).type, 'd');
  EXPECT_EQ(TextOf(BoolValue(true)).text, "true");
  EXPECT_EQ(TextOf(BoolValue(false)).text, "false");
  EXPECT_EQ(TextOf(BoolValue(false)).type, 'b');
  EXPECT_EQ(TextOf(Pb()).text, "");
  EXPECT_EQ(TextOf(Pb()).type, 'e');
  const Pb bytes = Pb().Bytes(field::any_value::kBytes, std::string_view("\0\1\xfe\xff", 4));
  EXPECT_EQ(TextOf(bytes).text, "AAH+/w==");
  EXPECT_EQ(TextOf(bytes).type, 'x');
}

TEST(TextMender, WritesArraysAndListsAsCompactJsonInTheirOrder) {
  const Pb bytes = Pb().Bytes(field::any_value::kBytes, "ab");
  Pb array;
  for (const Pb& value : {IntValue(1), StringValue("t\"w\n\x01"), BoolValue(true), DoubleValue(0.5), bytes, Pb(),
                          DoubleValue(std::numeric_limits<double>::infinity())}) {
    array.Message(field::array_value::kValues, value);
  }
  const Pb array_value = Pb().Message(field::any_value::kArray, array);
  EXPECT_EQ(TextOf(array_value).text, R"([1,"t\"w\n\u0001",true,0.5,"YWI=",null,"+Inf"])");
  EXPECT_EQ(TextOf(array_value).type, 'a');
  const Pb list = Pb().Message(
      field::any_value::kKvlist,
      Pb().Message(field::key_value_list::kValues, Attribute("z", array_value))
          .Message(field::key_value_list::kValues, Attribute("a", Pb().Message(field::any_value::kKvlist, Pb()))));
  EXPECT_EQ(TextOf(list).text, R"({"z":[1,"t\"w\n\u0001",true,0.5,"YWI=",null,"+Inf"],"a":{}})");
  EXPECT_EQ(TextOf(list).type, 'm');
  EXPECT_EQ(TextOf(Pb().Message(field::any_value::kArray, Pb())).text, "[]");
}

TEST(TextMender, TakesTheLastMemberOfAValue) {
  EXPECT_EQ(TextOf(Pb().Bytes(field::any_value::kString, "first").Uint(field::any_value::kInt, 2)).text, "2");
}

TEST(TextMender, ReplacesInvalidUtf8) {
  EXPECT_EQ(TextOf(StringValue("a\xff"
                               "b"))
                .text,
            "a\uFFFD"
            "b");
  EXPECT_EQ(TextOf(StringValue("a\xff"
                               "b"))
                .marks,
            "utf8");
  EXPECT_EQ(TextOf(StringValue("good \U0001F600 text")).marks, "");
  const Pb array =
      Pb().Message(field::any_value::kArray, Pb().Message(field::array_value::kValues, StringValue("\xc0\xaf")));
  EXPECT_EQ(TextOf(array).text, "[\"\uFFFD\uFFFD\"]");
  EXPECT_EQ(TextOf(array).marks, "utf8");
}

TEST(RepairUtf8, ReplacesEachPieceThatIsNoCharacter) {
  const std::pair<std::string, std::string> cases[] = {
      {"\x80", "\uFFFD"},
      {"\xe2\x82", "\uFFFD"},  // cut short: one piece
      {"\xe2\x82z", "\uFFFDz"},
      {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},  // a surrogate
      {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xf0\x9f\x98\x80\xf0\x9f", "\U0001F600\uFFFD"},
      {"\xc3\xa4\xc3", "ä\uFFFD"},
  };
  for (const auto& [bad, good] : cases) {
    std::string repaired;
    RepairUtf8(bad, repaired);
    EXPECT_EQ(repaired, good);
    EXPECT_FALSE(IsValidUtf8(bad));
    EXPECT_TRUE(IsValidUtf8(repaired));
  }
}

TEST(IsValidUtf8, LooksAtEveryByteOfEveryLength) {
  for (size_t size = 1; size <= 40; ++size) {
    const std::string ascii(size, 'a');
    EXPECT_TRUE(IsValidUtf8(ascii));
    for (size_t i = 0; i < size; ++i) {
      std::string bad = ascii;
      bad[i] = '\xff';
      EXPECT_FALSE(IsValidUtf8(bad)) << size << " " << i;
    }
  }
}

TEST(TextMender, CutsAtTheEndOfACharacter) {
  EXPECT_EQ(TextOf(StringValue("abcdef"), 4).text, "abcd");
  EXPECT_EQ(TextOf(StringValue("abcdef"), 4).marks, "value_cut");
  EXPECT_EQ(TextOf(StringValue("abcd"), 4).marks, "");
  EXPECT_EQ(TextOf(StringValue("abc€"), 4).text, "abc");
  EXPECT_EQ(TextOf(StringValue("ab\xff"
                               "cdef"),
                   4)
                .marks,
            "utf8,value_cut");
  EXPECT_EQ(TextOf(Pb().Bytes(field::any_value::kBytes, "abcdef"), 3).text, "YWJj");
  const Pb array =
      Pb().Message(field::any_value::kArray, Pb().Message(field::array_value::kValues, StringValue("abcdef")));
  EXPECT_EQ(TextOf(array, 4).text, "[\"ab");
  EXPECT_EQ(TextOf(array, 4).marks, "value_cut");
}

TEST(TextMender, NamesHaveALimitOfTheirOwn) {
  TextMender mender({.value_bytes_max = 8, .name_bytes_max = 4});
  Marks marks;
  EXPECT_EQ(mender.CleanName("abcd", marks), "abcd");
  EXPECT_EQ(marks.Names(), "");
  EXPECT_EQ(mender.CleanName("abc\u20ac", marks), "abc");
  EXPECT_EQ(marks.Names(), "value_cut");
  EXPECT_EQ(mender.Clean("abc\u20ac", marks), "abc\u20ac");
}

}  // namespace
}  // namespace sightline::otlp
