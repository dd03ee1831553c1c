// A query -> its canonical text: scoped intrinsics, one space around operators, no parentheses that say nothing.
// Printing what was parsed from printed text gives the same text.
#pragma once

#include <string>

#include "traceql/ast.h"

namespace sightline::traceql {

std::string Print(const Query& query);
std::string Print(const Pipeline& pipeline);
std::string Print(const Stage& stage);
std::string Print(const Expression& expression);  // without braces
std::string Print(const ScalarExpression& scalar);
std::string Print(const SpansetExpression& spans);
std::string Print(const MetricsExpression& metrics);

}  // namespace sightline::traceql
