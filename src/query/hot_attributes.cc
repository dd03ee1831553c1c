#include "query/hot_attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "otlp/sql_quote.h"

namespace sightline::query {
namespace {

constexpr int64_t kDayNanos = 86'400'000'000'000;

// Since 1970-01-01, UTC, rounded down.
std::string Day(int64_t unix_nanos) {
  return std::to_string(unix_nanos / kDayNanos - (unix_nanos % kDayNanos < 0 ? 1 : 0));
}

}  // namespace

Result<std::vector<otlp::HotAttribute>> HotAttributesIn(Question& question, std::vector<otlp::HotAttribute> all,
                                                        int64_t from_unix_nanos, int64_t to_unix_nanos) {
  if (all.empty()) return all;
  std::set<std::string> in_maps;
  SIGHTLINE_TRY(question.ForEachRow("SELECT DISTINCT toString(Key) FROM " + question.Table("hot_keys_in_maps") +
                                        " WHERE FirstDay <= {last:Int32} AND LastDay >= {first:Int32}",
                                    {{"first", Day(from_unix_nanos)}, {"last", Day(to_unix_nanos - 1)}},
                                    [&](RowReader& row) { in_maps.insert(row.Text()); }));
  for (otlp::HotAttribute& hot : all) hot.may_be_in_map = in_maps.contains("*") || in_maps.contains(hot.key);
  return all;
}

std::string AttributeTextSql(std::string_view key, const std::vector<otlp::HotAttribute>& hot) {
  const std::string in_map = "SpanAttributes[" + otlp::QuoteString(key) + "]";
  const auto found = std::ranges::find(hot, key, &otlp::HotAttribute::key);
  if (found == hot.end()) return in_map;
  const std::string column = "toString(" + otlp::QuoteName("a." + std::string(key)) + ")";
  return found->may_be_in_map ? fmt::format("if({0} != '', {0}, {1})", column, in_map) : column;
}

}  // namespace sightline::query
