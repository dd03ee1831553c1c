#include "query/log_sql.h"

#include <algorithm>

#include "base/hex.h"
#include "query/log_instance.h"
#include "query/trace_query.h"
#include "traceql/parse.h"
#include "traceql/sql.h"

namespace sightline::query {
namespace {

constexpr size_t kTraceIdBytes = 16, kSpanIdBytes = 8;

Result<void> CheckId(const char* kind, const std::string& id, size_t bytes) {
  std::string decoded(bytes, '\0');
  if (id.empty() || (id.size() == 2 * bytes && HexDecode(id, decoded.data()))) return {};
  return Fail(Code::kInvalidArgument, "{:?} is no {} id: {} hex digits are wanted", id, kind, 2 * bytes);
}

std::string TraceIdOrNone(RowReader& row) {
  std::string id = row.Hex(kTraceIdBytes);
  return id.find_first_not_of('0') == id.npos ? "" : id;
}

std::string IdIs(const char* column, const std::string& id, size_t bytes, Conditions& conditions) {
  return std::string(column) + " = toFixedString(unhex(" + conditions.BindText(id) + "), " + std::to_string(bytes) +
         ")";
}

bool IsAscii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// As the pattern of a LIKE that finds it anywhere, in lower case.
std::string Pattern(const std::string& text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return pattern + "%";
}

// The first form is what the table's index understands (and is faster without it too). Beyond ASCII only the second
// knows which letters belong together.
std::string HasText(const std::string& text, Conditions& conditions) {
  if (IsAscii(text)) return "lower(Body) LIKE " + conditions.BindText(Pattern(text));
  return "positionCaseInsensitiveUTF8(Body, " + conditions.BindText(text) + ") > 0";
}

}  // namespace

LogRecord ReadRecord(RowReader& row) {
  LogRecord record;
  record.unix_nanos = row.Number<int64_t>();
  record.time_unix_nanos = row.Number<uint64_t>();
  record.observed_unix_nanos = row.Number<int64_t>();
  record.severity_number = row.Number<uint8_t>();
  record.severity_text = row.Text();
  record.service = row.Text();
  record.body.text = row.Text();
  if (const std::string type = row.Text(); !type.empty()) record.body.type = type[0];
  record.event_name = row.Text();
  record.trace_id = TraceIdOrNone(row);
  record.span_id = row.SpanIdOrNone();
  record.flags = row.Number<uint32_t>();
  record.resource_id = row.Text();
  record.scope_name = row.Text();
  record.scope_version = row.Text();
  record.scope_id = row.Text();
  record.attributes = ReadMap(row);
  SetTypes(record.attributes, row.Text());
  std::ranges::sort(record.attributes, {}, &Attribute::key);
  record.dropped_attributes = row.Number<uint32_t>();
  record.repairs = row.Text();
  return record;
}

Result<void> CheckFilter(const LogFilter& filter) {
  SIGHTLINE_TRY(CheckId("trace", filter.trace_id, kTraceIdBytes));
  SIGHTLINE_TRY(CheckId("span", filter.span_id, kSpanIdBytes));
  if (HasRange(filter)) {
    if (filter.from_unix_nanos < filter.to_unix_nanos) return {};
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", filter.from_unix_nanos,
                filter.to_unix_nanos);
  }
  if (!filter.trace_id.empty()) return {};
  return Fail(Code::kInvalidArgument, "log records of all times can only be asked for with a trace id");
}

Result<Conditions> MatchConditions(const LogFilter& filter, Question& question, std::optional<LogInstance>* instance) {
  Conditions conditions;
  conditions.AddService(filter.service);
  if (filter.severity_min > 0) {
    conditions.Add("SeverityNumber >= " + conditions.Bind("UInt8", std::to_string(filter.severity_min)));
  }
  if (!filter.trace_id.empty()) conditions.Add(IdIs("TraceId", filter.trace_id, kTraceIdBytes, conditions));
  if (!filter.span_id.empty()) conditions.Add(IdIs("SpanId", filter.span_id, kSpanIdBytes, conditions));
  if (!filter.instance_of.empty()) {
    auto found = FindInstance(question, filter.instance_of);
    if (!found) return std::unexpected(found.error());
    std::string ids;
    for (const auto& id : found->resource_ids) ids += (ids.empty() ? "" : ", ") + conditions.BindText(id);
    conditions.Add("ResourceId IN (" + ids + ")");
    if (instance != nullptr) *instance = std::move(found->instance);
  }
  if (!filter.text.empty()) conditions.Add(HasText(filter.text, conditions));
  SIGHTLINE_TRY(AddAttributeConditions(conditions, filter.attributes, {"LogAttributes"}, question));
  if (filter.condition != nullptr) {
    const traceql::SqlCondition compiled =
        traceql::CompileToSql(*filter.condition, {.subject = traceql::Subject::kLogs,
                                                  .attribute_sets = question.Table("attribute_sets"),
                                                  .parameter_prefix = "q"});
    if (!compiled.exact) {
      return Fail(Code::kInvalidArgument,
                  "this condition calculates with attributes or is too long, which a search of logs cannot\ncompare "
                  "attributes with constants");
    }
    conditions.AddBound(compiled.sql, compiled.parameters);
  }
  return conditions;
}

Result<std::shared_ptr<const traceql::Expression>> ParseLogQuery(std::string_view text) {
  auto parsed = traceql::ParseLogCondition(text);
  if (!parsed) return std::unexpected(QueryError(parsed.error()));
  return std::make_shared<const traceql::Expression>(*std::move(parsed));
}

}  // namespace sightline::query
