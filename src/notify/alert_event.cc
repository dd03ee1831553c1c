#include "notify/alert_event.h"

#include <simdjson.h>

#include <array>
#include <cmath>

#include "base/json_writer.h"

namespace sightline::notify {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"firing", "resolved", "no_data", "error"};

void WriteLabels(JsonWriter& json, std::string_view key, const Labels& labels) {
  json.Key(key).Begin('{');
  for (const auto& [name, value] : labels) json.Key(name).String(value);
  json.End('}');
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
  JsonWriter json;
  json.Begin('{').Key("rule_id").String(event.rule_id).Key("rule_name").String(event.rule_name);
  json.Key("fingerprint").String(event.fingerprint);
  WriteLabels(json, "labels", event.labels);
  WriteLabels(json, "annotations", event.annotations);
  json.Key("state").String(EventStateName(event.state)).Key("severity").String(event.severity);
  if (std::isfinite(event.value)) json.Key("value").Number(event.value);
  json.Key("unit").String(event.unit).Key("condition").String(event.condition).Key("problem").String(event.problem);
  json.Key("starts").Int(event.starts_unix_nanos).Key("ends").Int(event.ends_unix_nanos);
  json.Key("at").Int(event.at_unix_nanos).Key("link").String(event.link).End('}');
  return json.Take();
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
