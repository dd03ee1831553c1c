#include "serve/traces_api.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "query/trace_query.h"
#include "serve/api_error.h"
#include "serve/attribute_json.h"
#include "serve/log_json.h"
#include "serve/trace_json.h"

namespace sightline::serve {
namespace {

constexpr size_t kTraceIdDigits = 32, kSpanIdDigits = 16;

std::optional<uint64_t> Nanos(std::optional<int64_t> duration) {
  if (!duration) return std::nullopt;
  return static_cast<uint64_t>(*duration);
}

query::SpanFilter ReadSpanFilter(Params& params) {
  query::SpanFilter filter;
  const TimeRange range = params.Range();
  filter.from_unix_nanos = range.from_unix_nanos;
  filter.to_unix_nanos = range.to_unix_nanos;
  filter.service = params.OptionalText("service");
  filter.span_name = params.Text("name");
  filter.status = params.Choice<const char*>("status", "", {{"unset", "Unset"}, {"ok", "Ok"}, {"error", "Error"}});
  filter.min_duration_nanos = Nanos(params.DurationNanos("min_duration"));
  filter.max_duration_nanos = Nanos(params.DurationNanos("max_duration"));
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
  if (cursor.trace_id.size() != 32 || cursor.trace_id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
  }
  return cursor;
}

std::optional<std::string> NextCursor(const Params& params, const std::optional<query::TraceCursor>& next) {
  if (!next) return std::nullopt;
  return params.NextCursor({std::to_string(next->block), std::to_string(next->key), next->trace_id});
}

// The records' attribute sets and what they cost join those of the trace.
Result<query::LogPage> ReadLogs(query::LogReader& reader, query::Trace& trace, store::Cancellation* cancellation) {
  int64_t last_end = trace.spans.front().start_unix_nanos;
  for (const auto& span : trace.spans) {
    const auto duration = static_cast<int64_t>(
        std::min<uint64_t>(span.duration_nanos, static_cast<uint64_t>(INT64_MAX - span.start_unix_nanos)));
    last_end = std::max(last_end, span.start_unix_nanos + duration);
  }
  auto logs = reader.GetOfTrace(trace.trace_id, trace.spans.front().start_unix_nanos, last_end, cancellation);
  if (!logs) return logs;
  std::ranges::move(logs->attribute_sets, std::back_inserter(trace.resources));
  trace.scanned.rows_read += logs->scanned.rows_read;
  trace.scanned.bytes_read += logs->scanned.bytes_read;
  trace.scanned.elapsed_seconds += logs->scanned.elapsed_seconds;
  return logs;
}

}  // namespace

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
  SIGHTLINE_TRY(call.params.Check());
  auto trace = reader_.GetTrace(call.part("trace_id"), call.cancellation());
  if (!trace) return NotThere(call, trace.error(), "trace_id");
  auto logs = ReadLogs(log_reader_, *trace, call.cancellation());
  if (!logs) return std::unexpected(logs.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("trace_id").String(trace->trace_id).Key("cut").Bool(trace->cut).Key("spans").Begin('[');
  for (const auto& span : trace->spans) {
    if (!json.wanted()) return {};
    WriteSpan(json, span);
  }
  json.End(']').Key("logs").Begin('[');
  for (const auto& record : logs->records) {
    if (!json.wanted()) return {};
    WriteLogRecord(json, record);
  }
  json.End(']').Key("logs_cut").Bool(logs->next.has_value());
  WriteAttributeSets(json, trace->resources);
  WriteScanned(json, trace->scanned);
  json.End('}');
  return {};
}

Result<void> TracesApi::Outline(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto outline = reader_.GetOutline(call.part("trace_id"), call.cancellation());
  if (!outline) return NotThere(call, outline.error(), "trace_id");
  JsonWriter& json = call.json;
  json.Begin('{').Key("trace_id").String(outline->trace_id).Key("cut").Bool(outline->cut);
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
