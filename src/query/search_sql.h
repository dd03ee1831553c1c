// What a search asks the store, as one SQL statement that people can take elsewhere: the conditions of the list with
// their values as literals. Data: a filter -> the SQL of its list -> text for `sightline sql`.
#pragma once

#include <string>

#include "base/error.h"
#include "query/item_set.h"
#include "query/logs.h"
#include "query/traces.h"

namespace sightline::query {

// kFailedPrecondition: there is no such statement, because whole traces have to be judged. Other errors as of the
// lists.
Result<std::string> SpanSearchSql(ItemSource& source, const ItemQuery& query, TraceSort sort,
                                  store::Cancellation* cancellation = nullptr);
Result<std::string> TraceSearchSql(ItemSource& source, const SpanFilter& filter, TraceSort sort,
                                   store::Cancellation* cancellation = nullptr);
Result<std::string> LogSearchSql(ItemSource& source, const LogFilter& filter, LogSort sort,
                                 store::Cancellation* cancellation = nullptr);

// `sql` with a literal for each placeholder {name:Type}. kInternal: a type that there is no literal for here.
Result<std::string> WithLiterals(const std::string& sql, const std::map<std::string, std::string>& parameters);

}  // namespace sightline::query
