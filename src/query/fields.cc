#include "query/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "otlp/filled_columns.h"
#include "otlp/sql_quote.h"
#include "query/encoded_field.h"
#include "query/filters.h"
#include "query/json_body.h"
#include "query/rows.h"
#include "traceql/sql_body.h"

namespace sightline::query {
namespace {

using traceql::Field;
using traceql::Intrinsic;
using traceql::Scope;

Result<void> Check(const FieldSearch& search) {
  if (search.limit == 0 || search.limit > kFieldsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kFieldsMax);
  }
  if (search.from_unix_nanos < search.to_unix_nanos) return {};
  return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", search.from_unix_nanos,
              search.to_unix_nanos);
}

bool ContainsNoCase(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return part.empty() || !std::ranges::search(text, part, {}, lower, lower).empty();
}

bool IsLogs(const FieldSearch& search) {
  return search.signal == otlp::Signal::kLogs;
}

// (SELECT columns of the newest items). Blocks are numbered as they come, and tables are ordered by them.
std::string Newest(const FieldSearch& search, const std::string& columns, uint64_t first_block, Question& question,
                   Conditions& conditions) {
  conditions.AddTimeRange(search.from_unix_nanos, search.to_unix_nanos);
  return fmt::format("(SELECT {} FROM {} WHERE Block >= {} AND {} ORDER BY Block DESC LIMIT {})", columns,
                     question.Table(IsLogs(search) ? "logs" : "spans"), first_block, conditions.Sql(), kFieldsLookedAt);
}

// Of the newest items. In the order of blocks every part is begun to be read: of small columns here, so that of large
// ones only those parts are that have them.
Result<uint64_t> FirstBlockOfNewest(const FieldSearch& search, Question& question) {
  Conditions conditions;
  const std::string newest = Newest(search, "Block", 0, question, conditions);
  uint64_t block = 0;
  SIGHTLINE_TRY(question.ForEachRow(fmt::format("SELECT min(Block) FROM {}", newest), conditions.parameters(),
                                    [&](RowReader& row) { block = row.Number<uint64_t>(); }));
  return block;
}

// Counts by field, the parts of which are added.
using Counts = std::map<std::string, uint64_t>;

Result<void> CountKeys(Question& question, const FieldSearch& search, uint64_t first_block, Scope scope,
                       const std::string& column, const std::string& keys, Counts& counts) {
  Conditions conditions;
  const std::string from = Newest(search, column, first_block, question, conditions);
  return question.ForEachRow(
      fmt::format("SELECT toString(arrayJoin({})) AS key, count() FROM {} GROUP BY key", keys, from),
      conditions.parameters(), [&](RowReader& row) {
        std::string key = row.Text();
        const uint64_t items = row.Number<uint64_t>();
        if (key.starts_with("a.")) key.erase(0, 2);
        if (!key.empty()) counts[traceql::PrintField({.scope = scope, .key = key})] += items;
      });
}

Result<void> CountBodyFields(Question& question, const FieldSearch& search, uint64_t first_block, Counts& counts) {
  Conditions conditions;
  const std::string from = Newest(search, "Body, Block", first_block, question, conditions);
  BodyFields bodies;
  uint64_t looked_at = 0, in_all = 0;
  SIGHTLINE_TRY(
      question.ForEachRow(fmt::format("SELECT Body, count() OVER () FROM {} WHERE {} ORDER BY Block DESC LIMIT {}",
                                      from, kIsJsonBody, kBodiesLookedAt),
                          conditions.parameters(), [&](RowReader& row) {
                            const std::string body = row.Text();
                            in_all = row.Number<uint64_t>();
                            ++looked_at;
                            bodies.Add(body);
                          }));
  for (const auto& [path, found] : bodies.fields()) {
    counts[traceql::PrintField(traceql::BodyField(path))] += found.bodies * in_all / looked_at;
  }
  return {};
}

Result<void> CountResourceKeys(Question& question, Counts& counts) {
  return question.ForEachRow("SELECT toString(arrayJoin(Keys)) AS key, uniqExact(Id) FROM " +
                                 question.Table("attribute_sets") +
                                 " WHERE has(Keys, 'service.name') OR has(Keys, 'telemetry.sdk.name') GROUP BY key",
                             {}, [&](RowReader& row) {
                               const std::string key = row.Text();
                               const uint64_t items = row.Number<uint64_t>();
                               if (!key.empty())
                                 counts[traceql::PrintField({.scope = Scope::kResource, .key = key})] += items;
                             });
}

// Value and type letter, as SQL, of what can be listed; none for what is calculated.
struct ValueSql {
  std::string columns;  // that it reads
  std::string value, type;
};

std::optional<ValueSql> OfIntrinsic(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::kName:
      return ValueSql{"SpanName", "toString(SpanName)", "'s'"};
    case Intrinsic::kStatus:
      return ValueSql{"StatusCode", "lower(toString(StatusCode))", "'w'"};
    case Intrinsic::kKind:
      return ValueSql{"SpanKind", "lower(toString(SpanKind))", "'w'"};
    case Intrinsic::kStatusMessage:
      return ValueSql{"StatusMessage", "toString(StatusMessage)", "'s'"};
    case Intrinsic::kInstrumentationName:
      return ValueSql{"ScopeName", "toString(ScopeName)", "'s'"};
    case Intrinsic::kEventName:
      return ValueSql{"Events.Name AS Names", "toString(arrayJoin(Names))", "'s'"};
    case Intrinsic::kSeverityText:
      return ValueSql{"SeverityText", "toString(SeverityText)", "'s'"};
    case Intrinsic::kLogEventName:
      return ValueSql{"EventName", "toString(EventName)", "'s'"};
    default:
      return std::nullopt;
  }
}

ValueSql OfAttribute(const std::string& key, const std::string& map, const std::vector<otlp::HotAttribute>& hot,
                     Conditions& conditions) {
  const std::string bound = conditions.BindText(key);
  ValueSql sql;
  sql.columns = fmt::format("{0}Attributes, {0}AttributeTypes", map);
  sql.value = fmt::format("{}Attributes[{}]", map, bound);
  sql.type = fmt::format("substring({0}AttributeTypes, indexOf(mapKeys({0}Attributes), {1}), 1)", map, bound);
  const auto found = std::ranges::find(hot, key, &otlp::HotAttribute::key);
  if (found == hot.end()) return sql;
  static constexpr const char* kLetters[] = {"'s'", "'i'", "'d'", "'b'"};
  const std::string column = otlp::QuoteName("a." + key);
  sql.columns += ", " + column;
  sql.value = fmt::format("if({0} != '', toString({0}), {1})", column, sql.value);
  sql.type = fmt::format("if({} != '', {}, {})", column, kLetters[static_cast<size_t>(found->type)], sql.type);
  return sql;
}

ValueSql InBody(const Field& field, Conditions& conditions) {
  const auto value = traceql::BodyValue(field, [&](const std::string& text) { return conditions.BindText(text); });
  return {"Body", fmt::format("if({} IN ('e', 'o'), '', {})", value.letter, value.text), value.letter};
}

// Words and numbers stand as they are, all else in quotes.
FieldValue ValueOf(const std::string& text, std::string_view type, uint64_t items) {
  const bool plain = type == "i" || type == "d" || type == "b" || type == "w";
  return {plain ? text : traceql::PrintString(text), items};
}

}  // namespace

Result<FieldNames> FieldReader::Names(const FieldSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(Check(search));
  Question question(clickhouse_, database_, cancellation);
  const auto first = FirstBlockOfNewest(search, question);
  if (!first) return std::unexpected(first.error());
  Counts counts;
  if (IsLogs(search)) {
    SIGHTLINE_TRY(CountKeys(question, search, *first, Scope::kLog, "LogAttributes", "mapKeys(LogAttributes)", counts));
    SIGHTLINE_TRY(CountBodyFields(question, search, *first, counts));
  } else {
    SIGHTLINE_TRY(
        CountKeys(question, search, *first, Scope::kSpan, "SpanAttributes", "mapKeys(SpanAttributes)", counts));
    const std::string hot =
        fmt::format("arrayFilter(name -> startsWith(name, 'a.'), splitByChar(char({}), toString(FilledColumns)))",
                    static_cast<int>(otlp::kFilledSeparator));
    SIGHTLINE_TRY(CountKeys(question, search, *first, Scope::kSpan, "FilledColumns", hot, counts));
    SIGHTLINE_TRY(CountKeys(question, search, *first, Scope::kEvent, "Events.Attributes AS Maps",
                            "arrayDistinct(arrayFlatten(arrayMap(one -> mapKeys(one), Maps)))", counts));
  }
  SIGHTLINE_TRY(CountResourceKeys(question, counts));
  FieldNames names;
  for (auto& [field, items] : counts) {
    if (ContainsNoCase(field, search.text)) names.names.push_back({field, items});
  }
  std::ranges::stable_sort(names.names, std::ranges::greater(), &FieldName::items);
  if (names.names.size() > search.limit) names.names.resize(search.limit);
  names.scanned = question.stats();
  return names;
}

Result<FieldValues> FieldReader::Values(std::string_view text, const FieldSearch& search,
                                        store::Cancellation* cancellation) {
  SIGHTLINE_TRY(Check(search));
  auto field = ParseField(text, IsLogs(search));
  if (!field) return std::unexpected(field.error());
  Question question(clickhouse_, database_, cancellation);
  FieldValues found;
  const auto read = [&](RowReader& row) {
    const std::string value = row.Text();
    const std::string type = row.Text();
    const uint64_t items = row.Number<uint64_t>();
    found.values.push_back(ValueOf(value, type, items));
  };
  const auto ask = [&](const ValueSql& sql, Conditions conditions) -> Result<void> {
    const auto first = FirstBlockOfNewest(search, question);
    if (!first) return std::unexpected(first.error());
    Conditions outer = conditions;  // its names of bound values go on from those
    const std::string from = Newest(search, sql.columns, *first, question, outer);
    std::string wanted = "value != ''";
    if (!search.text.empty()) {
      wanted += " AND positionCaseInsensitiveUTF8(value, " + outer.BindText(search.text) + ") > 0";
    }
    return question.ForEachRow(
        fmt::format("SELECT {} AS value, toString({}) AS type, count() AS items FROM {} WHERE {} "
                    "GROUP BY value, type ORDER BY items DESC, value LIMIT {}",
                    sql.value, sql.type, from, wanted, search.limit),
        outer.parameters(), read);
  };
  if (field->of_parent) return found;
  const bool service = field->key == "service.name" && field->scope != Scope::kSpan && field->scope != Scope::kLog;
  if (field->intrinsic != Intrinsic::kNone) {
    if (const auto sql = OfIntrinsic(field->intrinsic)) SIGHTLINE_TRY(ask(*sql, {}));
  } else if (field->scope == Scope::kBody) {
    Conditions conditions;
    const ValueSql sql = InBody(*field, conditions);
    SIGHTLINE_TRY(ask(sql, std::move(conditions)));
  } else if (service) {
    SIGHTLINE_TRY(ask({"ServiceName", "toString(ServiceName)", "'s'"}, {}));
  } else {
    if (field->scope == Scope::kNone || field->scope == Scope::kSpan || field->scope == Scope::kLog) {
      Conditions conditions;
      const ValueSql sql =
          OfAttribute(field->key, IsLogs(search) ? "Log" : "Span",
                      IsLogs(search) ? std::vector<otlp::HotAttribute>() : hot_attributes_, conditions);
      SIGHTLINE_TRY(ask(sql, std::move(conditions)));
    }
    if (field->scope == Scope::kNone || field->scope == Scope::kResource) {
      SIGHTLINE_TRY(
          question.ForEachRow("SELECT Values[indexOf(Keys, {key:String})] AS value, substring(Types, indexOf(Keys, "
                              "{key:String}), 1) AS type, "
                              "uniqExact(Id) AS items FROM " +
                                  question.Table("attribute_sets") +
                                  " WHERE has(Keys, {key:String}) AND positionCaseInsensitiveUTF8(value, "
                                  "{text:String}) > 0 GROUP BY value, type "
                                  "ORDER BY items DESC, value LIMIT " +
                                  std::to_string(search.limit),
                              {{"key", field->key}, {"text", search.text}}, read));
    }
  }
  std::ranges::stable_sort(found.values, std::ranges::greater(), &FieldValue::items);
  if (found.values.size() > search.limit) found.values.resize(search.limit);
  found.scanned = question.stats();
  return found;
}

}  // namespace sightline::query
