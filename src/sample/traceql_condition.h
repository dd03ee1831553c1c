// Conditions in TraceQL for `traceql` policies: the same language as everywhere else, as far as single spans tell.
// Data: a query of filters -> which of them a trace must meet, and a SpanCondition for each.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "sample/attributes.h"
#include "sample/span_condition.h"
#include "traceql/ast.h"

namespace sightline::sample {

// `{ … }` and filters joined by && and ||. kInvalidArgument: it does not parse ("line 1, column 3: …"), or names what
// only a whole trace tells, as spans are looked at one by one when they arrive.
Result<traceql::SpansetExpression> ParseTraceqlPolicy(const std::string& query);

// Adds the attribute keys that the condition reads to the tables. Takes the filter's condition, which is not null.
std::shared_ptr<const SpanCondition> CompileTraceqlCondition(traceql::Expression condition, KeyTable& span_keys,
                                                             KeyTable& resource_keys);

}  // namespace sightline::sample
