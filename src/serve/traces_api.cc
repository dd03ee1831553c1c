#include "serve/traces_api.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>

#include "query/trace_query.h"
#include "serve/api_error.h"
#include "serve/attribute_json.h"
#include "serve/log_json.h"
#include "serve/trace_json.h"

namespace sightline::serve {
namespace {

constexpr size_t kTraceIdDigits = 32, kSpanIdDigits = 16;

// The range stands in every cursor already.
std::optional<query::TraceCursor> ReadCursor(Params& params, const query::TraceSearch& search) {
  const auto fields = params.Position(3);
  if (fields.empty()) return std::nullopt;
  query::TraceCursor cursor;
  cursor.sort = search.sort;
  cursor.from_unix_nanos = search.filter.from_unix_nanos;
  cursor.to_unix_nanos = search.filter.to_unix_nanos;
  cursor.block = static_cast<uint64_t>(params.PositionNumber(fields[0]));
  cursor.key = static_cast<uint64_t>(params.PositionNumber(fields[1]));
  cursor.trace_id = fields[2];
  if (!IsHexId(cursor.trace_id, kTraceIdDigits)) {
    params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
  }
  return cursor;
}

std::optional<std::string> NextCursor(const Params& params, const std::optional<query::TraceCursor>& next) {
  if (!next) return std::nullopt;
  return params.NextCursor({std::to_string(next->block), std::to_string(next->key), next->trace_id});
}

using Fields = std::vector<std::string>;

// A cursor of spans as fields of a position.
constexpr size_t kSpanFields = 6;

Fields SpanFields(const query::SpanCursor& cursor) {
  return {std::to_string(cursor.block_max),
          std::to_string(cursor.trace_start_unix_nanos),
          std::to_string(cursor.trace_end_unix_nanos),
          std::to_string(cursor.start_unix_nanos),
          cursor.span_id,
          std::to_string(cursor.block)};
}

query::SpanCursor ToSpanCursor(Params& params, std::span<const std::string> fields) {
  query::SpanCursor cursor;
  cursor.block_max = static_cast<uint64_t>(params.PositionNumber(fields[0]));
  cursor.trace_start_unix_nanos = params.PositionNumber(fields[1]);
  cursor.trace_end_unix_nanos = params.PositionNumber(fields[2]);
  cursor.start_unix_nanos = params.PositionNumber(fields[3]);
  cursor.span_id = fields[4];
  cursor.block = static_cast<uint64_t>(params.PositionNumber(fields[5]));
  if (!IsHexId(cursor.span_id, kSpanIdDigits) || cursor.trace_end_unix_nanos < cursor.trace_start_unix_nanos) {
    params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
  }
  return cursor;
}

// The same of its logs.
constexpr size_t kLogFields = 6;

Fields LogFields(const query::LogCursor& cursor) {
  return {std::to_string(cursor.block_max),     std::to_string(cursor.from_unix_nanos),
          std::to_string(cursor.to_unix_nanos), std::to_string(cursor.unix_nanos),
          std::to_string(cursor.block),         std::to_string(cursor.seen)};
}

query::LogCursor ToLogCursor(Params& params, std::span<const std::string> fields) {
  query::LogCursor cursor;
  cursor.sort = query::LogSort::kOldest;
  cursor.block_max = static_cast<uint64_t>(params.PositionNumber(fields[0]));
  cursor.from_unix_nanos = params.PositionNumber(fields[1]);
  cursor.to_unix_nanos = params.PositionNumber(fields[2]);
  cursor.unix_nanos = params.PositionNumber(fields[3]);
  cursor.block = static_cast<uint64_t>(params.PositionNumber(fields[4]));
  const int64_t seen = params.PositionNumber(fields[5]);
  cursor.seen = static_cast<uint32_t>(seen);
  const bool in_range = cursor.unix_nanos >= cursor.from_unix_nanos && cursor.unix_nanos < cursor.to_unix_nanos;
  if (!in_range || seen > UINT32_MAX) params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
  return cursor;
}

// Where a page of a trace ended: one cursor for its two lists, of which one may be at its end.
struct TracePosition {
  std::optional<query::SpanCursor> spans;
  std::optional<query::LogCursor> logs;
};

// None: the first page.
std::optional<TracePosition> ReadTracePosition(Params& params) {
  const Fields fields = params.Position(kSpanFields + kLogFields);
  if (fields.empty()) return std::nullopt;
  TracePosition position;
  const std::span<const std::string> all(fields);
  if (!fields[0].empty()) position.spans = ToSpanCursor(params, all.first(kSpanFields));
  if (!fields[kSpanFields].empty()) position.logs = ToLogCursor(params, all.last(kLogFields));
  return position;
}

std::optional<std::string> NextCursor(const Params& params, const TracePosition& next) {
  if (!next.spans && !next.logs) return std::nullopt;
  Fields fields = next.spans ? SpanFields(*next.spans) : Fields(kSpanFields);
  std::ranges::move(next.logs ? LogFields(*next.logs) : Fields(kLogFields), std::back_inserter(fields));
  return params.NextCursor(std::move(fields));
}

void Add(const store::QueryStats& cost, store::QueryStats& sum) {
  sum.rows_read += cost.rows_read;
  sum.bytes_read += cost.bytes_read;
  sum.elapsed_seconds += cost.elapsed_seconds;
}

// The page's log records. Their attribute sets and what they cost join those of the trace.
Result<query::LogPage> ReadLogs(query::LogReader& reader, query::Trace& trace,
                                const std::optional<TracePosition>& position, uint32_t limit,
                                store::Cancellation* cancellation) {
  limit = std::min(limit, query::kLogsMax);
  Result<query::LogPage> logs = query::LogPage();
  if (!position) {
    logs = reader.GetOfTrace(trace.trace_id, trace.start_unix_nanos, trace.end_unix_nanos, limit, cancellation);
  } else if (position->logs) {
    query::LogSearch search;
    search.filter.trace_id = trace.trace_id;
    search.sort = query::LogSort::kOldest;
    search.limit = limit;
    search.cursor = position->logs;
    logs = reader.Search(search, cancellation);
  }
  if (!logs) return logs;
  std::ranges::move(logs->attribute_sets, std::back_inserter(trace.resources));
  Add(logs->scanned, trace.scanned);
  return logs;
}

}  // namespace

query::SpanFilter ReadSpanFilter(Params& params) {
  query::SpanFilter filter;
  const TimeRange range = params.Range();
  filter.from_unix_nanos = range.from_unix_nanos;
  filter.to_unix_nanos = range.to_unix_nanos;
  filter.service = params.OptionalText("service");
  filter.span_name = params.Text("name");
  filter.status = params.Choice<const char*>("status", "", {{"unset", "Unset"}, {"ok", "Ok"}, {"error", "Error"}});
  filter.min_duration_nanos = params.SpanDurationNanos("min_duration");
  filter.max_duration_nanos = params.SpanDurationNanos("max_duration");
  if (filter.min_duration_nanos && filter.max_duration_nanos &&
      *filter.min_duration_nanos > *filter.max_duration_nanos) {
    params.Refuse("min_duration", {Code::kInvalidArgument, "min_duration is longer than max_duration"});
  }
  filter.attributes = params.Attributes();
  if (const std::string text = params.Text("q"); !text.empty()) {
    auto query = query::TraceQuery::Parse(text);
    if (query) {
      filter.query = *std::move(query);
    } else {
      params.Refuse("q", query.error());
    }
  }
  return filter;
}

void TracesApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/traces", [this](ApiCall& call) { return Search(call); }});
  router.Add({"GET", "/api/v1/traces/scatter", [this](ApiCall& call) { return Scatter(call); }});
  router.Add({"GET", "/api/v1/traces/{trace_id}", [this](ApiCall& call) { return Trace(call); }});
  router.Add({"GET", "/api/v1/traces/{trace_id}/outline", [this](ApiCall& call) { return Outline(call); }});
  router.Add({"GET", "/api/v1/traces/{trace_id}/spans/{span_id}", [this](ApiCall& call) { return Span(call); }});
}

Result<void> TracesApi::Search(ApiCall& call) {
  query::TraceSearch search;
  search.filter = ReadSpanFilter(call.params);
  search.sort = call.params.Choice("sort", query::TraceSort::kNewest,
                                   {{"newest", query::TraceSort::kNewest}, {"slowest", query::TraceSort::kSlowest}});
  search.limit = call.params.Limit();
  search.cursor = ReadCursor(call.params, search);
  SIGHTLINE_TRY(call.params.Check());
  auto page = reader_.Search(search, call.cancellation());
  if (!page) return std::unexpected(page.error());
  call.json.Begin('{').Key("traces").Begin('[');
  for (const auto& trace : page->traces) WriteTraceSummary(call.json, trace);
  call.json.End(']');
  WriteNextCursor(call.json, NextCursor(call.params, page->next));
  WriteScanned(call.json, page->scanned);
  call.json.End('}');
  return {};
}

Result<void> TracesApi::Scatter(ApiCall& call) {
  const query::SpanFilter filter = ReadSpanFilter(call.params);
  const uint32_t limit = call.params.Limit(query::kScatterPointsDefault, query::kScatterPointsMax);
  SIGHTLINE_TRY(call.params.Check());
  auto scatter = reader_.GetScatter(filter, limit, call.cancellation());
  if (!scatter) return std::unexpected(scatter.error());
  call.json.Begin('{').Key("points").Begin('[');
  for (const auto& point : scatter->points) WriteScatterPoint(call.json, point);
  call.json.End(']').Key("matched").UInt(scatter->matched).Key("sampled").Bool(scatter->sampled);
  WriteScanned(call.json, scatter->scanned);
  call.json.End('}');
  return {};
}

Result<void> TracesApi::Trace(ApiCall& call) {
  const uint32_t limit = call.params.Limit(query::kTraceSpansMax, query::kTraceSpansMax);
  const auto position = ReadTracePosition(call.params);
  SIGHTLINE_TRY(call.params.Check());
  query::SpanPageSearch search{.limit = limit, .cursor = position ? position->spans : std::nullopt};
  search.nothing = position && !position->spans;
  auto trace = reader_.GetTrace(call.part("trace_id"), search, call.cancellation());
  if (!trace) return NotThere(call, trace.error(), "trace_id");
  auto logs = ReadLogs(log_reader_, *trace, position, limit, call.cancellation());
  if (!logs) return std::unexpected(logs.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("trace_id").String(trace->trace_id).Key("spans").Begin('[');
  for (const auto& span : trace->spans) {
    if (!json.wanted()) return {};
    WriteSpan(json, span);
  }
  json.End(']').Key("logs").Begin('[');
  for (const auto& record : logs->records) {
    if (!json.wanted()) return {};
    WriteLogRecord(json, record);
  }
  json.End(']');
  WriteAttributeSets(json, trace->resources);
  WriteNextCursor(json, NextCursor(call.params, TracePosition{trace->next, logs->next}));
  WriteScanned(json, trace->scanned);
  json.End('}');
  return {};
}

Result<void> TracesApi::Outline(ApiCall& call) {
  query::SpanPageSearch search;
  search.limit = call.params.Limit(query::kTraceSpansMax, query::kTraceSpansMax);
  const Fields fields = call.params.Position(kSpanFields);
  if (!fields.empty()) search.cursor = ToSpanCursor(call.params, fields);
  SIGHTLINE_TRY(call.params.Check());
  auto outline = reader_.GetOutline(call.part("trace_id"), search, call.cancellation());
  if (!outline) return NotThere(call, outline.error(), "trace_id");
  JsonWriter& json = call.json;
  json.Begin('{').Key("trace_id").String(outline->trace_id);
  json.Key("start_unix_nano").Nanos(outline->start_unix_nanos).Key("duration_nano").UInt(outline->duration_nanos);
  json.Key("sampling");
  if (outline->sampling_policy.empty()) {
    json.Null();
  } else {
    json.Begin('{').Key("policy").String(outline->sampling_policy);
    json.Key("adjusted_count").Number(outline->adjusted_count).End('}');
  }
  json.Key("services").Begin('[');
  for (const auto& service : outline->services) json.String(service);
  json.End(']').Key("spans").Begin('[');
  for (const auto& span : outline->spans) {
    if (!json.wanted()) return {};
    WriteOutlineSpan(json, span);
  }
  json.End(']');
  json.Key("has_critical_path").Bool(outline->has_critical_path);
  std::optional<std::string> next;
  if (outline->next) next = call.params.NextCursor(SpanFields(*outline->next));
  WriteNextCursor(json, next);
  WriteScanned(json, outline->scanned);
  json.End('}');
  return {};
}

Result<void> TracesApi::Span(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const std::string& span_id = call.part("span_id");
  if (span_id.size() != kSpanIdDigits || span_id.find_first_not_of("0123456789abcdefABCDEF") != span_id.npos) {
    return call.Blame("span_id", {Code::kInvalidArgument, fmt::format("\"{}\" is no span id: {} hex digits are wanted",
                                                                      span_id, kSpanIdDigits)});
  }
  auto detail = reader_.GetSpan(call.part("trace_id"), span_id, call.cancellation());
  if (!detail) {
    // Only the first digits of a trace's id can be those of none.
    const bool no_span = detail.error().code == Code::kNotFound && call.part("trace_id").size() == kTraceIdDigits;
    return NotThere(call, detail.error(), no_span ? "span_id" : "trace_id");
  }
  call.json.Begin('{').Key("span");
  WriteSpan(call.json, detail->span);
  WriteAttributeSets(call.json, detail->resources);
  WriteScanned(call.json, detail->scanned);
  call.json.End('}');
  return {};
}

// Who asks for a trace that was sampled out hears that, and when.
Result<void> TracesApi::NotThere(ApiCall& call, const Error& error, const char* where) {
  const std::string& id = call.part("trace_id");
  if (sampling_ != nullptr && error.code == Code::kNotFound) {
    if (const auto dropped = sampling_->FindDropped(id)) {
      call.Send(SampledOutResponse(id, dropped->decided_unix_nanos, dropped->policy));
      return {};
    }
  }
  return call.Blame(where, error);
}

}  // namespace sightline::serve
