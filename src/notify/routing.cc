#include "notify/routing.h"

#include <simdjson.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/json_writer.h"
#include "base/units.h"
#include "state/json_check.h"

namespace sightline::notify {
namespace {

using Json = state::JsonCheck::Json;

constexpr size_t kRoutesMax = 500, kChannelsMax = 20, kGroupByMax = 20, kIdBytesMax = 200, kLabelBytesMax = 200;
constexpr int64_t kSecondNanos = 1'000'000'000, kDayNanos = 86'400 * kSecondNanos;
constexpr std::string_view kEachAlone = "...";

int64_t ReadDuration(state::JsonCheck& check, const Json& json, int64_t min_nanos, int64_t max_nanos) {
  const auto nanos = ParseDuration(check.Text(json, 50));
  if (!check.ok()) return min_nanos;
  if (!nanos) return check.Refuse("{}", nanos.error().message), min_nanos;
  if (*nanos < min_nanos || *nanos > max_nanos) {
    check.Refuse("{} is not between {} and {}", PrintDuration(*nanos), PrintDuration(min_nanos),
                 PrintDuration(max_nanos));
  }
  return *nanos;
}

std::vector<std::string> ReadTexts(state::JsonCheck& check, const Json& json, size_t size_max, size_t bytes_max) {
  std::vector<std::string> texts;
  check.Array(json, size_max, [&](const Json& item) { texts.push_back(check.Text(item, bytes_max, 1)); });
  return texts;
}

Route ReadRoute(state::JsonCheck& check, const Json& json) {
  Route route;
  Grouping& grouping = route.grouping;
  check.Object(
      json,
      {
          {"matchers", false, [&](const Json& value) { route.matchers = ReadMatchers(check, value); }},
          {"channels", true,
           [&](const Json& value) { route.channels = ReadTexts(check, value, kChannelsMax, kIdBytesMax); }},
          {"group_by", false,
           [&](const Json& value) { grouping.by = ReadTexts(check, value, kGroupByMax, kLabelBytesMax); }},
          {"group_wait", false,
           [&](const Json& value) { grouping.wait_nanos = ReadDuration(check, value, 0, kDayNanos); }},
          {"group_interval", false,
           [&](const Json& value) { grouping.interval_nanos = ReadDuration(check, value, kSecondNanos, kDayNanos); }},
          {"repeat_interval", false,
           [&](const Json& value) {
             grouping.repeat_nanos = ReadDuration(check, value, kSecondNanos, 30 * kDayNanos);
           }},
          {"continue", false, [&](const Json& value) { route.goes_on = check.Bool(value); }},
      });
  std::ranges::sort(grouping.by);
  return route;
}

void Add(std::vector<Target>& targets, const std::vector<std::string>& channels, const Grouping& grouping,
         const Labels& labels, const std::string& fingerprint) {
  Labels group_labels;
  const bool each_alone = std::ranges::find(grouping.by, kEachAlone) != grouping.by.end();
  for (const auto& name : grouping.by) {
    if (const auto label = labels.find(name); label != labels.end()) group_labels.insert(*label);
  }
  if (each_alone) group_labels = labels;
  for (const auto& channel : channels) {
    Target target{.channel = channel, .grouping = grouping, .group_labels = group_labels};
    // Labels that an alert is told with may change, its severity for one; it is the same alone for all that.
    if (each_alone) target.grouping.by = {std::string(kEachAlone), fingerprint};
    const std::string key = GroupKey(target);
    if (std::ranges::find(targets, key, GroupKey) == targets.end()) targets.push_back(std::move(target));
  }
}

}  // namespace

Result<Routing> ReadRouting(std::string_view document) {
  simdjson::dom::parser parser;
  Json json;
  if (const auto error = parser.parse(document.data(), document.size()).get(json)) {
    return Fail(Code::kInvalidArgument, "document: it is no JSON ({})", simdjson::error_message(error));
  }
  Routing routing;
  state::JsonCheck check;
  check.Object(
      json,
      {
          {"schema", true, [&](const Json& value) { check.Integer(value, 1, 1); }},
          {"routes", false,
           [&](const Json& value) {
             check.Array(value, kRoutesMax,
                         [&](const Json& item) { routing.routes.push_back(ReadRoute(check, item)); });
           }},
          {"default_channels", false,
           [&](const Json& value) { routing.default_channels = ReadTexts(check, value, kChannelsMax, kIdBytesMax); }},
      });
  SIGHTLINE_TRY(check.result());
  routing.json = simdjson::minify(json);
  return routing;
}

std::vector<std::string> ChannelsOf(const Routing& routing) {
  std::set<std::string> ids(routing.default_channels.begin(), routing.default_channels.end());
  for (const Route& route : routing.routes) ids.insert(route.channels.begin(), route.channels.end());
  return {ids.begin(), ids.end()};
}

std::vector<Target> TargetsOf(const Routing& routing, const Labels& labels, const std::string& fingerprint) {
  std::vector<Target> targets;
  bool taken = false;
  for (const Route& route : routing.routes) {
    if (!AllMatch(route.matchers, labels)) continue;
    taken = true;
    Add(targets, route.channels, route.grouping, labels, fingerprint);
    if (!route.goes_on) break;
  }
  if (!taken) Add(targets, routing.default_channels, Grouping(), labels, fingerprint);
  return targets;
}

std::string GroupKey(const Target& target) {
  JsonWriter json;
  json.Begin('[').String(target.channel);
  const bool each_alone = !target.grouping.by.empty() && target.grouping.by.front() == kEachAlone;
  if (each_alone) return json.String(target.grouping.by.back()).End(']').Take();
  json.Begin('{');
  for (const auto& [name, value] : target.group_labels) json.Key(name).String(value);
  return json.End('}').End(']').Take();
}

}  // namespace sightline::notify
