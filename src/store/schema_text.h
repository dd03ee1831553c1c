// The DDL files as statements: placeholders filled in. Text in, text out; knows no ClickHouse connection.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"

namespace sightline::store {

// Replaces {name} and {name:argument} in `text`, again in what comes out, and returns its statements (split at ";\n",
// without comment lines). "DEFINE name AS text" and "DEFINE name(x) AS text" in front of other statements add
// placeholders. An unknown placeholder is our own bug: CHECK.
std::vector<std::string> RenderStatements(std::string_view text, std::map<std::string, std::string> placeholders);

// A hot attribute's column, as it stands in the table.
std::string HotColumnName(std::string_view key);                       // "a.http.route"
std::string_view HotColumnType(const otlp::HotAttribute& attribute);   // "LowCardinality(String)"
std::string HotColumnComment(const otlp::HotAttribute& attribute);     // "hot attribute: string"
std::string HotColumnDefinition(const otlp::HotAttribute& attribute);  // name, type and comment
std::string HotIndexDefinition(const otlp::HotAttribute& attribute);   // empty if it has none
// Back from a column; kInvalidArgument if the column is not a hot attribute's.
Result<otlp::HotAttribute> HotAttributeOf(std::string_view column, std::string_view type, std::string_view comment);

// {hot_map} and {hot_types} of views.sql.
std::string HotMapExpression(const std::vector<otlp::HotAttribute>& attributes);
std::string HotTypesExpression(const std::vector<otlp::HotAttribute>& attributes);

// "TTL ..." or nothing. 0: forever.
std::string TtlClause(std::string_view time_column, int64_t retention_seconds);

// For rows whose column Seconds says one of several resolutions. Those of a day go together, so that its part is
// written anew once and not every hour.
struct ResolutionRetention {
  uint32_t resolution_seconds = 0;
  int64_t retention_seconds = 0;
};
std::string RowTtlClause(const std::vector<ResolutionRetention>& retentions);

}  // namespace sightline::store
