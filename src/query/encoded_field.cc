#include "query/encoded_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "otlp/sql_quote.h"
#include "traceql/aliases.h"
#include "traceql/parse.h"
#include "traceql/sql_body.h"

namespace sightline::query {
namespace {

using traceql::Field;
using traceql::Intrinsic;
using traceql::Scope;

constexpr std::array kLetters = {'s', 'i', 'd', 'b'};  // of HotAttribute::Type

Error NotCalculated(const Field& field) {
  return {Code::kInvalidArgument, fmt::format("{} is not calculated\nattributes of span, resource and "
                                              "instrumentation are, and name, kind, status, statusMessage, duration",
                                              traceql::PrintField(field))};
}

std::string HotColumn(const std::string& key) {
  return otlp::QuoteName("a." + key);
}

// An attribute without a value (e) is absent: both are one group.
std::string OnItem(const std::string& key, const FieldColumns& columns, const std::string& bound) {
  const char* of = columns.of_logs ? "Log" : "Span";
  const std::string letter =
      fmt::format("substring({1}AttributeTypes, indexOf(mapKeys({1}Attributes), {0}), 1)", bound, of);
  const std::string in_map =
      fmt::format("if({0} NOT IN ('', 'e'), concat({0}, {2}Attributes[{1}]), '')", letter, bound, of);
  const std::string column = EncodedColumn(key, columns);
  if (column.empty()) return in_map;
  const auto hot = std::ranges::find(columns.hot_attributes, key, &otlp::HotAttribute::key);
  return fmt::format("if({} != '', {}, {})", HotColumn(key), column, hot->may_be_in_map ? in_map : "''");
}

// A constant table from ids to values, which costs one look-up a row; the lists are not empty, so that they have a
// type.
std::string OnSet(const std::string& column, const std::string& attribute_sets, const std::string& bound) {
  const std::string pairs = fmt::format(
      "(SELECT (groupArray(Id), groupArray(V)) FROM (SELECT toString(Id) AS Id, any(concat(substring(Types, "
      "indexOf(Keys, {0}), 1), Values[indexOf(Keys, {0})])) AS V FROM {1} WHERE substring(Types, indexOf(Keys, {0}), "
      "1) NOT IN ('', 'e') GROUP BY Id))",
      bound, attribute_sets);
  return fmt::format(
      "transform(toString({0}), arrayConcat(['-'], tupleElement({1}, 1)), arrayConcat([''], tupleElement({1}, 2)), '')",
      column, pairs);
}

// Objects are no values.
std::string InBody(const Field& field, Conditions& conditions) {
  const auto value = traceql::BodyValue(field, [&](const std::string& text) { return conditions.BindText(text); });
  return fmt::format("if({0} IN ('', 'e', 'o'), '', concat({0}, {1}))", value.letter, value.text);
}

std::optional<std::string> OfIntrinsic(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::kName:
      return "concat('s', toString(SpanName))";
    case Intrinsic::kStatus:
      return "concat('w', lower(toString(StatusCode)))";
    case Intrinsic::kKind:
      return "concat('w', lower(toString(SpanKind)))";
    case Intrinsic::kStatusMessage:
      return "concat('s', StatusMessage)";
    case Intrinsic::kInstrumentationName:
      return "concat('s', toString(ScopeName))";
    case Intrinsic::kInstrumentationVersion:
      return "concat('s', toString(ScopeVersion))";
    case Intrinsic::kSeverity:
      return "concat('w', ['unset', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'][1 + "
             "least(intDiv(SeverityNumber + "
             "3, 4), 6)])";
    case Intrinsic::kSeverityText:
      return "concat('s', toString(SeverityText))";
    case Intrinsic::kLogEventName:
      return "concat('s', toString(EventName))";
    default:
      return std::nullopt;
  }
}

// The first place that has the key counts; no attribute ('e') is none.
std::string FirstOf(const std::vector<std::string>& places) {
  std::string chain = places.back();
  for (size_t i = places.size() - 1; i-- > 0;) {
    chain = fmt::format("if({0} NOT IN ('', 'e'), {0}, {1})", places[i], chain);
  }
  return chain;
}

}  // namespace

Result<Field> ParseField(std::string_view text, bool of_logs) {
  const std::string condition = fmt::format("{{ {} != nil }}", text);
  auto parsed = of_logs ? traceql::ParseLogCondition(condition) : traceql::ParseSpanCondition(condition);
  if (parsed) {
    if (const auto* exists = std::get_if<traceql::Unary>(&parsed->node)) {
      if (const auto* field = std::get_if<Field>(&exists->operand->node)) return *field;
    }
  }
  return Fail(Code::kInvalidArgument, "{:?} is no field\nsuch as span.http.route, resource.service.name or name", text);
}

std::string CanonicalKey(const std::string& key) {
  const auto renamings = traceql::Renamings();
  const auto found = std::ranges::find(renamings, key, &traceql::Renaming::old_name);
  return found == renamings.end() ? key : std::string(found->new_name);
}

std::string EncodedColumn(const std::string& key, const FieldColumns& columns) {
  const auto found = std::ranges::find(columns.hot_attributes, key, &otlp::HotAttribute::key);
  if (columns.of_logs || found == columns.hot_attributes.end()) return "";
  return fmt::format("concat('{}', toString({}))", kLetters[static_cast<size_t>(found->type)], HotColumn(key));
}

Result<std::string> EncodedField(const Field& field, const FieldColumns& columns, Conditions& conditions) {
  if (field.of_parent) return std::unexpected(NotCalculated(field));
  if (field.intrinsic != Intrinsic::kNone) {
    const auto sql = OfIntrinsic(field.intrinsic);
    if (!sql) return std::unexpected(NotCalculated(field));
    return *sql;
  }
  if (field.scope == Scope::kBody) return InBody(field, conditions);
  std::vector<std::string> places;
  const auto add = [&](const std::string& key) {
    const std::string bound = conditions.BindText(key);
    const auto wanted = [&](Scope scope) { return field.scope == Scope::kNone || field.scope == scope; };
    if (wanted(columns.of_logs ? Scope::kLog : Scope::kSpan)) places.push_back(OnItem(key, columns, bound));
    if (wanted(Scope::kResource)) {
      places.push_back(key == "service.name" ? "if(ServiceName = '', '', concat('s', toString(ServiceName)))"
                                             : OnSet("ResourceId", columns.attribute_sets, bound));
    }
    if (wanted(Scope::kInstrumentation)) places.push_back(OnSet("ScopeId", columns.attribute_sets, bound));
  };
  add(field.key);
  for (const std::string_view alias : field.aliases) add(std::string(alias));
  if (places.empty()) return std::unexpected(NotCalculated(field));
  return FirstOf(places);
}

std::string DecodedField(std::string_view encoded) {
  if (encoded.empty() || encoded == "e") return "nil";
  const std::string_view text = encoded.substr(1);
  const bool plain = std::string_view("idbw").find(encoded[0]) != std::string_view::npos;
  return plain ? std::string(text) : traceql::PrintString(text);
}

Result<std::string> NumberOfField(const Field& field, const FieldColumns& columns, Conditions& conditions) {
  if (field.intrinsic == Intrinsic::kDuration && !field.of_parent) return "toNullable(Duration / 1e9)";
  auto encoded = EncodedField(field, columns, conditions);
  if (!encoded) return encoded;
  return fmt::format("if(substring({0} AS Encoded, 1, 1) IN ('i', 'd'), toFloat64OrNull(substring(Encoded, 2)), NULL)",
                     *encoded);
}

}  // namespace sightline::query
