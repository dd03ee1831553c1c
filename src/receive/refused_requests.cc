#include "receive/refused_requests.h"

#include <string>

namespace sightline::receive {
namespace {

std::string_view Reason(net::GrpcRefusal refusal) {
  switch (refusal) {
    case net::GrpcRefusal::kTooLarge:
      return "too_large";
    case net::GrpcRefusal::kNoMessage:
      return "no_message";
    case net::GrpcRefusal::kSeveralMessages:
      return "several_messages";
    case net::GrpcRefusal::kBrokenOff:
      break;
  }
  return "broken_off";
}

// By the status that the client was told.
std::string_view Reason(int status) {
  switch (status) {
    case 403:
      return "origin";
    case 404:
      return "unknown_path";
    case 405:
      return "method";
    case 408:
      return "timeout";
    case 413:
    case 431:
      return "too_large";
    case 415:
      return "content_type";
    case 421:
      return "host";
    case 503:
      return "busy";
    default:
      return "malformed";
  }
}

}  // namespace

void RefusedRequests::Grpc(net::GrpcRefusal refusal) {
  Count("grpc", Reason(refusal));
}

void RefusedRequests::GrpcMethod() {
  Count("grpc", "unknown_method");
}

void RefusedRequests::Http(int status) {
  Count("http", Reason(status));
}

void RefusedRequests::Count(std::string_view transport, std::string_view reason) {
  metrics_
      .GetCounter("sightline.receive.refused_requests", "{request}",
                  "Requests refused before they were read, or sent to where nothing is received.",
                  {{"transport", std::string(transport)}, {"reason", std::string(reason)}})
      .Add(1);
}

}  // namespace sightline::receive
