#include "serve/logs_api.h"

#include <limits>
#include <optional>

#include "serve/attribute_json.h"
#include "serve/log_json.h"

namespace sightline::serve {
namespace {

constexpr size_t kTraceIdDigits = 32, kSpanIdDigits = 16;

// The range stands in every cursor already.
std::optional<query::LogCursor> ReadCursor(Params& params, const query::LogSearch& search) {
  const auto fields = params.Position(4);
  if (fields.empty()) return std::nullopt;
  query::LogCursor cursor;
  cursor.sort = search.sort;
  cursor.from_unix_nanos = search.filter.from_unix_nanos;
  cursor.to_unix_nanos = search.filter.to_unix_nanos;
  cursor.block_max = static_cast<uint64_t>(params.PositionNumber(fields[0]));
  cursor.unix_nanos = params.PositionNumber(fields[1]);
  cursor.block = static_cast<uint64_t>(params.PositionNumber(fields[2]));
  const int64_t seen = params.PositionNumber(fields[3]);
  const bool in_range = cursor.unix_nanos >= cursor.from_unix_nanos && cursor.unix_nanos < cursor.to_unix_nanos;
  if (!in_range || seen > std::numeric_limits<uint32_t>::max()) {
    params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
  }
  cursor.seen = static_cast<uint32_t>(seen);
  return cursor;
}

std::optional<std::string> NextCursor(const Params& params, const std::optional<query::LogCursor>& next) {
  if (!next) return std::nullopt;
  return params.NextCursor({std::to_string(next->block_max), std::to_string(next->unix_nanos),
                            std::to_string(next->block), std::to_string(next->seen)});
}

void WriteLogGroup(JsonWriter& json, const query::LogGroup& group) {
  json.Begin('{').Key("literals").Begin('[');
  for (const auto& literal : group.literals) json.String(literal);
  json.End(']').Key("records").Number(group.records).Key("errors").Number(group.errors);
  json.Key("last_unix_nano").Nanos(group.last_unix_nanos).Key("sparkline").Begin('[');
  for (const double records : group.sparkline) json.Number(records);
  json.End(']').End('}');
}

}  // namespace

query::LogFilter ReadLogFilter(Params& params, bool allow_clock_skew) {
  query::LogFilter filter;
  filter.trace_id = params.HexId("trace_id", kTraceIdDigits);
  filter.span_id = params.HexId("span_id", kSpanIdDigits);
  const TimeRange range =
      params.Range({.all_times_by_default = !filter.trace_id.empty(), .allow_clock_skew = allow_clock_skew});
  filter.from_unix_nanos = range.from_unix_nanos;
  filter.to_unix_nanos = range.to_unix_nanos;
  filter.service = params.OptionalText("service");
  // The least of OTLP's numbers of that name.
  filter.severity_min = params.Choice<uint8_t>(
      "severity", 0, {{"trace", 1}, {"debug", 5}, {"info", 9}, {"warn", 13}, {"error", 17}, {"fatal", 21}});
  filter.text = params.Text("text");
  filter.attributes = params.Attributes();
  filter.instance_of = params.Text("instance_of");
  if (const std::string text = params.Text("q"); !text.empty()) {
    auto condition = query::ParseLogQuery(text);
    if (condition) {
      filter.condition = *std::move(condition);
    } else {
      params.Refuse("q", condition.error());
    }
  }
  return filter;
}

void LogsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/logs", [this](ApiCall& call) { return Search(call); }});
  router.Add({"GET", "/api/v1/logs/volume", [this](ApiCall& call) { return Volume(call); }});
  router.Add({"GET", "/api/v1/logs/groups", [this](ApiCall& call) { return Groups(call); }});
}

Result<void> LogsApi::Search(ApiCall& call) {
  query::LogSearch search;
  search.filter = ReadLogFilter(call.params, /*allow_clock_skew=*/true);
  search.sort = call.params.Choice("sort", query::LogSort::kNewest,
                                   {{"newest", query::LogSort::kNewest}, {"oldest", query::LogSort::kOldest}});
  search.limit = call.params.Limit();
  search.cursor = ReadCursor(call.params, search);
  SIGHTLINE_TRY(call.params.Check());
  auto page = reader_.Search(search, call.cancellation());
  if (!page) return std::unexpected(page.error());
  call.json.Begin('{').Key("logs").Begin('[');
  for (const auto& record : page->records) {
    if (!call.json.wanted()) return {};
    WriteLogRecord(call.json, record);
  }
  call.json.End(']');
  WriteAttributeSets(call.json, page->attribute_sets);
  WriteNextCursor(call.json, NextCursor(call.params, page->next));
  if (page->instance) {
    call.json.Key("instance").Begin('{').Key("service").String(page->instance->service);
    call.json.Key("attribute").String(page->instance->attribute);
    call.json.Key("value").String(page->instance->value).End('}');
  }
  WriteScanned(call.json, page->scanned);
  call.json.End('}');
  return {};
}

Result<void> LogsApi::Groups(ApiCall& call) {
  query::LogGroupSearch search;
  Params& params = call.params;
  const std::string text = params.Text("q");
  const TimeRange range = params.Range({.allow_clock_skew = false});
  search.by = params.Fields("by", query::kLogGroupFieldsMax);
  search.limit = params.Limit(search.limit, query::kLogGroupsMax);
  SIGHTLINE_TRY(params.Check());
  auto query = query::ParseItemQuery(otlp::Signal::kLogs, text, range.from_unix_nanos, range.to_unix_nanos);
  if (!query) return call.Blame("q", query.error());
  search.query = *std::move(query);
  auto list = groups_.Read(search, call.cancellation());
  if (!list) return call.Blame("by", list.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(range.from_unix_nanos).Key("to_unix_nano").Nanos(range.to_unix_nanos);
  json.Key("fields").Begin('[');
  for (const auto& field : list->fields) json.String(field);
  json.End(']').Key("records").Number(list->records).Key("group_count").UInt(list->groups_in_all);
  json.Key("one_in").Number(list->one_in).Key("groups").Begin('[');
  for (const auto& group : list->groups) WriteLogGroup(json, group);
  json.End(']');
  WriteScanned(json, list->scanned);
  json.End('}');
  return {};
}

Result<void> LogsApi::Volume(ApiCall& call) {
  const query::LogFilter filter = ReadLogFilter(call.params, /*allow_clock_skew=*/false);
  const int64_t step_seconds = call.params.StepSeconds({filter.from_unix_nanos, filter.to_unix_nanos});
  SIGHTLINE_TRY(call.params.Check());
  auto volume = reader_.GetVolume(filter, step_seconds, call.cancellation());
  if (!volume) return call.Blame("step", volume.error());
  WriteLogVolume(call.json, *volume, step_seconds);
  WriteScanned(call.json, volume->scanned);
  call.json.End('}');
  return {};
}

}  // namespace sightline::serve
