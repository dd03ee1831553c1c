// Which attributes with a column of their own need no look into the maps of spans: a map is most of what a span's row
// holds, so a question that reads one for nothing takes many times as long.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/rows.h"

namespace sightline::query {

// `all`, each with may_be_in_map as it is for spans of [from, to). Spans that are stored while this runs may not be
// seen.
Result<std::vector<otlp::HotAttribute>> HotAttributesIn(Question& question, std::vector<otlp::HotAttribute> all,
                                                        int64_t from_unix_nanos, int64_t to_unix_nanos);

// The value of a span's attribute as text, '' if there is none: in its column, or in the map, where values of other
// types than the column's are. `hot` as of HotAttributesIn.
std::string AttributeTextSql(std::string_view key, const std::vector<otlp::HotAttribute>& hot);

}  // namespace sightline::query
