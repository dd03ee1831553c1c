#include "notify/http_bodies.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "notify/mail_body.h"
#include "notify/sender.h"

namespace sightline::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSecond = 1'000'000'000, kStart = 1'783'000'000 * kSecond;  // 2026-07-02 13:46:40 UTC
constexpr const char* kUrl = "https://sightline.example";

Notification Some() {
  AlertEvent event;
  event.rule_id = "3";
  event.rule_name = "High <error> rate & \"more\"";
  event.fingerprint = "ab";
  event.labels = {{"service.name", "check\"out"}, {"team", "shop"}};
  event.annotations = {{"summary", "It fails"}, {"runbook", "https://wiki.example/errors"}};
  event.severity = "critical";
  event.value = 0.0712345;
  event.unit = "s";
  event.condition = "above 0.05 for 2m";
  event.starts_unix_nanos = kStart;
  event.link = "/alerts/rules/3?from=1&to=2";
  return {.id = "id1",
          .group = "group1",
          .group_labels = {{"service.name", "check\"out"}},
          .alerts = {{.event = event,
                      .enrichment = {.differences = {{"span.region", "eu", 0.92, 0.04}}, .trace_ids = {"c0ffee"}}}},
          .at_unix_nanos = kStart + 60 * kSecond,
          .repeats_nanos = 3600 * kSecond};
}

class Json {
 public:
  explicit Json(const std::string& text) {
    const auto error = parser_.parse(text).get(root_);
    EXPECT_EQ(error, simdjson::SUCCESS) << text;
  }
  std::string operator[](std::string_view pointer) const {
    simdjson::dom::element found;
    if (root_.at_pointer(pointer).get(found) != simdjson::SUCCESS) return "(none)";
    std::string_view text;
    return found.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::minify(found);
  }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

TEST(Notification, ReadsBackWhatIsKeptOfIt) {
  const Notification notification = Some();
  const std::string json = NotificationToJson(notification);
  const auto read = NotificationFromJson(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(NotificationToJson(*read), json);
  EXPECT_EQ(read->alerts.at(0).enrichment.trace_ids.at(0), "c0ffee");
  EXPECT_FALSE(NotificationFromJson("{}"));
}

TEST(Notification, TitlesSayHowManyAndOfWhat) {
  Notification notification = Some();
  EXPECT_EQ(TitleOf(notification), "[FIRING 1] High <error> rate & \"more\" · service.name=check\"out, team=shop");
  notification.alerts.push_back(notification.alerts.front());
  notification.alerts.back().event.rule_name = "Slow";
  EXPECT_EQ(TitleOf(notification), "[FIRING 2] High <error> rate & \"more\", Slow · service.name=check\"out");
  notification.kind = NotificationKind::kResolved;
  EXPECT_THAT(TitleOf(notification), HasSubstr("[RESOLVED 2] "));
}

TEST(HttpBodies, WebhookTellsAll) {
  const Json json(WebhookBody(Some(), kUrl));
  EXPECT_EQ(json["/id"], "id1");
  EXPECT_EQ(json["/kind"], "firing");
  EXPECT_EQ(json["/alerts/0/state"], "firing");
  EXPECT_EQ(json["/alerts/0/value"], "0.0712345");
  EXPECT_EQ(json["/alerts/0/starts_at"], "2026-07-02T13:46:40Z");
  EXPECT_EQ(json["/alerts/0/ends_at"], "null");
  EXPECT_EQ(json["/alerts/0/link"], "https://sightline.example/alerts/rules/3?from=1&to=2");
  EXPECT_EQ(json["/alerts/0/labels/service.name"], "check\"out");
  EXPECT_EQ(json["/alerts/0/differences/0/field"], "span.region");
  EXPECT_EQ(json["/alerts/0/sample_traces/0/link"], "https://sightline.example/traces/c0ffee");
}

TEST(HttpBodies, AWebhooksTemplateStaysJsonWhateverIsFilledIn) {
  const Json json(WebhookBody(
      Some(), kUrl,
      R"({"text":"{{alertname}} {{service.name}} {{value}} {{nobody}} {{runbook}}","n":{{count}},"all":{{alerts}}})"));
  EXPECT_EQ(json["/text"],
            "High <error> rate & \"more\" check\"out 0.0712345 s {{nobody}} https://wiki.example/errors");
  EXPECT_EQ(json["/n"], "1");
  EXPECT_EQ(json["/all/0/severity"], "critical");
}

TEST(HttpBodies, SlackReadsNoMarkupInNames) {
  const Json json(SlackBody(Some(), kUrl));
  EXPECT_THAT(json["/text"], HasSubstr("High &lt;error&gt; rate &amp;"));
  const std::string text = json["/attachments/0/blocks/0/text/text"];
  EXPECT_EQ(json["/attachments/0/blocks/0/text/type"], "mrkdwn");
  EXPECT_THAT(text, HasSubstr("<https://sightline.example/alerts/rules/3?from=1&amp;to=2|Chart>"));
  EXPECT_THAT(text, HasSubstr("Value: 0.0712345 s, alerts above 0.05 for 2m"));
  EXPECT_THAT(text, HasSubstr("span.region = eu in 92 % of these, 4 % of others"));
  EXPECT_THAT(text, HasSubstr("<https://wiki.example/errors|Runbook>"));
}

TEST(HttpBodies, SlackGetsNoMoreThanItTakes) {
  Notification notification = Some();
  notification.alerts.front().event.annotations["summary"] = std::string(100'000, '<');
  for (int i = 1; i < 50; ++i) notification.alerts.push_back(notification.alerts.front());
  notification.left_out = 3;
  const Json json(SlackBody(notification, kUrl));
  EXPECT_EQ(json["/attachments/0/blocks/20/text/text"], "and 33 more");
  EXPECT_EQ(json["/attachments/0/blocks/21"], "(none)");
  for (int i = 0; i < 20; ++i) EXPECT_LE(json[fmt::format("/attachments/0/blocks/{}/text/text", i)].size(), 3000U);
}

TEST(HttpBodies, PagerDutyHasOneIncidentForAGroup) {
  Notification notification = Some();
  const Json trigger(PagerDutyBody(notification, kUrl, "key"));
  EXPECT_EQ(trigger["/routing_key"], "key");
  EXPECT_EQ(trigger["/event_action"], "trigger");
  EXPECT_EQ(trigger["/dedup_key"], "group1");
  EXPECT_EQ(trigger["/payload/severity"], "critical");
  EXPECT_EQ(trigger["/payload/source"], "check\"out");
  EXPECT_EQ(trigger["/links/0/href"], "https://sightline.example/alerts/rules/3?from=1&to=2");
  notification.alerts.front().event.rule_name = std::string(5000, 'x');
  EXPECT_LE(Json(PagerDutyBody(notification, kUrl, "key"))["/payload/summary"].size(), 1024U);
  notification.kind = NotificationKind::kAcknowledged;
  EXPECT_EQ(PagerDutyBody(notification, kUrl, "key"),
            R"({"routing_key":"key","event_action":"acknowledge","dedup_key":"group1"})");
  notification.kind = NotificationKind::kResolved;
  EXPECT_EQ(PagerDutyBody(notification, kUrl, "key"),
            R"({"routing_key":"key","event_action":"resolve","dedup_key":"group1"})");
}

TEST(HttpBodies, AlertmanagerGetsNamesThatItTakesAndHowLongToBelieve) {
  Notification notification = Some();
  notification.alerts.front().event.labels["1st-label"] = "x";
  const Json firing(AlertmanagerBody(notification, kUrl));
  EXPECT_EQ(firing["/0/labels/service_name"], "check\"out");
  EXPECT_EQ(firing["/0/labels/_1st_label"], "x");
  EXPECT_EQ(firing["/0/labels/alertname"], "High <error> rate & \"more\"");
  EXPECT_EQ(firing["/0/labels/severity"], "critical");
  EXPECT_EQ(firing["/0/startsAt"], "2026-07-02T13:46:40Z");
  EXPECT_EQ(firing["/0/endsAt"], "2026-07-02T14:52:40Z") << "an hour and five minutes after it was told";
  AlertEvent& event = notification.alerts.front().event;
  event.state = EventState::kResolved;
  event.ends_unix_nanos = kStart + 120 * kSecond;
  EXPECT_EQ(Json(AlertmanagerBody(notification, kUrl))["/0/endsAt"], "2026-07-02T13:48:40Z");
}

TEST(MailBody, SaysTheSameTwiceAndEscapesIt) {
  const net::Mail mail = MailOf(Some(), kUrl, "sightline.example");
  EXPECT_THAT(mail.subject, HasSubstr("[FIRING 1] High <error> rate"));
  EXPECT_THAT(mail.text, HasSubstr("Since: 2026-07-02T13:46:40Z"));
  EXPECT_THAT(mail.html, HasSubstr("High &lt;error&gt; rate &amp; &quot;more&quot;"));
  EXPECT_THAT(mail.html, Not(HasSubstr("<error>")));
  EXPECT_THAT(mail.html, HasSubstr("<a href=\"https://sightline.example/alerts/rules/3?from=1&amp;to=2\">"));
  EXPECT_THAT(mail.headers, ::testing::Contains(std::pair("Message-ID", "<id1@sightline.example>")));
  EXPECT_THAT(mail.headers, ::testing::Contains(std::pair("References", "<group1@sightline.example>")));
}

TEST(HttpBodies, ARunbookIsALinkOnlyIfItIsOne) {
  Notification notification = Some();
  notification.alerts.front().event.annotations["runbook"] = "javascript:alert(1)";
  EXPECT_THAT(MailOf(notification, kUrl, "h").html, Not(HasSubstr("href=\"javascript")));
  EXPECT_THAT(SlackBody(notification, kUrl), Not(HasSubstr("<javascript")));
}

// The same as `printf '1783000000.{"a":1}' | openssl dgst -sha256 -hmac s3cret`.
TEST(Sender, SignsTimeAndBody) {
  EXPECT_EQ(WebhookSignature("s3cret", 1'783'000'000, R"({"a":1})"),
            "t=1783000000,v1=c3a794e51b833e0335a688a4ffcb7859b127300950285ce812ead9e38e1aab4e");
}

TEST(Shortened, KeepsCharactersWhole) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcdef", 5), "ab…");
  EXPECT_EQ(Shortened("aééé", 6), "aé…");
  EXPECT_EQ(Shortened("éééé", 4), "…");
}

}  // namespace
}  // namespace sightline::notify
