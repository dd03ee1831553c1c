#include "serve/query_api.h"

#include "serve/span_rows_json.h"

namespace sightline::serve {
namespace {

// Of lists that a cursor continues, which keeps the range.
Result<query::ItemQuery> ReadSpanQuery(ApiCall& call, const std::string& text, const TimeRange& range) {
  auto parsed = query::ParseItemQuery(otlp::Signal::kTraces, text, range.from_unix_nanos, range.to_unix_nanos);
  if (!parsed) return call.Blame("q", parsed.error());
  return parsed;
}

std::optional<query::GroupCursor> ReadGroupCursor(Params& params) {
  const auto fields = params.Position(2);
  if (fields.empty()) return std::nullopt;
  query::GroupCursor cursor;
  cursor.block = static_cast<uint64_t>(params.PositionNumber(fields[0]));
  const int64_t seen = params.PositionNumber(fields[1]);
  if (seen > query::kGroupsPagedMax) params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
  cursor.seen = static_cast<uint32_t>(seen);
  return cursor;
}

std::optional<query::SpanListCursor> ReadSpanCursor(Params& params) {
  const auto fields = params.Position(5);
  if (fields.empty()) return std::nullopt;
  query::SpanListCursor cursor;
  cursor.block_max = static_cast<uint64_t>(params.PositionNumber(fields[0]));
  cursor.key = static_cast<uint64_t>(params.PositionNumber(fields[1]));
  cursor.trace_id = fields[2];
  cursor.span_id = fields[3];
  cursor.block = static_cast<uint64_t>(params.PositionNumber(fields[4]));
  if (!IsHexId(cursor.trace_id, 32) || (!cursor.span_id.empty() && !IsHexId(cursor.span_id, 16))) {
    params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
  }
  return cursor;
}

std::optional<std::string> NextCursor(const Params& params, const std::optional<query::SpanListCursor>& next) {
  if (!next) return std::nullopt;
  return params.NextCursor({std::to_string(next->block_max), std::to_string(next->key), next->trace_id, next->span_id,
                            std::to_string(next->block)});
}

void WriteGroup(JsonWriter& json, const query::SpanGroup& group) {
  json.Begin('{').Key("literals").Begin('[');
  for (const auto& literal : group.literals) json.String(literal);
  json.End(']').Key("spans").Number(group.spans).Key("errors").Number(group.errors);
  json.Key("p50_nano").Number(group.p50_nanos).Key("p95_nano").Number(group.p95_nanos);
  json.Key("p99_nano").Number(group.p99_nanos).Key("max_nano").Number(group.max_nanos);
  json.Key("sparkline").Begin('[');
  for (const double spans : group.sparkline) json.Number(spans);
  json.End(']').End('}');
}

void WriteSide(JsonWriter& json, std::string_view name, const query::ExplainedSide& side) {
  json.Key(name).Begin('{').Key("spans").Number(side.spans).Key("one_in").Number(side.one_in);
  json.Key("independent").Number(side.independent).End('}');
}

void WriteExplained(JsonWriter& json, const query::ExplainedAttribute& attribute) {
  json.Begin('{').Key("field").String(attribute.field).Key("of_trace").Bool(attribute.of_trace);
  json.Key("score").Number(attribute.score).Key("condition").String(attribute.condition);
  json.Key("selection").Number(attribute.selection).Key("baseline").Number(attribute.baseline);
  json.Key("values").Begin('[');
  for (const auto& value : attribute.values) {
    json.Begin('{').Key("literal").String(value.literal).Key("selection").Number(value.selection);
    json.Key("baseline").Number(value.baseline).Key("p_value").Number(value.p_value);
    json.Key("differs").Bool(value.differs).Key("condition").String(value.condition).End('}');
  }
  json.End(']').Key("numbers");
  if (attribute.bins.empty()) {
    json.Null().End('}');
    return;
  }
  json.Begin('{').Key("selection_median").Number(attribute.selection_median);
  json.Key("baseline_median").Number(attribute.baseline_median).Key("p_value").Number(attribute.p_value);
  json.Key("bins").Begin('[');
  for (const auto& bin : attribute.bins) {
    json.Begin('{').Key("from").Number(bin.from).Key("to").Number(bin.to).Key("selection").Number(bin.selection);
    json.Key("baseline").Number(bin.baseline).End('}');
  }
  json.End(']').End('}').End('}');
}

}  // namespace

void QueryApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/query/series", [this](ApiCall& call) { return GetSeries(call); }});
  router.Add({"GET", "/api/v1/query/groups", [this](ApiCall& call) { return GetGroups(call); }});
  router.Add({"GET", "/api/v1/query/heatmap", [this](ApiCall& call) { return GetHeatmap(call); }});
  router.Add({"GET", "/api/v1/query/spans", [this](ApiCall& call) { return GetSpans(call); }});
  router.Add({"GET", "/api/v1/query/explain", [this](ApiCall& call) { return GetExplanation(call); }});
}

Result<void> QueryApi::GetSeries(ApiCall& call) {
  query::SpanSeriesSearch search;
  const std::string text = call.params.Text("q");
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.step_seconds = call.params.StepSeconds(range);
  search.limit = call.params.Limit(kPageItemsDefault, query::kSpanSeriesMax);
  SIGHTLINE_TRY(call.params.Check());
  auto parsed = query::SpanSeriesQuery::Parse(text);
  if (!parsed) return call.Blame("q", parsed.error());
  search.query = *std::move(parsed);
  auto answer = readers_.series.Read(search, call.cancellation());
  if (!answer) return call.Blame("q", answer.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(answer->from_unix_nanos);
  json.Key("to_unix_nano").Nanos(answer->to_unix_nanos);
  json.Key("step_seconds").Int(answer->step_seconds).Key("series").Begin('[');
  for (const auto& series : answer->series) {
    if (!json.wanted()) return {};
    json.Begin('{').Key("labels").Begin('[');
    for (const auto& [field, literal] : series.labels) {
      json.Begin('{').Key("field").String(field).Key("literal").String(literal).End('}');
    }
    json.End(']').Key("values").Begin('[');
    for (const double value : series.values) json.Number(value);
    json.End(']').End('}');
  }
  json.End(']').Key("is_cut").Bool(answer->is_cut).Key("one_in").Number(answer->one_in);
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

Result<void> QueryApi::GetGroups(ApiCall& call) {
  query::GroupSearch search;
  Params& params = call.params;
  const std::string text = params.Text("q");
  const TimeRange range = params.Range({.allow_clock_skew = false});
  search.by = params.Fields("by", query::kGroupFieldsMax);
  search.sort = params.Choice(
      "sort", query::GroupSort::kCount,
      {{"count", query::GroupSort::kCount}, {"errors", query::GroupSort::kErrors}, {"p99", query::GroupSort::kP99}});
  search.limit = params.Limit(kPageItemsDefault, query::kGroupsMax);
  search.cursor = ReadGroupCursor(params);
  SIGHTLINE_TRY(params.Check());
  auto parsed = ReadSpanQuery(call, text, range);
  if (!parsed) return std::unexpected(parsed.error());
  search.query = *std::move(parsed);
  auto page = readers_.groups.Read(search, call.cancellation());
  if (!page) return call.Blame("by", page.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(range.from_unix_nanos).Key("to_unix_nano").Nanos(range.to_unix_nanos);
  json.Key("fields").Begin('[');
  for (const auto& field : page->fields) json.String(field);
  json.End(']').Key("spans").Number(page->spans).Key("errors").Number(page->errors);
  json.Key("group_count").UInt(page->groups_in_all).Key("one_in").Number(page->one_in).Key("groups").Begin('[');
  for (const auto& group : page->groups) {
    if (!json.wanted()) return {};
    WriteGroup(json, group);
  }
  json.End(']');
  std::optional<std::string> next;
  if (page->next) {
    next = params.NextCursor({std::to_string(page->next->block), std::to_string(page->next->seen)});
  }
  WriteNextCursor(json, next);
  WriteScanned(json, page->scanned);
  json.End('}');
  return {};
}

Result<void> QueryApi::GetHeatmap(ApiCall& call) {
  query::HeatmapSearch search;
  Params& params = call.params;
  const std::string text = params.Text("q");
  const TimeRange range = params.Range({.allow_clock_skew = false});
  search.columns = params.Count("columns", search.columns, query::kHeatmapColumnsMax);
  search.buckets_per_doubling =
      params.Count("buckets", search.buckets_per_doubling, query::kHeatmapBucketsPerDoublingMax);
  SIGHTLINE_TRY(params.Check());
  auto parsed = ReadSpanQuery(call, text, range);
  if (!parsed) return std::unexpected(parsed.error());
  search.query = *std::move(parsed);
  auto heatmap = readers_.heatmap.Read(search, call.cancellation());
  if (!heatmap) return call.Blame("q", heatmap.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(range.from_unix_nanos).Key("to_unix_nano").Nanos(range.to_unix_nanos);
  json.Key("column_nano").Int(heatmap->column_nanos).Key("columns").UInt(heatmap->columns);
  json.Key("buckets_per_doubling").UInt(heatmap->buckets_per_doubling);
  json.Key("spans").Number(heatmap->spans).Key("errors").Number(heatmap->errors);
  json.Key("one_in").Number(heatmap->one_in).Key("cells").Begin('[');
  for (const auto& cell : heatmap->cells) {
    if (!json.wanted()) return {};
    json.Begin('[').UInt(cell.column).Int(cell.bucket).Number(cell.spans).Number(cell.errors).End(']');
  }
  json.End(']');
  WriteScanned(json, heatmap->scanned);
  json.End('}');
  return {};
}

Result<void> QueryApi::GetSpans(ApiCall& call) {
  query::SpanListSearch search;
  Params& params = call.params;
  const std::string text = params.Text("q");
  const TimeRange range = params.Range();
  search.select = params.Fields("select", query::kSpanListFieldsMax);
  search.sort = params.Choice("sort", query::TraceSort::kNewest,
                              {{"newest", query::TraceSort::kNewest}, {"slowest", query::TraceSort::kSlowest}});
  search.limit = params.Limit(kPageItemsDefault, query::kSpanListMax);
  search.cursor = ReadSpanCursor(params);
  SIGHTLINE_TRY(params.Check());
  auto parsed = ReadSpanQuery(call, text, range);
  if (!parsed) return std::unexpected(parsed.error());
  search.query = *std::move(parsed);
  auto page = readers_.spans.Read(search, call.cancellation());
  if (!page) return call.Blame("select", page.error());
  JsonWriter& json = call.json;
  json.Begin('{');
  WriteSpanRows(json, page->fields, page->spans);
  WriteNextCursor(json, NextCursor(params, page->next));
  WriteScanned(json, page->scanned);
  json.End('}');
  return {};
}

Result<void> QueryApi::GetExplanation(ApiCall& call) {
  query::ExplainSearch search;
  Params& params = call.params;
  const std::string text = params.Text("q");
  const TimeRange range = params.Range();
  query::SpanSelection& selection = search.selection;
  selection.condition = params.Text("selection");
  selection.from_unix_nanos = params.UnixNanos("selection_from");
  selection.to_unix_nanos = params.UnixNanos("selection_to");
  selection.min_duration_nanos = params.SpanDurationNanos("min_duration");
  selection.max_duration_nanos = params.SpanDurationNanos("max_duration");
  search.baseline_from_unix_nanos = params.UnixNanos("baseline_from");
  search.baseline_to_unix_nanos = params.UnixNanos("baseline_to");
  search.limit = params.Limit(search.limit, query::kExplainAttributesMax);
  SIGHTLINE_TRY(params.Check());
  auto parsed = ReadSpanQuery(call, text, range);
  if (!parsed) return std::unexpected(parsed.error());
  search.query = *std::move(parsed);
  auto explanation = readers_.explainer.Explain(search, call.cancellation());
  if (!explanation) return call.Blame("selection", explanation.error());
  JsonWriter& json = call.json;
  json.Begin('{');
  WriteSide(json, "selection", explanation->selection);
  WriteSide(json, "baseline", explanation->baseline);
  json.Key("comparisons").UInt(explanation->comparisons).Key("attributes").Begin('[');
  for (const auto& attribute : explanation->attributes) WriteExplained(json, attribute);
  json.End(']');
  WriteScanned(json, explanation->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
