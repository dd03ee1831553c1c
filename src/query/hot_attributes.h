// Which attributes with a column of their own need no look into the maps of spans: a map is most of what a span's row
// holds, so a question that reads one for nothing takes many times as long.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/rows.h"

namespace sightline::query {

// `all`, each with may_be_in_map as it is for spans of [from, to). Spans that are stored while this runs may not be
// seen.
Result<std::vector<otlp::HotAttribute>> HotAttributesIn(Question& question, std::vector<otlp::HotAttribute> all,
                                                        int64_t from_unix_nanos, int64_t to_unix_nanos);

}  // namespace sightline::query
