#include "notify/http_bodies.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "base/json_writer.h"
#include "base/version.h"
#include "notify/template_text.h"
#include "notify/webhook_template.h"

namespace sightline::notify {
namespace {

// What Slack and PagerDuty take, in characters; ours are bytes, which are never fewer.
constexpr size_t kSlackTextMax = 2900, kSlackAlertsMax = 20, kSlackTitleMax = 290;
constexpr size_t kPagerDutySummaryMax = 1024, kPagerDutyAlertsMax = 20, kPagerDutyFactMax = 4096;
constexpr int64_t kMinuteNanos = 60'000'000'000;

void WriteLabels(JsonWriter& json, std::string_view key, const Labels& labels) {
  json.Key(key).Begin('{');
  for (const auto& [name, value] : labels) json.Key(name).String(value);
  json.End('}');
}

void WriteTime(JsonWriter& json, std::string_view key, int64_t unix_nanos) {
  json.Key(key);
  if (unix_nanos > 0) {
    json.String(TimeText(unix_nanos));
  } else {
    json.Null();
  }
}

void WriteAlert(JsonWriter& json, const ToldAlert& alert, const std::string& public_url) {
  const AlertEvent& event = alert.event;
  json.Begin('{').Key("state").String(EventStateName(event.state)).Key("severity").String(event.severity);
  json.Key("rule_id").String(event.rule_id).Key("rule_name").String(event.rule_name);
  json.Key("fingerprint").String(event.fingerprint);
  json.Key("value").Number(event.value).Key("unit").String(event.unit).Key("condition").String(event.condition);
  if (!event.problem.empty()) json.Key("problem").String(event.problem);
  WriteTime(json, "starts_at", event.starts_unix_nanos);
  WriteTime(json, "ends_at", event.ends_unix_nanos);
  WriteLabels(json, "labels", event.labels);
  WriteLabels(json, "annotations", event.annotations);
  json.Key("link").String(LinkOf(event, public_url)).Key("differences").Begin('[');
  for (const Difference& one : alert.enrichment.differences) {
    json.Begin('{').Key("field").String(one.field).Key("value").String(one.value);
    json.Key("selection").Number(one.selection).Key("baseline").Number(one.baseline).End('}');
  }
  json.End(']').Key("sample_traces").Begin('[');
  for (const auto& id : alert.enrichment.trace_ids) {
    json.Begin('{').Key("trace_id").String(id).Key("link").String(TraceLink(id, public_url)).End('}');
  }
  json.End(']').End('}');
}

void WriteAlerts(JsonWriter& json, const Notification& notification, const std::string& public_url) {
  json.Begin('[');
  for (const ToldAlert& alert : notification.alerts) WriteAlert(json, alert, public_url);
  json.End(']');
}

// Without the quotes: a template has its own.
std::string InsideString(std::string_view text) {
  std::string json;
  AppendJsonString(json, text);
  return json.substr(1, json.size() - 2);
}

// What the names of a template stand for; of one alert those of the first.
std::optional<std::string> TemplateValue(std::string_view name, const Notification& notification,
                                         const std::string& public_url) {
  if (name == "alerts") {
    JsonWriter json;
    WriteAlerts(json, notification, public_url);
    return json.Take();
  }
  if (name == "title") return InsideString(TitleOf(notification));
  if (name == "kind") return std::string(NotificationKindName(notification.kind));
  if (name == "id") return InsideString(notification.id);
  if (name == "group") return InsideString(notification.group);
  if (name == "count") return std::to_string(notification.alerts.size() + notification.left_out);
  if (notification.alerts.empty()) return std::nullopt;
  const AlertEvent& event = notification.alerts.front().event;
  if (name == "state") return std::string(EventStateName(event.state));
  if (name == "value") return InsideString(ValueText(event));
  if (name == "condition") return InsideString(event.condition);
  if (name == "since") return TimeText(event.starts_unix_nanos);
  if (name == "link") return InsideString(LinkOf(event, public_url));
  const Labels labels = LabelsToMatch(event);
  if (const auto label = labels.find(std::string(name)); label != labels.end()) return InsideString(label->second);
  if (const std::string* annotation = Annotation(event, std::string(name))) return InsideString(*annotation);
  return std::nullopt;
}

// Slack reads & < > as its own.
std::string SlackEscaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void WriteSlackSection(JsonWriter& json, const std::string& text) {
  json.Begin('{').Key("type").String("section").Key("text").Begin('{');
  json.Key("type").String("mrkdwn").Key("text").String(text).End('}').End('}');
}

// Whole lines, so that no link and no character is cut apart.
std::string SlackText(const ToldAlert& alert, const std::string& public_url) {
  std::string text = fmt::format("*{}*", SlackEscaped(Shortened(alert.event.rule_name, kSlackTitleMax)));
  for (const Fact& fact : FactsOf(alert, public_url)) {
    const std::string value = SlackEscaped(Shortened(fact.text, kSlackTextMax / 4));
    const std::string line =
        fact.is_link ? fmt::format("\n<{}|{}>", value, fact.name) : fmt::format("\n{}: {}", fact.name, value);
    if (text.size() + line.size() > kSlackTextMax) break;
    text += line;
  }
  return text;
}

std::string_view SlackColor(const Notification& notification) {
  if (notification.kind == NotificationKind::kResolved) return "#2e9e5b";
  if (notification.kind != NotificationKind::kFiring) return "#7a7f87";
  const bool is_critical = std::ranges::any_of(notification.alerts, [](const ToldAlert& alert) {
    return !IsResolved(alert.event) && alert.event.severity == "critical";
  });
  return is_critical ? "#d13438" : "#e8a317";
}

std::string_view PagerDutySeverity(const Notification& notification) {
  std::string_view worst = "info";
  for (const ToldAlert& alert : notification.alerts) {
    if (IsResolved(alert.event)) continue;
    if (alert.event.severity == "critical") return "critical";
    if (alert.event.severity == "info") continue;
    worst = alert.event.severity == "warning" || worst == "warning" ? "warning" : "error";
  }
  return worst;
}

std::string_view PagerDutyAction(NotificationKind kind) {
  switch (kind) {
    case NotificationKind::kResolved:
      return "resolve";
    case NotificationKind::kAcknowledged:
      return "acknowledge";
    case NotificationKind::kFiring:
    case NotificationKind::kTest:
      return "trigger";
  }
  return "trigger";
}

// Where it comes from, as PagerDuty wants to know: the service, if all alerts are of one.
std::string SourceOf(const Notification& notification) {
  std::string source;
  for (const ToldAlert& alert : notification.alerts) {
    const auto service = alert.event.labels.find("service.name");
    if (service == alert.event.labels.end() || (!source.empty() && source != service->second)) return "sightline";
    source = service->second;
  }
  return source.empty() ? "sightline" : source;
}

// Older versions take no others.
std::string PrometheusName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool is_digit = c >= '0' && c <= '9';
    if (is_digit && out.empty()) out += '_';
    out += is_letter || is_digit ? c : '_';
  }
  return out;
}

void WritePrometheusLabels(JsonWriter& json, std::string_view key, const Labels& labels) {
  Labels renamed;
  for (const auto& [name, value] : labels) renamed.emplace(PrometheusName(name), value);
  WriteLabels(json, key, renamed);
}

}  // namespace

std::string WebhookBody(const Notification& notification, const std::string& public_url) {
  JsonWriter json;
  json.Begin('{').Key("schema").Int(1).Key("id").String(notification.id).Key("group").String(notification.group);
  json.Key("kind").String(NotificationKindName(notification.kind)).Key("title").String(TitleOf(notification));
  json.Key("at").String(TimeText(notification.at_unix_nanos));
  WriteLabels(json, "group_labels", notification.group_labels);
  if (!notification.comment.empty()) json.Key("comment").String(notification.comment);
  json.Key("alerts");
  WriteAlerts(json, notification, public_url);
  return json.Key("left_out").UInt(notification.left_out).Key("silenced").UInt(notification.silenced).End('}').Take();
}

std::string WebhookBody(const Notification& notification, const std::string& public_url, const std::string& text) {
  if (text.empty()) return WebhookBody(notification, public_url);
  return FillTemplate(text, [&](std::string_view name) { return TemplateValue(name, notification, public_url); });
}

void CheckWebhookTemplate(state::JsonCheck& check, const std::string& text) {
  if (!check.ok() || text.empty()) return;
  const std::string filled = FillTemplate(text, [](std::string_view name) -> std::optional<std::string> {
    if (name == "alerts") return "[]";
    return name == "count" ? "1" : "text";
  });
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  if (const auto error = parser.parse(filled).get(json)) {
    check.Refuse("filled in, it is no JSON ({}): names stand inside of strings, but for count and alerts",
                 simdjson::error_message(error));
  }
}

std::string SlackBody(const Notification& notification, const std::string& public_url) {
  const std::string title = Shortened(TitleOf(notification), kSlackTitleMax);
  JsonWriter json;
  json.Begin('{').Key("text").String(SlackEscaped(title)).Key("attachments").Begin('[').Begin('{');
  json.Key("color").String(SlackColor(notification)).Key("blocks").Begin('[');
  if (!notification.comment.empty())
    WriteSlackSection(json, SlackEscaped(Shortened(notification.comment, kSlackTextMax / 4)));
  const size_t shown = std::min(notification.alerts.size(), kSlackAlertsMax);
  for (size_t i = 0; i < shown; ++i) WriteSlackSection(json, SlackText(notification.alerts[i], public_url));
  const uint64_t more = notification.alerts.size() - shown + notification.left_out;
  if (more > 0) WriteSlackSection(json, fmt::format("and {} more", more));
  json.End(']').End('}').End(']').End('}');
  return json.Take();
}

std::string PagerDutyBody(const Notification& notification, const std::string& public_url,
                          const std::string& routing_key) {
  JsonWriter json;
  json.Begin('{').Key("routing_key").String(routing_key);
  json.Key("event_action").String(PagerDutyAction(notification.kind)).Key("dedup_key").String(notification.group);
  if (PagerDutyAction(notification.kind) != "trigger") return json.End('}').Take();
  json.Key("client").String("Sightline").Key("client_url").String(public_url);
  json.Key("payload").Begin('{').Key("summary").String(Shortened(TitleOf(notification), kPagerDutySummaryMax));
  json.Key("source").String(SourceOf(notification)).Key("severity").String(PagerDutySeverity(notification));
  json.Key("timestamp").String(TimeText(notification.at_unix_nanos));
  json.Key("custom_details").Begin('{').Key("alerts").Begin('[');
  const size_t shown = std::min(notification.alerts.size(), kPagerDutyAlertsMax);
  for (size_t i = 0; i < shown; ++i) {
    std::string text = notification.alerts[i].event.rule_name;
    for (const Fact& fact : FactsOf(notification.alerts[i], public_url))
      text += fmt::format("\n{}: {}", fact.name, fact.text);
    json.String(Shortened(text, kPagerDutyFactMax));
  }
  json.End(']').Key("more").UInt(notification.alerts.size() - shown + notification.left_out).End('}').End('}');
  json.Key("links").Begin('[');
  for (size_t i = 0; i < shown; ++i) {
    const AlertEvent& event = notification.alerts[i].event;
    if (event.link.empty()) continue;
    json.Begin('{')
        .Key("href")
        .String(LinkOf(event, public_url))
        .Key("text")
        .String("Chart: " + event.rule_name)
        .End('}');
  }
  return json.End(']').End('}').Take();
}

std::string AlertmanagerBody(const Notification& notification, const std::string& public_url) {
  JsonWriter json;
  json.Begin('[');
  for (const ToldAlert& alert : notification.alerts) {
    const AlertEvent& event = alert.event;
    json.Begin('{');
    WritePrometheusLabels(json, "labels", LabelsToMatch(event));
    Labels annotations = event.annotations;
    if (const std::string value = ValueText(event); !value.empty()) annotations.try_emplace("value", value);
    if (!event.condition.empty()) annotations.try_emplace("condition", event.condition);
    WritePrometheusLabels(json, "annotations", annotations);
    if (event.starts_unix_nanos > 0) json.Key("startsAt").String(TimeText(event.starts_unix_nanos));
    // Else it would take an alert for resolved after its resolve_timeout, long before it hears of it again.
    const int64_t valid_until = notification.at_unix_nanos + notification.repeats_nanos + 5 * kMinuteNanos;
    json.Key("endsAt").String(TimeText(IsResolved(event) ? event.ends_unix_nanos : valid_until));
    json.Key("generatorURL").String(LinkOf(event, public_url)).End('}');
  }
  return json.End(']').Take();
}

}  // namespace sightline::notify
