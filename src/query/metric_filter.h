// A condition in TraceQL on the labels of metric streams: `{ .http.route =~ "/s.*" && resource.service.name = "shop"
// }`. Data: attributes of a stream's points and of its resource -> whether they meet it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/attributes.h"
#include "traceql/ast.h"

namespace sightline::query {

struct StreamLabels {
  std::string service;                // the resource's service.name; "": it has none
  std::vector<Attribute> attributes;  // of the points
  const AttributeSet* resource = nullptr;
};

// Attributes without a scope are those of the points, else of the resource; `span.` is the points', `resource.` the
// resource's. What only spans have is nil.
bool Matches(const traceql::Expression& filter, const StreamLabels& labels);

}  // namespace sightline::query
