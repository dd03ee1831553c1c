// Operators on values, as they are when attributes have been read.
//
// Types decide: what cannot be compared (a number with a string, anything with nil) is neither equal nor unequal,
// greater nor less, and what cannot be calculated is nil. An array satisfies a comparison with any of its elements, and
// != and !~ with none of them equal or matching.
#pragma once

#include "traceql/operators.h"
#include "traceql/value.h"

namespace re2 {
class RE2;
}

namespace sightline::traceql {

// `regex`: of =~ and !~, null otherwise.
Value Compute(Operator op, const Value& left, const Value& right, const re2::RE2* regex = nullptr);
Value Negated(const Value& number);  // -x

}  // namespace sightline::traceql
