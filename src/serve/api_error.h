// The one shape of errors: {"error":{"code":"INVALID_ARGUMENT","message":…,"where":…,"hint":…}}, for SQL also
// "clickhouse_code". `where` and `hint` are null where there is nothing to say.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "net/http_server.h"

namespace sightline::serve {

int HttpStatus(Code code);

// A second line of the message is the hint. `where` names the parameter or place at fault; a position in a ClickHouse
// message is found by itself.
net::HttpResponse ErrorResponse(const Error& error, const std::string& where = "");

// The same for what HTTP itself refuses (404 for an unknown path, 405, 413, ...).
net::HttpResponse HttpErrorResponse(int status, const std::string& message, const std::string& hint = "",
                                    const std::string& where = "");

// 410, code SAMPLED_OUT: the trace was here and was not kept, with "sampled_out":{"decided_unix_nano","policy"}.
// `policy`
// "": none wanted it.
net::HttpResponse SampledOutResponse(const std::string& trace_id, int64_t decided_unix_nanos,
                                     const std::string& policy);

}  // namespace sightline::serve
