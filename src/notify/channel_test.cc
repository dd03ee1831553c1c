#include "notify/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sightline::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kMail =
    R"({"schema":1,"name":"mail","kind":"email","smtp":{"host":"mail.example","port":25,"tls":"none","user":"u",)"
    R"("password":"hidden","from":"a@example.com","to":["b@example.com","c@example.com"]}})";

Channel Read(std::string_view document, const Channel* before = nullptr) {
  auto channel = ReadChannel(document, before);
  EXPECT_TRUE(channel) << channel.error().message;
  return channel ? *std::move(channel) : Channel();
}

TEST(Channel, ReadsWhatItWrote) {
  for (
      const char* document :
      {R"({"schema":1,"name":"a","kind":"webhook","url":"https://x.example/y?z=1","secret":"s","template":"{\"text\":\"{{title}}\"}"})",
       R"({"schema":1,"name":"b","kind":"slack","url":"https://hooks.slack.example/services/T/B/x"})",
       R"({"schema":1,"name":"c","kind":"pagerduty","url":"https://events.pagerduty.com/v2/enqueue","routing_key":"k"})",
       R"({"schema":1,"name":"d","kind":"alertmanager","url":"http://am:9093","secret":"t"})", kMail}) {
    EXPECT_EQ(WriteChannel(Read(document), true), document);
  }
  EXPECT_EQ(Read(R"({"schema":1,"name":"c","kind":"pagerduty","routing_key":"k"})").url,
            "https://events.pagerduty.com/v2/enqueue");
}

TEST(Channel, ShowsNoSecrets) {
  const std::string webhook = WriteChannel(
      Read(R"({"schema":1,"name":"a","kind":"webhook","url":"https://x.example","secret":"hidden"})"), false);
  EXPECT_THAT(webhook, Not(HasSubstr("hidden")));
  EXPECT_THAT(webhook, HasSubstr(R"("secret_set":true)"));
  const std::string slack = WriteChannel(
      Read(R"({"schema":1,"name":"b","kind":"slack","url":"https://hooks.slack.example/services/hidden"})"), false);
  EXPECT_THAT(slack, Not(HasSubstr("hooks.slack")));
  EXPECT_THAT(slack, HasSubstr(R"("url_set":true)"));
  const std::string mail = WriteChannel(Read(kMail), false);
  EXPECT_THAT(mail, Not(HasSubstr("hidden")));
  EXPECT_THAT(mail, HasSubstr(R"("password_set":true)"));
  EXPECT_THAT(WriteChannel(Read(R"({"schema":1,"name":"c","kind":"pagerduty","routing_key":"hidden"})"), false),
              Not(HasSubstr("hidden")));
}

TEST(Channel, KeepsASecretThatIsLeftOutAndForgetsOneThatIsTakenOut) {
  const Channel before = Read(R"({"schema":1,"name":"a","kind":"webhook","url":"https://x.example","secret":"s"})");
  const Channel renamed =
      Read(R"({"schema":1,"name":"new","kind":"webhook","url":"https://x.example","secret_set":true})", &before);
  EXPECT_EQ(renamed.secret, "s");
  EXPECT_EQ(renamed.name, "new");
  EXPECT_EQ(Read(R"({"schema":1,"name":"a","kind":"webhook","url":"https://x.example"})", &before).secret, "");
  EXPECT_EQ(Read(R"({"schema":1,"name":"a","kind":"webhook","url":"https://x.example","secret":"t","secret_set":true})",
                 &before)
                .secret,
            "t");
  // What was shown can be given back as it is.
  const Channel mail = Read(kMail);
  EXPECT_EQ(WriteChannel(Read(WriteChannel(mail, false), &mail), true), kMail);
}

// Else whoever may change a channel could send its secrets to a place of their own.
TEST(Channel, KeepsNoSecretForAnotherPlace) {
  const Channel alertmanager =
      Read(R"({"schema":1,"name":"d","kind":"alertmanager","url":"http://am:9093","secret":"token"})");
  const auto moved = ReadChannel(
      R"({"schema":1,"name":"d","kind":"alertmanager","url":"http://other:9093","secret_set":true})", &alertmanager);
  ASSERT_FALSE(moved);
  EXPECT_THAT(moved.error().message, HasSubstr("secret: it must be given again"));
  const Channel mail = Read(kMail);
  std::string other = WriteChannel(mail, false);
  other.replace(other.find("mail.example"), 12, "evil.example");
  const auto stolen = ReadChannel(other, &mail);
  ASSERT_FALSE(stolen);
  EXPECT_THAT(stolen.error().message, HasSubstr("smtp.password: it must be given again"));
  const Channel pager = Read(R"({"schema":1,"name":"c","kind":"pagerduty","routing_key":"k"})");
  EXPECT_FALSE(ReadChannel(
      R"({"schema":1,"name":"c","kind":"webhook","url":"http://x.example","routing_key_set":true})", &pager));
}

TEST(Channel, SaysWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"name":"a","kind":"webhook","url":"http://x"})", "schema is wanted"},
      {R"({"schema":1,"name":"","kind":"webhook","url":"http://x"})", "name: it is empty"},
      {R"({"schema":1,"name":"a","kind":"fax","url":"http://x"})", "kind: \"fax\" is none of"},
      {R"({"schema":1,"name":"a","kind":"webhook"})", "url: a channel of kind webhook wants it"},
      {R"({"schema":1,"name":"a","kind":"webhook","url":"file:///etc/passwd"})", "url: it is no http"},
      {R"({"schema":1,"name":"a","kind":"webhook","url":"http://"})", "url: it is no http"},
      {R"({"schema":1,"name":"a","kind":"webhook","url":"http://x y"})", "url: it is no http"},
      {R"({"schema":1,"name":"a","kind":"webhook","url":"http://u:p@x"})", "url: a user or password must not be in it"},
      {R"({"schema":1,"name":"a","kind":"webhook","url":"http://x","routing_key":"k"})",
       "routing_key: a channel of kind webhook has none"},
      {R"({"schema":1,"name":"a","kind":"slack","url":"http://x","secret":"k"})",
       "secret: a channel of kind slack has none"},
      {R"({"schema":1,"name":"a","kind":"alertmanager","url":"http://x","secret":"k\r\nX: y"})",
       "secret: there are control characters"},
      {R"({"schema":1,"name":"a","kind":"webhook","url":"http://x","template":"{\"a\": {{title}}}"})",
       "template: filled in, it is no JSON"},
      {R"({"schema":1,"name":"a","kind":"pagerduty"})", "routing_key: a channel of kind pagerduty wants it"},
      {R"({"schema":1,"name":"a","kind":"email"})", "smtp: a channel of kind email wants it"},
      {R"({"schema":1,"name":"a","kind":"email","smtp":{"host":"h","from":"a@b","to":[]}})", "smtp.to: it is empty"},
      {R"({"schema":1,"name":"a","kind":"email","smtp":{"host":"h","from":"a@b","to":["x"]}})",
       "smtp.to[0]: \"x\" is no mail address"},
      {R"({"schema":1,"name":"a","kind":"email","smtp":{"host":"h/../x","from":"a@b","to":["c@d"]}})", "smtp.host: "},
      {R"({"schema":1,"name":"a","kind":"email","smtp":{"host":"h","port":0,"from":"a@b","to":["c@d"]}})",
       "smtp.port: 0 is not between"},
      {R"({"schema":1,"name":"a","kind":"email","smtp":{"host":"h","user":"u","from":"a@b","to":["c@d"]}})",
       "smtp: user and password need each other"},
  };
  for (const auto& [document, problem] : cases) {
    const auto channel = ReadChannel(document);
    ASSERT_FALSE(channel) << document;
    EXPECT_EQ(channel.error().code, Code::kInvalidArgument);
    EXPECT_THAT(channel.error().message, HasSubstr(problem)) << document;
  }
}

}  // namespace
}  // namespace sightline::notify
