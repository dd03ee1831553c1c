#include "query/attribute_pairs.h"

#include <fmt/format.h>

#include "otlp/sql_quote.h"
#include "query/encoded_field.h"
#include "traceql/aliases.h"

namespace sightline::query {
namespace {

using traceql::Scope;

// Of what each span has beside attributes: name in pairs, field, value in SQL.
struct IntrinsicPair {
  const char* name;
  const char* sql;
};
constexpr IntrinsicPair kIntrinsics[] = {
    {"name", "concat('s', toString(SpanName))"},
    {"kind", "concat('w', lower(toString(SpanKind)))"},
    {"status", "concat('w', lower(toString(StatusCode)))"},
    {"statusMessage", "if(StatusMessage = '', '', concat('s', StatusMessage))"},
    {"instrumentation:name", "if(ScopeName = '', '', concat('s', toString(ScopeName)))"},
    {"duration", "concat('i', toString(Duration))"}};

}  // namespace

std::string FieldOfPair(const std::string& key) {
  const Scope scope = key[0] == 'r' ? Scope::kResource : Scope::kSpan;
  if (key[0] == 'i') return traceql::PrintField(*ParseField(key.substr(1), /*of_logs=*/false));
  return traceql::PrintField({.scope = scope, .key = key.substr(1)});
}

std::string AttributePairsSql(const std::vector<otlp::HotAttribute>& hot_attributes, Conditions& conditions) {
  std::string olds, news;
  for (const auto& renaming : traceql::Renamings()) {
    olds += fmt::format("{}'{}'", olds.empty() ? "" : ", ", renaming.old_name);
    news += fmt::format("{}'{}'", news.empty() ? "" : ", ", renaming.new_name);
  }
  std::string fixed;
  for (const auto& [name, sql] : kIntrinsics)
    fixed += fmt::format("{}('i{}', {})", fixed.empty() ? "" : ", ", name, sql);
  const FieldColumns columns{hot_attributes, ""};
  for (const auto& hot : hot_attributes) {
    fixed += fmt::format(", (concat('a', {}), if({} != '', {}, ''))", conditions.BindText(CanonicalKey(hot.key)),
                         otlp::QuoteName("a." + hot.key), EncodedColumn(hot.key, columns));
  }
  return fmt::format(
      "arrayDistinct(arrayConcat(arrayMap((k, v, i) -> (concat('a', transform(toString(k), [{}], [{}], toString(k))), "
      "concat(substring(SpanAttributeTypes, i, 1), v)), mapKeys(SpanAttributes), mapValues(SpanAttributes), "
      "arrayEnumerate(mapKeys(SpanAttributes))), arrayFilter(p -> p.2 != '', [{}])))",
      olds, news, fixed);
}

}  // namespace sightline::query
