#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "receive/transports.h"

namespace sightline::receive {
namespace {

using otlp::Signal;

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return lower;
}

std::optional<Signal> SignalOf(std::string_view path) {
  for (const Signal signal : otlp::kSignals) {
    if (path.starts_with("/v1/") && path.substr(4) == otlp::SignalName(signal)) return signal;
  }
  return std::nullopt;
}

// A media type, its parameters ignored.
std::optional<Format> FormatOf(std::string_view content_type) {
  const std::string type = Lower(Trim(content_type.substr(0, content_type.find(';'))));
  if (type == "application/x-protobuf" || type == "application/protobuf") return Format::kProtobuf;
  if (type == "application/json") return Format::kJson;
  return std::nullopt;
}

// The one coding of Content-Encoding; several that are not identity stay a list, which nothing decodes.
std::string EncodingOf(std::string_view header) {
  std::string encoding;
  while (!header.empty()) {
    const size_t comma = header.find(',');
    const std::string token = Lower(Trim(header.substr(0, comma)));
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    if (token.empty() || token == "identity") continue;
    if (!encoding.empty()) encoding += ", ";
    encoding += token == "x-gzip" ? "gzip" : token;
  }
  return encoding;
}

}  // namespace

net::HttpResponse HttpErrorResponse(const net::HttpRequest& head, int status, const std::string& message) {
  const std::string_view content_type = head.Header("Content-Type");
  const auto format = FormatOf(content_type);
  net::HttpResponse response;
  response.status = status;
  // Whose encoding is unknown gets what people can read.
  response.content_type = format ? std::string(Trim(content_type)) : "application/json";
  const int64_t retry_delay = status == 503 ? kRetryDelayMillis : 0;
  response.body = StatusBody(format.value_or(Format::kJson), CodeOfHttpStatus(status), message, retry_delay);
  if (retry_delay > 0) response.headers.emplace_back("Retry-After", std::to_string(retry_delay / 1000));
  return response;
}

net::HttpHandler HttpExports(std::shared_ptr<ExportHandler> handler, std::shared_ptr<RefusedRequests> refused) {
  return [handler = std::move(handler), refused = std::move(refused)](net::HttpRequest request,
                                                                      net::HttpResponder responder) {
    const auto refuse = [&](int status, const std::string& message) {
      refused->Http(status);
      return HttpErrorResponse(request, status, message);
    };
    const auto signal = SignalOf(request.path);
    if (!signal) {
      return responder.Send(refuse(404, "no such path: OTLP is received on /v1/traces, /v1/metrics and /v1/logs"));
    }
    if (request.method != "POST") {
      auto response = refuse(405, request.path + " takes POST only");
      response.headers.emplace_back("Allow", "POST");
      return responder.Send(std::move(response));
    }
    std::string content_type(Trim(request.Header("Content-Type")));
    const auto format = FormatOf(content_type);
    if (!format) {
      return responder.Send(refuse(
          415,
          fmt::format("content type \"{}\" is not one of application/x-protobuf, application/json", content_type)));
    }
    std::string encoding = EncodingOf(request.Header("Content-Encoding"));
    handler->Handle({.signal = *signal,
                     .transport = Transport::kHttp,
                     .format = *format,
                     .encoding = std::move(encoding),
                     .body = std::move(request.body)},
                    [signal = *signal, format = *format, content_type = std::move(content_type), responder](
                        const Answer& answer) { responder.Send(ToHttp(signal, format, content_type, answer)); });
  };
}

}  // namespace sightline::receive
