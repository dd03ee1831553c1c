#include "notify/notification.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "base/json_writer.h"

namespace sightline::notify {
namespace {

constexpr std::array<std::string_view, 4> kKinds = {"firing", "resolved", "acknowledged", "test"};
constexpr int64_t kSecondNanos = 1'000'000'000;

void WriteEnrichment(JsonWriter& json, const Enrichment& enrichment) {
  json.Key("differences").Begin('[');
  for (const Difference& one : enrichment.differences) {
    json.Begin('{').Key("field").String(one.field).Key("value").String(one.value);
    json.Key("selection").Number(one.selection).Key("baseline").Number(one.baseline).End('}');
  }
  json.End(']').Key("trace_ids").Begin('[');
  for (const auto& id : enrichment.trace_ids) json.String(id);
  json.End(']');
}

std::string TextOf(simdjson::dom::element json, std::string_view key) {
  std::string_view text;
  return json[key].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

double NumberOf(simdjson::dom::element json, std::string_view key) {
  double number = 0;
  return json[key].get(number) == simdjson::SUCCESS ? number : 0;
}

int64_t WholeOf(simdjson::dom::element json, std::string_view key) {
  int64_t number = 0;
  return json[key].get(number) == simdjson::SUCCESS ? number : 0;
}

Enrichment EnrichmentOf(simdjson::dom::element json) {
  Enrichment enrichment;
  simdjson::dom::array list;
  if (json["differences"].get(list) == simdjson::SUCCESS) {
    for (const auto one : list) {
      enrichment.differences.push_back({.field = TextOf(one, "field"),
                                        .value = TextOf(one, "value"),
                                        .selection = NumberOf(one, "selection"),
                                        .baseline = NumberOf(one, "baseline")});
    }
  }
  if (json["trace_ids"].get(list) == simdjson::SUCCESS) {
    for (const auto one : list) {
      std::string_view id;
      if (one.get(id) == simdjson::SUCCESS) enrichment.trace_ids.emplace_back(id);
    }
  }
  return enrichment;
}

}  // namespace

std::string_view NotificationKindName(NotificationKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

bool IsResolved(const AlertEvent& event) {
  return event.state == EventState::kResolved;
}

std::string NotificationToJson(const Notification& notification) {
  JsonWriter json;
  json.Begin('{').Key("id").String(notification.id).Key("group").String(notification.group);
  json.Key("kind").String(NotificationKindName(notification.kind)).Key("group_labels").Begin('{');
  for (const auto& [name, value] : notification.group_labels) json.Key(name).String(value);
  json.End('}').Key("alerts").Begin('[');
  for (const ToldAlert& alert : notification.alerts) {
    json.Begin('{').Key("event").Raw(EventToJson(alert.event));
    WriteEnrichment(json, alert.enrichment);
    json.End('}');
  }
  json.End(']').Key("left_out").UInt(notification.left_out).Key("silenced").UInt(notification.silenced);
  json.Key("at").Int(notification.at_unix_nanos).Key("repeats").Int(notification.repeats_nanos);
  return json.Key("comment").String(notification.comment).End('}').Take();
}

Result<Notification> NotificationFromJson(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  simdjson::dom::array alerts;
  simdjson::dom::object labels;
  if (parser.parse(text.data(), text.size()).get(json) != simdjson::SUCCESS ||
      json["alerts"].get(alerts) != simdjson::SUCCESS || json["group_labels"].get(labels) != simdjson::SUCCESS) {
    return Fail(Code::kDataLoss, "a notification that was kept does not read back");
  }
  Notification notification;
  notification.id = TextOf(json, "id");
  notification.group = TextOf(json, "group");
  const auto kind = std::ranges::find(kKinds, TextOf(json, "kind"));
  if (kind != kKinds.end()) notification.kind = static_cast<NotificationKind>(kind - kKinds.begin());
  for (const auto [name, value] : labels) {
    std::string_view label;
    if (value.get(label) == simdjson::SUCCESS) notification.group_labels.emplace(name, label);
  }
  for (const auto alert : alerts) {
    auto event = EventFromJson(simdjson::minify(alert["event"]));
    if (!event) return std::unexpected(event.error());
    notification.alerts.push_back({.event = *std::move(event), .enrichment = EnrichmentOf(alert)});
  }
  notification.left_out = static_cast<uint64_t>(WholeOf(json, "left_out"));
  notification.silenced = static_cast<uint64_t>(WholeOf(json, "silenced"));
  notification.at_unix_nanos = WholeOf(json, "at");
  notification.repeats_nanos = WholeOf(json, "repeats");
  notification.comment = TextOf(json, "comment");
  return notification;
}

std::string TitleOf(const Notification& notification) {
  const auto firing = static_cast<uint64_t>(
      std::ranges::count_if(notification.alerts, [](const ToldAlert& alert) { return !IsResolved(alert.event); }));
  const uint64_t all = notification.alerts.size() + notification.left_out;
  std::string title;
  switch (notification.kind) {
    case NotificationKind::kFiring:
      title = fmt::format("[FIRING {}]", firing + notification.left_out + notification.silenced);
      break;
    case NotificationKind::kResolved:
      title = all == 1 ? "[RESOLVED]" : fmt::format("[RESOLVED {}]", all);
      break;
    case NotificationKind::kAcknowledged:
      title = "[ACKNOWLEDGED]";
      break;
    case NotificationKind::kTest:
      title = "[TEST]";
      break;
  }
  std::vector<std::string> names;
  for (const ToldAlert& alert : notification.alerts) {
    if (std::ranges::find(names, alert.event.rule_name) == names.end()) names.push_back(alert.event.rule_name);
  }
  if (names.size() > 3) {
    title += fmt::format(" {} and {} more rules", fmt::join(names.begin(), names.begin() + 2, ", "), names.size() - 2);
  } else {
    title += fmt::format(" {}", fmt::join(names, ", "));
  }
  // Of one alert, its own labels say more than the group's.
  Labels labels =
      all == 1 && !notification.alerts.empty() ? notification.alerts.front().event.labels : notification.group_labels;
  labels.erase("alertname");
  if (!labels.empty()) title += " · " + LabelsText(labels);
  return title;
}

std::string ValueText(const AlertEvent& event) {
  if (!std::isfinite(event.value)) return "";
  const bool is_bare = event.unit.empty() || event.unit == "1";
  return fmt::format("{:.6g}{}{}", event.value, is_bare ? "" : " ", is_bare ? "" : event.unit);
}

std::string LabelsText(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  return text;
}

std::string DifferenceText(const Difference& difference) {
  return fmt::format("{} = {} in {:.0f} % of these, {:.0f} % of others", difference.field, difference.value,
                     100 * difference.selection, 100 * difference.baseline);
}

std::string TimeText(int64_t unix_nanos) {
  const auto time = static_cast<time_t>(unix_nanos / kSecondNanos);
  tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

const std::string* Annotation(const AlertEvent& event, const std::string& name) {
  const auto annotation = event.annotations.find(name);
  return annotation == event.annotations.end() || annotation->second.empty() ? nullptr : &annotation->second;
}

std::string LinkOf(const AlertEvent& event, const std::string& public_url) {
  return public_url + event.link;
}

std::string TraceLink(const std::string& trace_id, const std::string& public_url) {
  return public_url + "/traces/" + trace_id;
}

std::vector<Fact> FactsOf(const ToldAlert& alert, const std::string& public_url) {
  const AlertEvent& event = alert.event;
  std::vector<Fact> facts;
  const auto add = [&](std::string_view name, std::string text, bool is_link = false) {
    if (!text.empty()) facts.push_back({name, std::move(text), is_link});
  };
  add("State", event.severity.empty() ? std::string(EventStateName(event.state))
                                      : fmt::format("{} ({})", EventStateName(event.state), event.severity));
  const std::string value = ValueText(event);
  add("Value", value.empty() || event.condition.empty() ? value : fmt::format("{}, alerts {}", value, event.condition));
  if (value.empty()) add("Condition", event.condition);
  add("Problem", event.problem);
  if (event.starts_unix_nanos > 0) add("Since", TimeText(event.starts_unix_nanos));
  if (event.ends_unix_nanos > 0) add("Until", TimeText(event.ends_unix_nanos));
  add("Labels", LabelsText(event.labels));
  for (const auto& [name, text] : event.annotations) {
    if (name != "runbook") add(name, text);
  }
  if (!event.link.empty()) add("Chart", LinkOf(event, public_url), true);
  if (const std::string* runbook = Annotation(event, "runbook")) {
    add("Runbook", *runbook, runbook->starts_with("https://") || runbook->starts_with("http://"));
  }
  for (const Difference& difference : alert.enrichment.differences) add("Differs", DifferenceText(difference));
  for (const auto& id : alert.enrichment.trace_ids) add("Trace", TraceLink(id, public_url), true);
  return facts;
}

std::string Shortened(std::string_view text, size_t bytes_max) {
  constexpr std::string_view kCut = "…";
  if (text.size() <= bytes_max) return std::string(text);
  size_t size = bytes_max - std::min(bytes_max, kCut.size());
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + std::string(kCut);
}

}  // namespace sightline::notify
