#include "serve/api_error.h"

#include <fmt/chrono.h>

#include "serve/json_writer.h"
#include "store/clickhouse.h"

namespace sightline::serve {
namespace {

net::HttpResponse Shape(int status, std::string_view code, std::string_view message, std::string_view where,
                        std::string_view hint, int clickhouse_code, std::string_view more = "") {
  JsonWriter json;
  json.Begin('{').Key("error").Begin('{');
  json.Key("code").String(code).Key("message").String(message);
  json.Key("where");
  where.empty() ? json.Null() : json.String(where);
  json.Key("hint");
  hint.empty() ? json.Null() : json.String(hint);
  if (clickhouse_code != 0) json.Key("clickhouse_code").Int(clickhouse_code);
  if (!more.empty()) json.Key("sampled_out").Raw(more);
  json.End('}').End('}');
  net::HttpResponse response;
  response.status = status;
  response.body = json.Take() + "\n";
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

// "… failed at position 15 (WHERE) (line 1, col 15): …" -> "position 15"
std::string PositionIn(std::string_view message) {
  constexpr std::string_view kMark = "failed at ";
  const size_t at = message.find(kMark);
  if (at == message.npos) return "";
  const auto rest = message.substr(at + kMark.size());
  return std::string(rest.substr(0, rest.find_first_of("(:")).substr(0, rest.find(" (")));
}

std::string_view CodeOfStatus(int status) {
  switch (status) {
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 405:
      return "METHOD_NOT_ALLOWED";
    case 408:
      return "DEADLINE_EXCEEDED";
    case 413:
    case 431:
      return "RESOURCE_EXHAUSTED";
    case 503:
      return "UNAVAILABLE";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

}  // namespace

int HttpStatus(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return 400;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
      return 409;
    case Code::kFailedPrecondition:
      return 412;
    case Code::kResourceExhausted:
      return 422;  // the query needs more than its limits: trying again does not help
    case Code::kUnavailable:
      return 503;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kCancelled:
      return 499;
    case Code::kUnimplemented:
      return 501;
    case Code::kDataLoss:
    case Code::kInternal:
      break;
  }
  return 500;
}

net::HttpResponse ErrorResponse(const Error& error, const std::string& where) {
  const size_t line = error.message.find('\n');
  // ClickHouse's own messages may have several lines; only ours end in a hint.
  const int clickhouse_code = store::ClickHouseCode(error.message);
  const bool has_hint = line != std::string::npos && clickhouse_code == 0;
  const std::string message = has_hint ? error.message.substr(0, line) : error.message;
  const std::string hint = has_hint ? error.message.substr(line + 1) : "";
  return Shape(HttpStatus(error.code), CodeName(error.code), message, where.empty() ? PositionIn(message) : where, hint,
               clickhouse_code);
}

net::HttpResponse HttpErrorResponse(int status, const std::string& message, const std::string& hint,
                                    const std::string& where) {
  return Shape(status, CodeOfStatus(status), message, where, hint, 0);
}

net::HttpResponse SampledOutResponse(const std::string& trace_id, int64_t decided_unix_nanos,
                                     const std::string& policy) {
  constexpr int64_t kSecondNanos = 1'000'000'000;
  JsonWriter more;
  more.Begin('{').Key("decided_unix_nano").Nanos(decided_unix_nanos).Key("policy").String(policy).End('}');
  const std::string why = policy.empty() ? "no policy kept it" : fmt::format("dropped by {}", policy);
  const std::string message = fmt::format("trace {} was sampled out at {:%Y-%m-%d %H:%M:%S} UTC: {}", trace_id,
                                          fmt::gmtime(decided_unix_nanos / kSecondNanos), why);
  net::HttpResponse response =
      Shape(410, "SAMPLED_OUT", message, "trace_id",
            "its calls are in the figures of its services; its spans are not stored", 0, more.Take());
  response.headers.emplace_back("Cache-Control", "no-store");  // late spans may still bring it back
  return response;
}

}  // namespace sightline::serve
