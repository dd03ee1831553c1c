// The commands' side of the HTTP API: where the server is, what it answered, its JSON as values.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/http_client.h"
#include "query/traces.h"

namespace sightline::cli {

// --server, else SIGHTLINE_SERVER, else http://127.0.0.1:8080. A bare "host:port" gets http:// in front.
std::string ServerUrl(const std::string& flag);

// "/path?a=b" with the parameters encoded; those with empty values are left out.
std::string PathWithQuery(const std::string& path, const std::vector<std::pair<std::string, std::string>>& parameters);

// The body of a 2xx answer. Errors carry the server's code, message and hint; kUnavailable if there is no server.
Result<std::string> ApiGet(const std::string& server, const std::string& path_and_query);

// The same; kCancelled once `cancelled`, which is asked ten times a second.
Result<std::string> ApiGetUntil(const std::string& server, const std::string& path_and_query,
                                const std::function<bool()>& cancelled);

// Streams the body of a 2xx answer to `sink`, for as long as it takes; trailers are among the headers of what is given
// back.
Result<net::HttpReply> ApiGetStream(const std::string& server, const std::string& path_and_query,
                                    const std::function<bool(std::string_view piece)>& sink);

// Whether a file of the server has all that matches, in words for stderr; "" if it has.
std::string WhatIsMissing(const net::HttpReply& file);

// Streams the body of a 2xx answer to `sink`.
Result<void> ApiPost(const std::string& server, const std::string& path_and_query, std::string_view body,
                     const std::function<bool(std::string_view piece)>& sink);

Result<std::vector<query::TraceSummary>> ParseTraces(const std::string& json);
// A page of a trace, and the cursor of the next one, "" after the last. Attribute values as the text that the type
// letters describe.
Result<query::Trace> ParseTrace(const std::string& json, std::string& next_cursor);

// Prints "sightline: …" (and the hint on a line of its own) to stderr; returns the exit code: 2 for what the user can
// mend in the command, else 1.
int PrintError(const Error& error);

}  // namespace sightline::cli
