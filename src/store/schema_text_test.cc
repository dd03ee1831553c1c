#include "store/schema_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sightline::store {
namespace {

using ::testing::ElementsAre;

TEST(SchemaText, FillsPlaceholdersAndSplitsStatements) {
  const std::string text =
      "-- a comment; with {braces}\n"
      "DEFINE id(x) AS hex({x});\n"
      "DEFINE two AS {id:a}, {id:b};\n"
      "SELECT {two} FROM {db}.t; -- the first\n"
      "SELECT 1;\n";
  EXPECT_THAT(RenderStatements(text, {{"db", "d"}}), ElementsAre("SELECT hex(a), hex(b) FROM d.t", "SELECT 1"));
}

TEST(SchemaText, HotColumnsTellTheirAttribute) {
  using Type = otlp::HotAttribute::Type;
  for (const otlp::HotAttribute& attribute :
       {otlp::HotAttribute{"http.route"}, otlp::HotAttribute{"n", Type::kInt, true},
        otlp::HotAttribute{"d", Type::kDouble}, otlp::HotAttribute{"b", Type::kBool}}) {
    auto back = HotAttributeOf(HotColumnName(attribute.key), HotColumnType(attribute), HotColumnComment(attribute));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->key, attribute.key);
    EXPECT_EQ(back->type, attribute.type);
    EXPECT_EQ(back->high_cardinality, attribute.high_cardinality);
  }
  EXPECT_FALSE(HotAttributeOf("SpanName", "String", ""));
}

TEST(SchemaText, KeysAreQuoted) {
  EXPECT_EQ(HotColumnDefinition({"it's`odd"}),
            R"(`a.it's\`odd` LowCardinality(String) COMMENT 'hot attribute: string')");
}

}  // namespace
}  // namespace sightline::store
