#include "notify/alert_event.h"

#include <simdjson.h>

#include <array>
#include <cmath>

#include "base/json_text.h"

namespace sightline::notify {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"firing", "resolved", "no_data", "error"};

void AppendMember(std::string& json, std::string_view key, std::string_view value) {
  if (json.back() != '{') json += ',';
  AppendJsonString(json, key);
  json += ':';
  AppendJsonString(json, value);
}

void AppendMember(std::string& json, std::string_view key, const Labels& labels) {
  std::string object = "{";
  for (const auto& [name, value] : labels) AppendMember(object, name, value);
  if (json.back() != '{') json += ',';
  AppendJsonString(json, key);
  json += ":" + object + "}";
}

std::string TextOf(const simdjson::dom::object& object, const char* key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

int64_t WholeOf(const simdjson::dom::object& object, const char* key) {
  int64_t number = 0;
  return object[key].get(number) == simdjson::SUCCESS ? number : 0;
}

Labels LabelsOf(const simdjson::dom::object& object, const char* key) {
  Labels labels;
  simdjson::dom::object inner;
  if (object[key].get(inner) != simdjson::SUCCESS) return labels;
  for (const auto [name, value] : inner) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) labels.emplace(name, text);
  }
  return labels;
}

}  // namespace

std::string_view EventStateName(EventState state) {
  return kStates[static_cast<size_t>(state)];
}

std::string EventToJson(const AlertEvent& event) {
  std::string json = "{";
  AppendMember(json, "rule_id", event.rule_id);
  AppendMember(json, "rule_name", event.rule_name);
  AppendMember(json, "fingerprint", event.fingerprint);
  AppendMember(json, "labels", event.labels);
  AppendMember(json, "annotations", event.annotations);
  AppendMember(json, "state", EventStateName(event.state));
  AppendMember(json, "severity", event.severity);
  if (std::isfinite(event.value)) json += fmt::format(",\"value\":{}", event.value);
  AppendMember(json, "unit", event.unit);
  AppendMember(json, "condition", event.condition);
  AppendMember(json, "problem", event.problem);
  json += fmt::format(",\"starts\":{},\"ends\":{},\"at\":{}", event.starts_unix_nanos, event.ends_unix_nanos,
                      event.at_unix_nanos);
  AppendMember(json, "link", event.link);
  return json + "}";
}

Result<AlertEvent> EventFromJson(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (const auto error = parser.parse(json.data(), json.size()).get(object)) {
    return Fail(Code::kDataLoss, "an alert that was kept does not read back: {}", simdjson::error_message(error));
  }
  AlertEvent event;
  event.rule_id = TextOf(object, "rule_id");
  event.rule_name = TextOf(object, "rule_name");
  event.fingerprint = TextOf(object, "fingerprint");
  event.labels = LabelsOf(object, "labels");
  event.annotations = LabelsOf(object, "annotations");
  const std::string state = TextOf(object, "state");
  for (size_t i = 0; i < kStates.size(); ++i) {
    if (kStates[i] == state) event.state = static_cast<EventState>(i);
  }
  event.severity = TextOf(object, "severity");
  double value = 0;
  if (object["value"].get(value) == simdjson::SUCCESS) event.value = value;
  event.unit = TextOf(object, "unit");
  event.condition = TextOf(object, "condition");
  event.problem = TextOf(object, "problem");
  event.starts_unix_nanos = WholeOf(object, "starts");
  event.ends_unix_nanos = WholeOf(object, "ends");
  event.at_unix_nanos = WholeOf(object, "at");
  event.link = TextOf(object, "link");
  return event;
}

Labels LabelsToMatch(const AlertEvent& event) {
  Labels labels = event.labels;
  labels.try_emplace("alertname", event.rule_name);
  labels.try_emplace("severity", event.severity);
  return labels;
}

}  // namespace sightline::notify
