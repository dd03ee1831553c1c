// Query parameters of GET /api/v1/traces -> a filter.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "net/http_server.h"
#include "query/traces.h"

namespace sightline::serve {

// `last` (a duration, default 1h) or `from` and `to` (unix nanoseconds); `service`; `errors` (true, false);
// `slower_than` (a duration); `limit`. kInvalidArgument names an unknown parameter or a bad value; `where` gets the
// parameter's name.
Result<query::TraceFilter> ParseTraceParams(const net::HttpRequest& request, int64_t now_unix_nanos,
                                            uint32_t limit_default, std::string& where);

}  // namespace sightline::serve
