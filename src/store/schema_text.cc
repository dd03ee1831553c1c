#include "store/schema_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "otlp/attribute_columns.h"
#include "otlp/rollup_table.h"
#include "otlp/sql_quote.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

constexpr std::string_view kHotPrefix = "a.";
constexpr std::string_view kHotComment = "hot attribute: ";
constexpr std::string_view kTypeNames[] = {"string", "int", "double", "bool"};  // by HotAttribute::Type

struct Macro {
  std::string parameter;  // empty if it takes none
  std::string body;
};

std::string WithoutComments(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t comment = line.find("--");  // the files have none inside literals
    line = line.substr(0, comment);
    while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
    if (!line.empty()) kept.append(line).append("\n");
  }
  return kept;
}

class Renderer {
 public:
  explicit Renderer(std::map<std::string, std::string> placeholders) {
    for (auto& [name, body] : placeholders) macros_[name] = Macro{"", std::move(body)};
  }

  // "name AS body" or "name(x) AS body"
  void Define(std::string_view definition) {
    const size_t as = definition.find(" AS");
    SIGHTLINE_CHECK(as != std::string_view::npos);
    std::string_view name = definition.substr(0, as);
    Macro macro;
    if (const size_t open = name.find('('); open != std::string_view::npos) {
      macro.parameter = std::string(name.substr(open + 1, name.find(')') - open - 1));
      name = name.substr(0, open);
    }
    std::string_view body = definition.substr(as + 3);
    while (!body.empty() && (body.front() == ' ' || body.front() == '\n')) body.remove_prefix(1);
    macro.body = std::string(body);
    macros_[std::string(name)] = std::move(macro);
  }

  std::string Expand(std::string_view text) const {
    std::string expanded;
    while (true) {
      const size_t open = text.find('{');
      expanded += text.substr(0, open);
      if (open == std::string_view::npos) return expanded;
      const size_t close = text.find('}', open);
      SIGHTLINE_CHECK(close != std::string_view::npos);
      expanded += Value(text.substr(open + 1, close - open - 1));
      text.remove_prefix(close + 1);
    }
  }

 private:
  std::string Value(std::string_view placeholder) const {
    const size_t colon = placeholder.find(':');
    const auto found = macros_.find(std::string(placeholder.substr(0, colon)));
    SIGHTLINE_CHECK(found != macros_.end());
    const Macro& macro = found->second;
    if (macro.parameter.empty()) return Expand(macro.body);
    SIGHTLINE_CHECK(colon != std::string_view::npos);
    Renderer inner = *this;
    inner.macros_[macro.parameter] = Macro{"", std::string(placeholder.substr(colon + 1))};
    return inner.Expand(macro.body);
  }

  std::map<std::string, Macro> macros_;
};

}  // namespace

std::vector<std::string> RenderStatements(std::string_view text, std::map<std::string, std::string> placeholders) {
  constexpr std::string_view kDefine = "DEFINE ";
  constexpr std::string_view kEnd = ";\n";
  Renderer renderer(std::move(placeholders));
  const std::string plain = WithoutComments(text);
  std::vector<std::string> statements;
  for (std::string_view rest = plain; !rest.empty();) {
    const size_t end = rest.find(kEnd);
    const std::string_view statement = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kEnd.size());
    if (statement.starts_with(kDefine)) {
      renderer.Define(statement.substr(kDefine.size()));
    } else if (statement.find_first_not_of(" \n") != std::string_view::npos) {
      statements.push_back(renderer.Expand(statement));
    }
  }
  return statements;
}

std::string HotColumnName(std::string_view key) {
  return std::string(kHotPrefix) + std::string(key);
}

std::string_view HotColumnType(const otlp::HotAttribute& attribute) {
  return attribute.high_cardinality ? "String" : "LowCardinality(String)";
}

std::string HotColumnComment(const otlp::HotAttribute& attribute) {
  return std::string(kHotComment) + std::string(kTypeNames[static_cast<size_t>(attribute.type)]);
}

std::string HotColumnDefinition(const otlp::HotAttribute& attribute) {
  return fmt::format("{} {} COMMENT {}", otlp::QuoteName(HotColumnName(attribute.key)), HotColumnType(attribute),
                     otlp::QuoteString(HotColumnComment(attribute)));
}

std::string HotIndexDefinition(const otlp::HotAttribute& attribute) {
  if (!attribute.high_cardinality) return "";
  return fmt::format("INDEX {} {} TYPE bloom_filter(0.01) GRANULARITY 1", otlp::QuoteName("idx_" + attribute.key),
                     otlp::QuoteName(HotColumnName(attribute.key)));
}

Result<otlp::HotAttribute> HotAttributeOf(std::string_view column, std::string_view type, std::string_view comment) {
  if (column.starts_with(kHotPrefix) && comment.starts_with(kHotComment)) {
    for (size_t i = 0; i < std::size(kTypeNames); ++i) {
      if (comment.substr(kHotComment.size()) != kTypeNames[i]) continue;
      return otlp::HotAttribute{std::string(column.substr(kHotPrefix.size())), static_cast<otlp::HotAttribute::Type>(i),
                                type == "String"};
    }
  }
  return Fail(Code::kInvalidArgument, "{} is not the column of a hot attribute", column);
}

std::string HotMapExpression(const std::vector<otlp::HotAttribute>& attributes) {
  if (attributes.empty()) return "CAST(map(), 'Map(String, String)')";
  std::string entries;
  for (const otlp::HotAttribute& attribute : attributes) {
    entries += fmt::format("{}{}, CAST(s.{}, 'String')", entries.empty() ? "" : ", ", otlp::QuoteString(attribute.key),
                           otlp::QuoteName(HotColumnName(attribute.key)));
  }
  return "mapFilter((k, v) -> notEmpty(v), map(" + entries + "))";
}

std::string HotTypesExpression(const std::vector<otlp::HotAttribute>& attributes) {
  if (attributes.empty()) return "''";
  std::string letters;
  for (const otlp::HotAttribute& attribute : attributes) {
    letters += fmt::format("{}if(empty(s.{}), '', '{}')", letters.empty() ? "" : ", ",
                           otlp::QuoteName(HotColumnName(attribute.key)), otlp::TypeLetter(attribute.type));
  }
  return letters;  // further arguments of concat
}

std::string TtlClause(std::string_view time_column, int64_t retention_seconds) {
  if (retention_seconds <= 0) return "";
  return fmt::format("TTL toDateTime({}) + toIntervalSecond({})", time_column, retention_seconds);
}

std::string RowTtlClause(const std::vector<ResolutionRetention>& retentions) {
  // The engine keeps what it knows of a TTL by the text of its time: one condition for each such text.
  std::map<int64_t, std::vector<uint32_t>> by_retention;
  for (const auto& [resolution, retention] : retentions) {
    if (retention > 0) by_retention[retention].push_back(resolution);
  }
  std::string clause;
  for (const auto& [retention, resolutions] : by_retention) {
    clause += clause.empty() ? "TTL " : ", ";
    clause += fmt::format("toStartOfDay(Time, 'UTC') + toIntervalSecond({}) WHERE ",
                          retention + int64_t{otlp::kSecondsOfDay});
    clause += resolutions.size() == 1 ? fmt::format("Seconds = {}", resolutions[0])
                                      : fmt::format("Seconds IN ({})", fmt::join(resolutions, ", "));
  }
  return clause;
}

}  // namespace sightline::store
