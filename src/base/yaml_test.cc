#include "base/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sightline {
namespace {

using testing::HasSubstr;

TEST(ParseYaml, RemembersLinesAndColumns) {
  const auto root = ParseYaml("a: 1\nb:\n  - x\n  - c: \"two words\"\n");
  ASSERT_TRUE(root.has_value()) << root.error().message;
  ASSERT_EQ(root->kind, YamlNode::Kind::kMap);
  const YamlNode* a = root->Find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->scalar, "1");
  EXPECT_EQ(a->line, 1);
  EXPECT_EQ(a->column, 4);
  EXPECT_EQ(a->key_column, 1);
  const YamlNode* b = root->Find("b");
  ASSERT_NE(b, nullptr);
  ASSERT_EQ(b->children.size(), 2u);
  const YamlNode* c = b->children[1].Find("c");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->scalar, "two words");
  EXPECT_EQ(c->key_line, 4);
  EXPECT_EQ(c->key_column, 5);
  EXPECT_EQ(root->Find("z"), nullptr);
}

TEST(ParseYaml, EmptyTextAndEmptyValuesAreNull) {
  EXPECT_EQ(ParseYaml("")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(ParseYaml("# only a comment\n")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(ParseYaml("a:\n")->Find("a")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(ParseYaml("a: \"null\"\n")->Find("a")->kind, YamlNode::Kind::kScalar);
}

TEST(ParseYaml, ResolvesAliases) {
  const auto root = ParseYaml("a: &x [1, 2]\nb: *x\n");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(YamlFlow(*root), "{a: [1, 2], b: [1, 2]}");
}

TEST(ParseYaml, FaultsSayWhere) {
  const struct {
    std::string_view text;
    int line;
    std::string_view message;
  } cases[] = {
      {"a: 1\nb: [1, 2\n", 3, "not valid YAML"},   {"a: 1\n b: 2\n", 2, "not valid YAML"},
      {"a: 1\na: 2\n", 2, "\"a\" is given twice"}, {"? [x]\n: 1\n", 1, "a key must be"},
      {"a: 1\n---\nb: 2\n", 3, "second document"}, {"a: *nowhere\n", 1, "not valid YAML"},
  };
  for (const auto& c : cases) {
    const auto root = ParseYaml(c.text);
    ASSERT_FALSE(root.has_value()) << c.text;
    EXPECT_EQ(root.error().line, c.line) << c.text << root.error().message;
    EXPECT_THAT(root.error().message, HasSubstr(c.message)) << c.text;
  }
}

TEST(ParseYaml, GarbageEnds) {
  for (const char* text : {",", ", {{{{{[[[[[[[", "]", "}", "{:", "[:", "- !+(.,.)", "&", "*", "? ,", "a: ,\n,"}) {
    EXPECT_FALSE(ParseYaml(text)) << text;
  }
}

TEST(ParseYaml, AliasesCannotExplode) {
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int n = 0; n < 10; ++n) bomb += (n == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  const auto root = ParseYaml(bomb);
  ASSERT_FALSE(root.has_value());
  EXPECT_THAT(root.error().message, HasSubstr("more than 100000 values"));
}

TEST(ParseYaml, DepthAndSizeAreBounded) {
  const auto deep = ParseYaml(std::string(100, '[') + std::string(100, ']'));
  ASSERT_FALSE(deep.has_value());
  EXPECT_THAT(deep.error().message, HasSubstr("nested deeper than 64"));
  EXPECT_FALSE(ParseYaml(std::string(100'000, '[')).has_value());
  EXPECT_FALSE(ParseYaml(std::string(5 << 20, 'a')).has_value());
  EXPECT_FALSE(ParseYaml("a: &a [*a]").has_value());
}

TEST(YamlScalar, ReadsBackAsTheSameText) {
  for (const std::string text : {"plain",  "127.0.0.1:4317",
                                 "./data", "",
                                 "true",   "null",
                                 "~",      "a: b",
                                 "a #b",   "- x",
                                 "*",      "&a",
                                 "!t",     "{",
                                 "[x",     "x]",
                                 "a,b",    "end:",
                                 "\n",     "é",
                                 "\x01",   "\"",
                                 "'q'",    "%x",
                                 "@x",     "http://a/b?c=d",
                                 "1e5",    " lead",
                                 "trail "}) {
    const auto root = ParseYaml("[" + YamlScalar(text) + "]");
    ASSERT_TRUE(root.has_value()) << text << ": " << root.error().message;
    ASSERT_EQ(root->children.size(), 1u) << text;
    EXPECT_EQ(root->children[0].kind, YamlNode::Kind::kScalar) << text;
    EXPECT_EQ(root->children[0].scalar, text);
  }
}

TEST(Yaml, BecomesJsonWithTheTypesThatAreWritten) {
  const struct {
    const char *yaml, *json;
  } cases[] = {
      {"a: 1\nb: [true, null, ~, -0.5e3]", R"({"a":1,"b":[true,null,null,-0.5e3]})"},
      {"a: '1'\nb: \"true\"\nc: 1h\nd: 007\ne: 1.", R"({"a":"1","b":"true","c":"1h","d":"007","e":"1."})"},
      {"a: |\n  1\n", R"({"a":"1\n"})"},
      {"{ \"a\\\"b\": {} }", R"({"a\"b":{}})"},
      {"", "null"},
  };
  for (const auto& [yaml, json] : cases) {
    const auto node = ParseYaml(yaml);
    ASSERT_TRUE(node) << yaml << ": " << node.error().message;
    EXPECT_EQ(YamlJson(*node), json) << yaml;
  }
}

}  // namespace
}  // namespace sightline
