// An attribute in which spans differ, as answers write it.
#pragma once

#include "query/explain.h"
#include "serve/json_writer.h"

namespace sightline::serve {

void WriteExplained(JsonWriter& json, const query::ExplainedAttribute& attribute);

}  // namespace sightline::serve
