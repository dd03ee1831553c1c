#include "cli/api_client.h"

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>

#include "cli/commands.h"

namespace sightline::cli {
namespace {

using simdjson::dom::element;

constexpr int kTimeoutSeconds = 120;

Code CodeOf(std::string_view name) {
  if (name == "SAMPLED_OUT") return Code::kNotFound;
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    if (CodeName(static_cast<Code>(code)) == name) return static_cast<Code>(code);
  }
  return Code::kInternal;
}

std::string_view Text(element object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return "";
  return text;
}

// Times are strings of digits, counts are numbers.
int64_t Int(element object, std::string_view key) {
  int64_t value = 0;
  if (object[key].get(value) == simdjson::SUCCESS) return value;
  const std::string text(Text(object, key));
  return text.empty() ? 0 : std::strtoll(text.c_str(), nullptr, 10);
}

bool Bool(element object, std::string_view key) {
  bool value = false;
  return object[key].get(value) == simdjson::SUCCESS && value;
}

query::Attribute ToAttribute(std::string_view key, element value) {
  query::Attribute attribute{std::string(key), 's', ""};
  std::string_view bytes;
  switch (value.type()) {
    case simdjson::dom::element_type::STRING:
      attribute.text = std::string_view(value);
      return attribute;
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
      attribute.type = 'i';
      break;
    case simdjson::dom::element_type::DOUBLE:
      attribute.type = 'd';
      break;
    case simdjson::dom::element_type::BOOL:
      attribute.type = 'b';
      break;
    case simdjson::dom::element_type::ARRAY:
      attribute.type = 'a';
      break;
    case simdjson::dom::element_type::NULL_VALUE:
      attribute.type = 'e';
      return attribute;
    case simdjson::dom::element_type::OBJECT:
      attribute.type = 'm';
      if (simdjson::dom::object(value).size() == 1 && value["bytes"].get(bytes) == simdjson::SUCCESS) {
        attribute.type = 'x';
        attribute.text = bytes;
        return attribute;
      }
      break;
  }
  attribute.text = simdjson::minify(value);
  return attribute;
}

std::vector<query::Attribute> ToAttributes(element object) {
  std::vector<query::Attribute> attributes;
  simdjson::dom::object members;
  if (object["attributes"].get(members) != simdjson::SUCCESS) return attributes;
  for (auto [key, value] : members) attributes.push_back(ToAttribute(key, value));
  return attributes;
}

query::Span ToSpan(element json) {
  query::Span span;
  span.span_id = Text(json, "span_id");
  span.parent_span_id = Text(json, "parent_span_id");
  span.name = Text(json, "name");
  span.kind = Text(json, "kind");
  span.service = Text(json, "service");
  span.start_unix_nanos = Int(json, "start_unix_nano");
  span.duration_nanos = static_cast<uint64_t>(Int(json, "duration_nano"));
  element status;
  if (json["status"].get(status) == simdjson::SUCCESS) {
    span.status = Text(status, "code");
    span.status_message = Text(status, "message");
  }
  span.attributes = ToAttributes(json);
  for (element event : simdjson::dom::array(json["events"])) {
    span.events.push_back({Int(event, "time_unix_nano"), std::string(Text(event, "name")), ToAttributes(event), 0});
  }
  for (element link : simdjson::dom::array(json["links"])) {
    auto& added = span.links.emplace_back();
    added.trace_id = Text(link, "trace_id");
    added.span_id = Text(link, "span_id");
    added.attributes = ToAttributes(link);
  }
  return span;
}

// {"error":{…}} -> an Error; anything else is quoted as it is.
Error ToError(int status, const std::string& body) {
  simdjson::dom::parser parser;
  element json, error;
  if (parser.parse(body).get(json) == simdjson::SUCCESS && json["error"].get(error) == simdjson::SUCCESS) {
    std::string message(Text(error, "message"));
    if (auto where = Text(error, "where"); !where.empty() && status == 400 && message.find(where) == message.npos) {
      message = std::string(where) + ": " + message;
    }
    if (auto hint = Text(error, "hint"); !hint.empty()) message += "\n" + std::string(hint);
    return {CodeOf(Text(error, "code")), std::move(message)};
  }
  return {Code::kInternal, "the server answered " + std::to_string(status) + ": " + body.substr(0, 200)};
}

Result<net::HttpReply> Call(const std::string& server, const net::HttpCall& call) {
  net::HttpClient client;
  auto reply = client.Call(call);
  if (!reply) {
    Error error = reply.error();
    if (error.code == Code::kUnavailable) {
      error.message = "no answer from " + server + ": " + error.message +
                      "\nis `sightline serve` running there? --server " + "or SIGHTLINE_SERVER names another address";
    }
    return std::unexpected(std::move(error));
  }
  if (reply->status < 200 || reply->status > 299) return std::unexpected(ToError(reply->status, reply->body));
  return reply;
}

}  // namespace

std::string ServerUrl(const std::string& flag) {
  std::string url = flag;
  const char* env = std::getenv("SIGHTLINE_SERVER");
  if (url.empty() && env != nullptr) url = env;
  if (url.empty()) url = "http://127.0.0.1:8080";
  if (url.find("://") == url.npos) url = "http://" + url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string PathWithQuery(const std::string& path, const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string text = path;
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    text += separator + name + "=" + net::UrlEncode(value);
    separator = '&';
  }
  return text;
}

Result<std::string> ApiGet(const std::string& server, const std::string& path_and_query) {
  return ApiGetUntil(server, path_and_query, nullptr);
}

Result<std::string> ApiGetUntil(const std::string& server, const std::string& path_and_query,
                                const std::function<bool()>& cancelled) {
  net::HttpCall call;
  call.url = server + path_and_query;
  call.cancelled = cancelled;
  call.timeout_seconds = kTimeoutSeconds;
  auto reply = Call(server, call);
  if (!reply) return std::unexpected(reply.error());
  return std::move(reply->body);
}

Result<net::HttpReply> ApiGetStream(const std::string& server, const std::string& path_and_query,
                                    const std::function<bool(std::string_view piece)>& sink) {
  net::HttpCall call;
  call.url = server + path_and_query;
  call.sink = sink;
  return Call(server, call);
}

std::string WhatIsMissing(const net::HttpReply& file) {
  const std::string_view complete = file.Header("X-Sightline-Complete");
  if (complete == "true") return "";
  // Trailers, which not everything on the way hands on.
  return complete.empty() ? "the answer does not say whether more match" : "more match: --limit takes more";
}

Result<void> ApiPost(const std::string& server, const std::string& path_and_query, std::string_view body,
                     const std::function<bool(std::string_view piece)>& sink) {
  net::HttpCall call;
  call.method = "POST";
  call.url = server + path_and_query;
  call.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  call.body = body;
  call.sink = sink;
  auto done = Call(server, call);
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<std::vector<query::TraceSummary>> ParseTraces(const std::string& json) {
  try {
    simdjson::dom::parser parser;
    std::vector<query::TraceSummary> traces;
    for (element item : simdjson::dom::array(parser.parse(json)["traces"])) {
      auto& trace = traces.emplace_back();
      trace.trace_id = Text(item, "trace_id");
      trace.root_service = Text(item, "root_service");
      trace.root_name = Text(item, "root_name");
      trace.root_status = Text(item, "root_status");
      trace.root_missing = Bool(item, "root_missing");
      trace.start_unix_nanos = Int(item, "start_unix_nano");
      trace.duration_nanos = static_cast<uint64_t>(Int(item, "duration_nano"));
      trace.spans = static_cast<uint64_t>(Int(item, "span_count"));
      trace.errors = static_cast<uint64_t>(Int(item, "error_count"));
    }
    return traces;
  } catch (const simdjson::simdjson_error& error) {
    return Fail(Code::kInternal, "the server's list of traces does not read: {}", error.what());
  }
}

Result<query::Trace> ParseTrace(const std::string& json, std::string& next_cursor) {
  try {
    simdjson::dom::parser parser;
    element root = parser.parse(json);
    query::Trace trace;
    trace.trace_id = Text(root, "trace_id");
    std::string_view cursor;
    next_cursor = root["next_cursor"].get(cursor) == simdjson::SUCCESS ? std::string(cursor) : "";
    for (element span : simdjson::dom::array(root["spans"])) trace.spans.push_back(ToSpan(span));
    return trace;
  } catch (const simdjson::simdjson_error& error) {
    return Fail(Code::kInternal, "the server's trace does not read: {}", error.what());
  }
}

int PrintError(const Error& error) {
  const size_t line = error.message.find('\n');
  const std::string message = error.message.substr(0, line);
  std::fprintf(stderr, "sightline: %s\n", message.c_str());
  if (line != std::string::npos) std::fprintf(stderr, "  hint: %s\n", error.message.c_str() + line + 1);
  return error.code == Code::kInvalidArgument ? kExitWrongUse : kExitFailed;
}

}  // namespace sightline::cli
