#include "serve/custom_dashboard.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <string_view>

#include "serve/json_writer.h"

namespace sightline::serve {
namespace {

constexpr int kPanelColumns = 8, kPanelRows = 8, kPanelsInARow = 3, kSeriesShown = 10;
constexpr std::string_view kFilter = "{ resource.service.name =~ $service }";
constexpr size_t kTitleBytesMax = 200, kDescriptionBytesMax = 1000;

// Not within a character. Bytes that are no characters are written as three each.
std::string Shortened(std::string_view text, size_t bytes_max) {
  if (!simdjson::validate_utf8(text.data(), text.size())) bytes_max /= 3;
  if (text.size() <= bytes_max) return std::string(text);
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return std::string(text.substr(0, bytes_max));
}

void WriteQuery(JsonWriter& json, const query::MetricInfo& metric, std::string_view name, std::string_view aggregation,
                std::string_view group_by, std::string_view legend) {
  json.Begin('{').Key("name").String(name).Key("source").String("metrics").Key("metric").String(metric.key.name);
  json.Key("type").String(query::MetricKindName(metric.key.kind)).Key("query").String(kFilter);
  if (!aggregation.empty()) json.Key("aggregation").String(aggregation);
  if (!group_by.empty()) json.Key("group_by").Begin('[').String(group_by).End(']');
  if (!legend.empty()) json.Key("legend").String(legend);
  json.Key("top").Int(kSeriesShown).End('}');
}

void WritePanel(JsonWriter& json, const query::MetricInfo& metric, int index) {
  const bool histogram =
      metric.key.kind == query::MetricKind::kHistogram || metric.key.kind == query::MetricKind::kExponentialHistogram;
  const bool counter = metric.key.kind == query::MetricKind::kSum && metric.key.monotonic;
  json.Begin('{')
      .Key("id")
      .String(fmt::format("m{}", index))
      .Key("title")
      .String(Shortened(metric.key.name, kTitleBytesMax));
  if (!metric.description.empty()) {
    json.Key("description").String(Shortened(metric.description, kDescriptionBytesMax));
  }
  json.Key("grid").Begin('{').Key("x").Int(index % kPanelsInARow * kPanelColumns);
  json.Key("y").Int(index / kPanelsInARow * kPanelRows).Key("w").Int(kPanelColumns).Key("h").Int(kPanelRows).End('}');
  json.Key("display").String(counter ? "stacked" : "line").Key("queries").Begin('[');
  if (histogram) {
    WriteQuery(json, metric, "A", "p50", "", "p50");
    WriteQuery(json, metric, "B", "p95", "", "p95");
    WriteQuery(json, metric, "C", "p99", "", "p99");
  } else {
    const auto& keys = metric.attribute_keys;
    WriteQuery(json, metric, "A", "", keys.empty() ? std::string_view() : std::string_view(keys.front()), "");
  }
  json.End(']').End('}');
}

}  // namespace

std::string CustomDashboardJson(const std::vector<query::MetricInfo>& metrics) {
  JsonWriter json;
  std::string description = "Metrics that no other ready dashboard shows.";
  if (metrics.size() > kCustomPanelsMax) {
    description += fmt::format(" The first {} of {} by name.", kCustomPanelsMax, metrics.size());
  }
  json.Begin('{').Key("schema").Int(1).Key("title").String("Custom metrics").Key("description").String(description);
  json.Key("tags").Begin('[').String("metrics").End(']').Key("variables").Begin('[');
  json.Begin('{').Key("name").String("service").Key("label").String("Service").Key("kind").String("field");
  json.Key("field").String("resource.service.name").Key("multi").Bool(true).Key("all").Bool(true).End('}').End(']');
  json.Key("annotations")
      .Begin('[')
      .Begin('{')
      .Key("kind")
      .String("deployments")
      .Key("service")
      .String("$service")
      .End('}')
      .End(']');
  json.Key("panels").Begin('[');
  int index = 0;
  for (const auto& metric : metrics) {
    if (index == static_cast<int>(kCustomPanelsMax)) break;
    WritePanel(json, metric, index++);
  }
  json.End(']').End('}');
  return json.Take();
}

}  // namespace sightline::serve
