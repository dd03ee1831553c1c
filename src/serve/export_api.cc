#include "serve/export_api.h"

#include <algorithm>
#include <optional>
#include <span>

#include "query/otlp_items.h"
#include "serve/export_file.h"
#include "serve/export_rows.h"
#include "serve/logs_api.h"
#include "serve/traces_api.h"

namespace sightline::serve {
namespace {

// Of whole spans no more are held at once.
constexpr uint32_t kPageItems = 1000;

ExportFormat ReadFormat(Params& params) {
  return params.Choice("format", ExportFormat::kJsonLines,
                       {{"csv", ExportFormat::kCsv},
                        {"jsonl", ExportFormat::kJsonLines},
                        {"otlp-json", ExportFormat::kOtlpJson},
                        {"otlp-jsonl", ExportFormat::kOtlpJsonLines},
                        {"otlp-proto", ExportFormat::kOtlpProtobuf}});
}

// Page after page until there is no more, or the file is full. `read` gives a page for a limit and a cursor (none: the
// first); `add` puts it into the file.
template <typename Cursor, typename Read, typename Add>
Result<void> Fill(ExportFile& file, Read read, Add add) {
  std::optional<Cursor> cursor;
  do {
    auto page = read(static_cast<uint32_t>(std::min<uint64_t>(kPageItems, file.left())), cursor);
    if (!page) return std::unexpected(page.error());
    SIGHTLINE_TRY(add(*page));
    cursor = std::move(page->next);
  } while (cursor && file.left() > 0);
  return file.End(/*has_more=*/cursor.has_value());
}

std::vector<query::SpanPoint> PointsOf(std::span<const query::ListedSpan> listed) {
  std::vector<query::SpanPoint> points;
  for (const auto& span : listed) points.push_back(span.span);
  return points;
}

}  // namespace

void ExportApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/export/spans", [this](ApiCall& call) { return Spans(call); }, RunsOn::kExportThread});
  router.Add({"GET", "/api/v1/export/traces", [this](ApiCall& call) { return Traces(call); }, RunsOn::kExportThread});
  router.Add({"GET", "/api/v1/export/logs", [this](ApiCall& call) { return Logs(call); }, RunsOn::kExportThread});
}

Result<void> ExportApi::Spans(ApiCall& call) {
  query::SpanListSearch search;
  Params& params = call.params;
  const std::string text = params.Text("q");
  const TimeRange range = params.Range();
  const ExportFormat format = ReadFormat(params);
  search.select = params.Fields("select", query::kSpanListFieldsMax);
  search.sort = params.Choice("sort", query::TraceSort::kNewest,
                              {{"newest", query::TraceSort::kNewest}, {"slowest", query::TraceSort::kSlowest}});
  const uint32_t limit = params.Limit(kExportItemsDefault, kExportItemsMax);
  SIGHTLINE_TRY(params.Check());
  auto parsed = query::ParseItemQuery(otlp::Signal::kTraces, text, range.from_unix_nanos, range.to_unix_nanos);
  if (!parsed) return call.Blame("q", parsed.error());
  search.query = *std::move(parsed);
  ExportFile file(call, format, "spans", otlp::Signal::kTraces, limit);
  const auto read = [&](uint32_t items, const std::optional<query::SpanListCursor>& cursor) {
    search.limit = items;
    search.cursor = cursor;
    return readers_.span_list.Read(search, call.cancellation());
  };
  const auto add = [&](query::SpanListPage& page) -> Result<void> {
    // A page of traces that were judged may have more.
    if (page.spans.size() > file.left()) {
      page.spans.resize(file.left());
      file.Cut();
    }
    if (page.is_cut) file.Cut();
    if (!file.begun()) file.Begin(SpanColumns(page.fields));
    file.Count(page.spans.size());
    if (IsOtlp(format)) {
      for (std::span<const query::ListedSpan> left = page.spans; !left.empty();) {
        const auto some = left.first(std::min<size_t>(left.size(), kPageItems));
        auto whole = readers_.whole_spans.Read(PointsOf(some), call.cancellation());
        if (!whole) return std::unexpected(whole.error());
        SIGHTLINE_TRY(file.AddOtlp(query::EncodeSpans(whole->spans, whole->sets)));
        left = left.subspan(some.size());
      }
      return {};
    }
    for (const auto& span : page.spans) {
      SIGHTLINE_TRY(format == ExportFormat::kCsv ? file.AddCsv(SpanRow(span))
                                                 : file.AddJson(SpanLine(span, page.fields)));
    }
    return {};
  };
  auto done = Fill<query::SpanListCursor>(file, read, add);
  return done ? done : call.Blame("select", done.error());
}

Result<void> ExportApi::Traces(ApiCall& call) {
  query::TraceSearch search;
  Params& params = call.params;
  search.filter = ReadSpanFilter(params);
  const ExportFormat format = ReadFormat(params);
  search.sort = params.Choice("sort", query::TraceSort::kNewest,
                              {{"newest", query::TraceSort::kNewest}, {"slowest", query::TraceSort::kSlowest}});
  const uint32_t limit = params.Limit(kExportTracesDefault, kExportTracesMax);
  SIGHTLINE_TRY(params.Check());
  ExportFile file(call, format, "traces", otlp::Signal::kTraces, limit);
  const auto read = [&](uint32_t items, const std::optional<query::TraceCursor>& cursor) {
    search.limit = items;
    search.cursor = cursor;
    return readers_.traces.Search(search, call.cancellation());
  };
  const auto add = [&](query::TracePage& page) -> Result<void> {
    if (!file.begun()) file.Begin(TraceColumns());
    file.Count(page.traces.size());
    if (!IsOtlp(format)) {
      for (const auto& trace : page.traces) {
        SIGHTLINE_TRY(format == ExportFormat::kCsv ? file.AddCsv(TraceRow(trace)) : file.AddJson(TraceLine(trace)));
      }
      return {};
    }
    std::vector<query::SpanPoint> points;
    for (const auto& trace : page.traces) points.push_back(trace.matched);
    Result<void> added;
    const auto take = [&](const query::SpanBatch& batch) {
      added = file.AddOtlp(query::EncodeSpans(batch.spans, batch.sets));
      return added.has_value();
    };
    auto done = readers_.whole_spans.ReadTraces(points, take, call.cancellation());
    return added ? done : added;
  };
  return Fill<query::TraceCursor>(file, read, add);
}

Result<void> ExportApi::Logs(ApiCall& call) {
  query::LogSearch search;
  Params& params = call.params;
  search.filter = ReadLogFilter(params, /*allow_clock_skew=*/true);
  const ExportFormat format = ReadFormat(params);
  search.sort = params.Choice("sort", query::LogSort::kNewest,
                              {{"newest", query::LogSort::kNewest}, {"oldest", query::LogSort::kOldest}});
  const std::vector<std::string> select = params.Fields("select", query::kSpanListFieldsMax);
  const uint32_t limit = params.Limit(kExportItemsDefault, kExportItemsMax);
  SIGHTLINE_TRY(params.Check());
  LogRows rows;
  if (auto chosen = rows.Select(select); !chosen) return call.Blame("select", chosen.error());
  ExportFile file(call, format, "logs", otlp::Signal::kLogs, limit);
  const auto read = [&](uint32_t items, const std::optional<query::LogCursor>& cursor) {
    search.limit = items;
    search.cursor = cursor;
    return readers_.logs.Search(search, call.cancellation());
  };
  const auto add = [&](query::LogPage& page) -> Result<void> {
    if (!file.begun()) file.Begin(rows.Columns());
    file.Count(page.records.size());
    if (IsOtlp(format)) return file.AddOtlp(query::EncodeLogs(page.records, page.attribute_sets));
    for (const auto& record : page.records) {
      SIGHTLINE_TRY(format == ExportFormat::kCsv ? file.AddCsv(rows.Row(record, page.attribute_sets))
                                                 : file.AddJson(LogRows::Line(record, page.attribute_sets)));
    }
    return {};
  };
  return Fill<query::LogCursor>(file, read, add);
}

}  // namespace sightline::serve
