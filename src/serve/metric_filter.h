// A condition on the labels of a metric's streams, as a parameter or a member of a request.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "serve/params.h"
#include "traceql/ast.h"

namespace sightline::serve {

using MetricFilter = std::shared_ptr<const traceql::Expression>;  // null: all

// The error says what is wrong and where in the text.
std::expected<MetricFilter, std::string> ParseMetricFilter(const std::string& text);

// The parameter "filter".
MetricFilter ReadMetricFilter(Params& params);

}  // namespace sightline::serve
