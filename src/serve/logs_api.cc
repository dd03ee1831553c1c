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
  WriteScanned(call.json, page->scanned);
  call.json.End('}');
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
