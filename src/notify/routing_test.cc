#include "notify/routing.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <simdjson.h>

namespace sightline::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool Matches(const std::string& op, const std::string& value, const Labels& labels) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  const std::string text = fmt::format(R"([{{"label":"team","op":"{}","value":"{}"}}])", op, value);
  EXPECT_EQ(parser.parse(text).get(json), simdjson::SUCCESS);
  state::JsonCheck check;
  const auto matchers = ReadMatchers(check, json);
  EXPECT_TRUE(check.ok()) << check.result().error().message;
  return AllMatch(matchers, labels);
}

TEST(Matchers, AreAsAlertmanagersAre) {
  const Labels search = {{"team", "search"}}, none;
  EXPECT_TRUE(Matches("=", "search", search));
  EXPECT_FALSE(Matches("=", "sea", search));
  EXPECT_TRUE(Matches("!=", "shop", search));
  EXPECT_TRUE(Matches("=~", "sea.*|shop", search));
  EXPECT_FALSE(Matches("=~", "ear", search)) << "of the whole value";
  EXPECT_FALSE(Matches("=~", "a|search|b", {{"team", "xsearch"}}));
  EXPECT_TRUE(Matches("!~", "ear", search));
  EXPECT_TRUE(Matches("=", "", none)) << "what is not there is empty";
  EXPECT_TRUE(Matches("!=", "search", none));
  EXPECT_TRUE(Matches("=~", ".*", none));
  EXPECT_FALSE(Matches("!=", "", none));
}

std::vector<std::string> ChannelsFor(const std::string& routing, const Labels& labels) {
  const auto read = ReadRouting(routing);
  EXPECT_TRUE(read) << read.error().message;
  std::vector<std::string> channels;
  for (const Target& target : TargetsOf(*read, labels, "f")) channels.push_back(target.channel);
  return channels;
}

TEST(Routing, TheFirstRouteThatTakesAnAlertEndsItUnlessItContinues) {
  constexpr const char* kRouting = R"({"schema":1,"routes":[
      {"matchers":[{"label":"team","op":"=","value":"a"}],"channels":["1"],"continue":true},
      {"matchers":[{"label":"team","op":"=~","value":"a|b"}],"channels":["2","3"]},
      {"matchers":[],"channels":["4"]}],"default_channels":["5"]})";
  EXPECT_THAT(ChannelsFor(kRouting, {{"team", "a"}}), ElementsAre("1", "2", "3"));
  EXPECT_THAT(ChannelsFor(kRouting, {{"team", "b"}}), ElementsAre("2", "3"));
  EXPECT_THAT(ChannelsFor(kRouting, {{"team", "c"}}), ElementsAre("4")) << "no matchers take all";
}

TEST(Routing, WhatNoRouteTakesGoesToTheDefaults) {
  constexpr const char* kRouting = R"({"schema":1,"routes":[
      {"matchers":[{"label":"team","op":"=","value":"a"}],"channels":["1"]},
      {"matchers":[{"label":"team","op":"=","value":"quiet"}],"channels":[]}],"default_channels":["5","6"]})";
  EXPECT_THAT(ChannelsFor(kRouting, {}), ElementsAre("5", "6"));
  EXPECT_THAT(ChannelsFor(kRouting, {{"team", "quiet"}}), IsEmpty()) << "a route to nobody";
  EXPECT_THAT(ChannelsFor(R"({"schema":1})", {}), IsEmpty());
}

TEST(Routing, AChannelHearsOfAGroupOnce) {
  constexpr const char* kRouting = R"({"schema":1,"routes":[
      {"channels":["1"],"group_by":["team"],"group_wait":"1s","continue":true},
      {"channels":["1"],"group_by":["team"],"group_wait":"9s"}]})";
  const auto targets = TargetsOf(*ReadRouting(kRouting), {{"team", "a"}, {"host", "b"}}, "f");
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0].grouping.wait_nanos, 1'000'000'000);
  EXPECT_THAT(targets[0].group_labels, ElementsAre(std::pair("team", "a")));
}

TEST(Routing, ThreeDotsLeaveEachAlertAlone) {
  const auto routing = ReadRouting(R"({"schema":1,"routes":[{"channels":["1"],"group_by":["..."]}]})");
  const auto key = [&](const Labels& labels, const std::string& fingerprint) {
    return GroupKey(TargetsOf(*routing, labels, fingerprint).front());
  };
  EXPECT_NE(key({{"a", "b"}}, "1"), key({{"a", "b"}}, "2"));
  EXPECT_EQ(key({{"severity", "warning"}}, "1"), key({{"severity", "critical"}}, "1"));
}

TEST(Routing, KeysOfGroupsAreNotMixedUp) {
  const auto key = [](const Labels& labels) {
    return GroupKey({.channel = "1", .grouping = {}, .group_labels = labels});
  };
  EXPECT_NE(key({{"a", "b\",\"c\":\"d"}}), key({{"a", "b"}, {"c", "d"}}));
}

TEST(Routing, SaysWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"routes":[]})", "schema is wanted"},
      {R"({"schema":1,"routes":[{"matchers":[]}]})", "routes[0]: channels is wanted"},
      {R"({"schema":1,"routes":[{"channels":["1"],"group_wait":"soon"}]})", "routes[0].group_wait: "},
      {R"({"schema":1,"routes":[{"channels":["1"],"group_interval":"0"}]})", "routes[0].group_interval: "},
      {R"({"schema":1,"routes":[{"channels":["1"],"repeat_interval":"60d"}]})", "routes[0].repeat_interval: "},
      {R"({"schema":1,"routes":[{"channels":["1"],"matchers":[{"label":"a","op":"~","value":""}]}]})",
       "routes[0].matchers[0].op: "},
      {R"({"schema":1,"routes":[{"channels":["1"],"matchers":[{"label":"a","op":"=~","value":"("}]}]})",
       "routes[0].matchers[0].value: \"(\" is no regular expression"},
      {R"({"schema":1,"default_channels":[7]})", "default_channels[0]: a text is wanted"},
      {R"([])", "an object is wanted"},
      {R"({)", "it is no JSON"},
  };
  for (const auto& [document, problem] : cases) {
    const auto routing = ReadRouting(document);
    ASSERT_FALSE(routing) << document;
    EXPECT_EQ(routing.error().code, Code::kInvalidArgument);
    EXPECT_THAT(routing.error().message, HasSubstr(problem)) << document;
  }
}

}  // namespace
}  // namespace sightline::notify
