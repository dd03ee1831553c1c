// SQL for intrinsics. For sql.cc only.
#pragma once

#include <optional>
#include <string>

#include "traceql/ast.h"
#include "traceql/sql_values.h"

namespace sightline::traceql {

// None: a row alone does not tell.
std::optional<std::string> CompareIntrinsic(Subject subject, Intrinsic intrinsic, const SqlTest& test,
                                            SqlParameters& parameters);
std::optional<std::string> HasIntrinsic(Subject subject, Intrinsic intrinsic);

// Of log records: the text is anywhere in the body.
std::string HasText(const FullText& text, SqlParameters& parameters);

}  // namespace sightline::traceql
