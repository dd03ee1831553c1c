// What untrusted SQL may name: functions, table functions, tables, output formats. Names are compared without case (the
// engine itself decides whether another case exists; a test proves that no forbidden name differs from an allowed one
// only by case).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sightline::query {

// Space- or newline-separated names.
extern const char* const kScalarFunctions;
extern const char* const kAggregateFunctions;
extern const char* const
    kAggregateCombinators;  // suffixes of aggregate functions: sumIf, uniqExactStateIf; case matters
extern const char* const kTableFunctions;
extern const char* const kTables;  // of the database `sightline`; case matters
extern const char* const kFormats;

// Scalar functions, aggregate functions with any combinators, and what the parser makes of operators.
bool IsAllowedFunction(std::string_view name);
bool IsAllowedAggregate(std::string_view name);
bool IsAllowedTableFunction(std::string_view name);
bool IsAllowedTable(std::string_view name);
const std::vector<std::string>& AllowedTables();
bool IsAllowedFormat(std::string_view name);

}  // namespace sightline::query
