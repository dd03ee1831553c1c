#include "serve/search_sql_api.h"

#include "serve/logs_api.h"
#include "serve/traces_api.h"

namespace sightline::serve {
namespace {

query::TraceSort ReadTraceSort(Params& params) {
  return params.Choice("sort", query::TraceSort::kNewest,
                       {{"newest", query::TraceSort::kNewest}, {"slowest", query::TraceSort::kSlowest}});
}

}  // namespace

void SearchSqlApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/query/sql/spans", [this](ApiCall& call) { return Spans(call); }});
  router.Add({"GET", "/api/v1/query/sql/traces", [this](ApiCall& call) { return Traces(call); }});
  router.Add({"GET", "/api/v1/query/sql/logs", [this](ApiCall& call) { return Logs(call); }});
}

Result<void> SearchSqlApi::Spans(ApiCall& call) {
  Params& params = call.params;
  const std::string text = params.Text("q");
  const TimeRange range = params.Range();
  const query::TraceSort sort = ReadTraceSort(params);
  SIGHTLINE_TRY(params.Check());
  auto parsed = query::ParseItemQuery(otlp::Signal::kTraces, text, range.from_unix_nanos, range.to_unix_nanos);
  if (!parsed) return call.Blame("q", parsed.error());
  return Answer(call, query::SpanSearchSql(source_, *parsed, sort, call.cancellation()));
}

Result<void> SearchSqlApi::Traces(ApiCall& call) {
  const query::SpanFilter filter = ReadSpanFilter(call.params);
  const query::TraceSort sort = ReadTraceSort(call.params);
  SIGHTLINE_TRY(call.params.Check());
  return Answer(call, query::TraceSearchSql(source_, filter, sort, call.cancellation()));
}

Result<void> SearchSqlApi::Logs(ApiCall& call) {
  const query::LogFilter filter = ReadLogFilter(call.params, /*allow_clock_skew=*/true);
  const query::LogSort sort = call.params.Choice(
      "sort", query::LogSort::kNewest, {{"newest", query::LogSort::kNewest}, {"oldest", query::LogSort::kOldest}});
  SIGHTLINE_TRY(call.params.Check());
  return Answer(call, query::LogSearchSql(source_, filter, sort, call.cancellation()));
}

// What is given is what POST /sql takes.
Result<void> SearchSqlApi::Answer(ApiCall& call, Result<std::string> sql) {
  if (!sql) return call.Blame("q", sql.error());
  if (auto checked = runner_.Check(*sql, ""); !checked) {
    return Fail(Code::kInternal, "the SQL of this search is not taken: {}", checked.error().message);
  }
  call.json.Begin('{').Key("sql").String(*sql).End('}');
  return {};
}

}  // namespace sightline::serve
