// A query without its conditions on one field, so that a facet whose value is chosen still shows the others. Data: a
// query's tree -> the text of another.
#pragma once

#include <optional>

#include "query/item_set.h"
#include "traceql/field.h"

namespace sightline::query {

// What && joins within a filter (of a pipeline: within each of its filters that stand alone) and asks of nothing but
// this field, under any of its names, is left out. None: there is no such condition.
std::optional<ItemQuery> WithoutConditionsOn(const traceql::Field& field, const ItemQuery& query);

}  // namespace sightline::query
