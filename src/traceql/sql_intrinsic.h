// SQL for intrinsics. For sql.cc only.
#pragma once

#include <optional>
#include <string>

#include "traceql/ast.h"
#include "traceql/sql_values.h"

namespace sightline::traceql {

// None: a row alone does not tell.
std::optional<std::string> CompareIntrinsic(Intrinsic intrinsic, const SqlTest& test, SqlParameters& parameters);
std::optional<std::string> HasIntrinsic(Intrinsic intrinsic);

}  // namespace sightline::traceql
