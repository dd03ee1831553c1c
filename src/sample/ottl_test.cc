#include "sample/ottl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample/testing/policies.h"

namespace sightline::sample {
namespace {

using namespace testing;
using ::testing::HasSubstr;

std::string Policy(std::string_view list, std::string_view condition, std::string_view mode) {
  std::string quoted;
  for (const char c : condition) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return fmt::format("- {{name: o, type: ottl_condition, ottl_condition: {{error_mode: {}, {}: ['{}']}}}}", mode, list,
                     quoted);
}

TestSpan Span() {
  return TestSpan("GET /users")
      .Root()
      .Kind(2)
      .Status(2, "it broke")
      .Times(100, 1350)
      .Flags(0x101)
      .With("text", StringValue("abc"))
      .With("int", IntValue(42))
      .With("real", DoubleValue(1.5))
      .With("yes", BoolValue(true))
      .With("digits", StringValue("17"))
      .With("list", Pb().Message(field::any_value::kArray, Pb().Message(field::array_value::kValues, IntValue(1))
                                                               .Message(field::array_value::kValues, IntValue(2))));
}

enum class Wanted { kYes, kNo, kError };

struct Case {
  std::string_view condition;
  Wanted wanted;
};

constexpr Wanted kYes = Wanted::kYes, kNo = Wanted::kNo, kError = Wanted::kError;

const Case kCases[] = {
    {R"(attributes["text"] == "abc")", kYes},
    {R"(attributes["text"] == "abd")", kNo},
    {R"(attributes["text"] != "abd")", kYes},
    {R"(span.attributes["int"] >= 42)", kYes},
    {R"(attributes["int"] > 42)", kNo},
    {R"(attributes["int"] < 42.5)", kYes},
    {R"(attributes["real"] == 1.5)", kYes},
    {R"(attributes["real"] < 2)", kYes},
    {R"(attributes["yes"] == true)", kYes},
    {R"(attributes["text"] < "abd")", kYes},
    // Kinds that differ are unequal and in no order.
    {R"(attributes["digits"] == 17)", kNo},
    {R"(attributes["digits"] != 17)", kYes},
    {R"(attributes["digits"] < 18)", kNo},
    // What is not there is nil.
    {R"(attributes["none"] == nil)", kYes},
    {R"(attributes["none"] != nil)", kNo},
    {R"(attributes["int"] != nil)", kYes},
    {R"(attributes["none"] == "a")", kNo},
    {R"(attributes["none"] != "a")", kYes},
    {R"(attributes["none"] < 5)", kNo},
    {R"(nil <= nil)", kYes},
    {R"(resource.attributes["service.name"] == "checkout")", kYes},
    {R"(resource.attributes["none"] == nil)", kYes},
    {R"(name == "GET /users" and kind == 2)", kYes},
    {R"(span.name == "GET /users" and span.kind == SPAN_KIND_SERVER)", kYes},
    {R"(kind.string == "Server" and kind.deprecated_string == "SPAN_KIND_SERVER")", kYes},
    {R"(status.code == STATUS_CODE_ERROR)", kYes},
    {R"(status.code == STATUS_CODE_OK or status.message == "it broke")", kYes},
    {R"(end_time_unix_nano - start_time_unix_nano > 1000000000)", kYes},
    {R"(end_time_unix_nano - start_time_unix_nano > 1250 * 1000 * 1000)", kNo},
    {R"(end_time - start_time == Duration("1250ms"))", kYes},
    {R"(end_time - start_time > Duration("1.3s"))", kNo},
    {R"(Milliseconds(end_time - start_time) == 1250)", kYes},
    {R"(Seconds(end_time - start_time) == 1.25)", kYes},
    {R"(UnixMilli(end_time) - UnixMilli(start_time) == 1250)", kYes},
    {R"(start_time + Duration("1h") > end_time)", kYes},
    {R"(flags == 257)", kYes},
    {R"(trace_state["vendor"] == "x")", kYes},
    {R"(trace_state == "vendor=x")", kYes},
    {R"(trace_id.string == "0000000000000000000000000000abcd")", kYes},
    {R"(trace_id == TraceID(0x0000000000000000000000000000abcd))", kYes},
    {R"(parent_span_id == SpanID(0x0000000000000000))", kYes},
    {R"(parent_span_id.string == "")", kYes},
    {"IsRootSpan()", kYes},
    {"not IsRootSpan()", kNo},
    {"true", kYes},
    {"false", kNo},
    {"not false", kYes},
    {"not not true", kYes},
    {R"(IsMatch(name, "^GET /us.rs$"))", kYes},
    {R"(IsMatch(name, "sers"))", kYes},
    {R"(IsMatch(attributes["int"], "^4\\d$"))", kYes},
    {R"(IsMatch(attributes["none"], ".*"))", kNo},
    {R"(IsMatch(attributes["list"], ".*"))", kError},
    {R"(HasPrefix(name, "GET "))", kYes},
    {R"(HasSuffix(name, "/users"))", kYes},
    {R"(HasSuffix(name, "/user"))", kNo},
    {R"(HasPrefix(attributes["none"], "a"))", kError},
    {R"(HasPrefix(attributes["int"], "4"))", kError},
    {R"(IsString(attributes["text"]) and IsInt(attributes["int"]) and IsDouble(attributes["real"]))", kYes},
    {R"(IsBool(attributes["yes"]) and IsList(attributes["list"]) and not IsMap(attributes["list"]))", kYes},
    {R"(Int(attributes["digits"]) == 17)", kYes},
    {R"(Int(attributes["text"]) == nil)", kYes},
    {R"(Int(attributes["real"]) == 1)", kYes},
    {R"(Double(attributes["int"]) / 4 == 10.5)", kYes},
    {R"(attributes["int"] / 4 == 10)", kYes},
    {R"(attributes["int"] / 0 == 10)", kError},
    {R"(attributes["none"] + 1 == 2)", kError},
    {R"(String(attributes["int"]) == "42")", kYes},
    {R"(Len(attributes["text"]) == 3 and Len(attributes["list"]) == 2)", kYes},
    {R"(Len(attributes["none"]) == 0)", kError},
    {R"(ToLowerCase(name) == "get /users")", kYes},
    {R"(ToUpperCase(attributes["text"]) == "ABC")", kYes},
    {R"(Substring(name, 0, 3) == "GET")", kYes},
    {R"(Substring(name, 0, 300) == "GET")", kError},
    // Precedence: not, and, or; * before +.
    {R"(true or false and false)", kYes},
    {R"((true or false) and false)", kNo},
    {R"(not false and false)", kNo},
    {R"(1 + 2 * 3 == 7)", kYes},
    {R"((1 + 2) * 3 == 9)", kYes},
    {R"(10 - 3 - 2 == 5)", kYes},
    {R"(-attributes["int"] == -42)", kYes},
    {R"(1.5e3 == 1500)", kYes},
    {R"(((((attributes["int"] == 42)))))", kYes},
    // The left side is enough.
    {R"(true or HasPrefix(attributes["none"], "a"))", kYes},
    {R"(false and HasPrefix(attributes["none"], "a"))", kNo},
    {R"(not HasPrefix(attributes["none"], "a"))", kError},
};

std::vector<TestBatch> Trace(TestSpan span) {
  span.Add(field::span::kTraceId, std::string(14, '\0') + "\xab\xcd").Add(field::span::kTraceState, "vendor=x");
  return {{TestResource("checkout"), {span}}};
}

TEST(Ottl, AnswersAsTheCollector) {
  for (const Case& test : kCases) {
    TestPolicies policies(Policy("span", test.condition, "propagate"));
    EXPECT_EQ(policies.Keeps(Trace(Span())), test.wanted == kYes) << test.condition;
    EXPECT_EQ(policies.state().counters()[0].errors, test.wanted == kError) << test.condition;
    // Other modes: what fails is no match.
    for (const std::string_view mode : {"ignore", "silent", "''"}) {
      TestPolicies quiet(Policy("span", test.condition, mode));
      EXPECT_EQ(quiet.Keeps(Trace(Span())), test.wanted == kYes) << test.condition;
      EXPECT_EQ(quiet.state().counters()[0].errors, 0) << test.condition;
    }
  }
}

TEST(Ottl, ConditionsAreJoinedByOrAcrossSpansAndEvents) {
  TestPolicies policies(R"(
- name: o
  type: ottl_condition
  ottl_condition:
    error_mode: ignore
    span:
      - HasPrefix(attributes["none"], "a")
      - span.attributes["http.status_code"] >= 500
      - resource.attributes["service.name"] == "checkout"
    spanevent:
      - spanevent.name == "exception"
      - attributes["k"] == "v" and span.name == "b"
)");
  EXPECT_TRUE(policies.set().Needs().events);
  EXPECT_FALSE(policies.Keeps(TestSpan()));
  EXPECT_TRUE(policies.Keeps(TestSpan().With("http.status_code", IntValue(503))));
  EXPECT_TRUE(policies.Keeps({{TestResource("checkout"), {TestSpan()}}}));
  EXPECT_TRUE(policies.Keeps({{{}, {TestSpan(), TestSpan().Event("log").Event("exception")}}}));
  EXPECT_FALSE(policies.Keeps(TestSpan().Event("log")));
  const Pb value = Pb().Message(field::event::kAttributes, Attribute("k", StringValue("v")));
  EXPECT_TRUE(policies.Keeps(TestSpan("b").Event("log").Event("log", value)));
  EXPECT_FALSE(policies.Keeps(TestSpan("c").Event("log", value)));
  // An attribute of one event is not the next one's.
  EXPECT_FALSE(policies.Keeps(TestSpan("c").Event("log", value).Event("log")));
}

TEST(Ottl, SaysWhereAConditionIsWrong) {
  const std::pair<std::string_view, std::string_view> kWrong[] = {
      {"", "expected a value at 1, found the end"},
      {"attributes[\"a\"]", "expected a condition"},
      {"attributes[\"a\"] ==", "expected a value at 19, found the end"},
      {"attributes[\"a\"] = 1", "unexpected character '=' at 17"},
      {"attributes[a] == 1", "expected a key in quotes"},
      {"attributes[\"a\"][\"b\"] == 1", "values inside of values"},
      {"attributes == nil", "unknown path \"attributes\""},
      {"nme == \"a\"", "unknown path \"nme\" at 1; known are attributes[\"...\"], resource.attributes[\"...\"], name"},
      {"Frobnicate(name)", "unknown function or enum \"Frobnicate\" at 1"},
      {"IsMatch(name)", "IsMatch takes 2 arguments, not 1"},
      {"IsMatch(name, name)", "must be a text"},
      {"IsMatch(name, \"(\")", "invalid regular expression"},
      {"name == \"a", "has no end"},
      {"(name == \"a\"", "expected \")\""},
      {"name == \"a\")", "expected the end"},
      {"name == \"a\" and kind", "expected a condition"},
      {"(name == \"a\") == true", "expected a value"},
      {"1 == 1 == 1", "expected the end"},
      {"99999999999999999999 == 1", "beyond 64 bits"},
      {"Duration(\"1 parsec\") == nil", "parsec"},
      {"spanevent.name == \"a\"", "unknown path"},
  };
  for (const auto& [condition, message] : kWrong) {
    KeyTable span_keys, resource_keys;
    const auto compiled = CompileOttlCondition({.span = {std::string(condition)}}, span_keys, resource_keys);
    ASSERT_FALSE(compiled) << condition;
    EXPECT_THAT(compiled.error().message, HasSubstr(std::string(message))) << condition;
  }
}

TEST(Ottl, BoundsWhatAConditionMayBe) {
  KeyTable span_keys, resource_keys;
  const std::string deep = std::string(2000, '(') + "true" + std::string(2000, ')');
  EXPECT_FALSE(CompileOttlCondition({.span = {deep}}, span_keys, resource_keys));
  std::string nots;
  for (int i = 0; i < 1000; ++i) nots += "not ";
  EXPECT_FALSE(CompileOttlCondition({.span = {nots + "true"}}, span_keys, resource_keys));
  std::string longer = "true";
  for (int i = 0; i < 1000; ++i) longer += " and true";
  EXPECT_FALSE(CompileOttlCondition({.span = {longer}}, span_keys, resource_keys));
}

}  // namespace
}  // namespace sightline::sample
