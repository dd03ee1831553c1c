// What telemetry says of a statement: its text without values, its operation, its summary.
// https://opentelemetry.io/docs/specs/semconv/database/database-spans/#sanitization-of-dbquerytext
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace otel::instrumentation {

struct SqlDescription {
  std::string text;       // db.query.text
  std::string operation;  // db.operation.name: "SELECT", "CREATE TABLE"; "" where there is none
  std::string summary;    // db.query.summary: operations and what they are about, "INSERT orders SELECT carts"
};

inline constexpr size_t kSqlReadBytesMax = 64 << 10;  // what comes after them is left out
inline constexpr size_t kSqlTextBytesMax = 4096;
inline constexpr size_t kSqlSummaryBytesMax = 255;

// Any bytes, in time that is linear in their number; SQL that is none gives whatever looks like it, without its
// literals. Text in double quotes is a name, unless it stands where only a value makes sense: SQLite takes it for one
// there.
SqlDescription DescribeSql(std::string_view sql);

}  // namespace otel::instrumentation
