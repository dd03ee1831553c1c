// Spans as rows with chosen columns, member by member as openapi.yaml describes them.
#pragma once

#include <string>
#include <vector>

#include "query/span_list.h"
#include "serve/json_writer.h"

namespace sightline::serve {

// "fields":[…],"spans":[…]; stops when nobody wants more.
void WriteSpanRows(JsonWriter& json, const std::vector<std::string>& fields,
                   const std::vector<query::ListedSpan>& spans);

}  // namespace sightline::serve
