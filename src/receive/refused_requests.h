// Counts requests that no export came of: refused before they were read, or sent to where nothing is received. What is
// refused later is counted with the exports (export_handler.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "net/grpc_server.h"

namespace sightline::receive {

// Thread: any.
class RefusedRequests {
 public:
  // `metrics` must outlive it.
  explicit RefusedRequests(MetricsRegistry& metrics) : metrics_(metrics) {}

  void Grpc(net::GrpcRefusal refusal) { Count("grpc", Reason(refusal)); }
  void GrpcMethod() { Count("grpc", "unknown_method"); }
  void Http(int status) { Count("http", Reason(status)); }

 private:
  static std::string_view Reason(net::GrpcRefusal refusal) {
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
  static std::string_view Reason(int status) {
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

  void Count(std::string_view transport, std::string_view reason) {
    metrics_
        .GetCounter("sightline.receive.refused_requests", "{request}",
                    "Requests refused before they were read, or sent to where nothing is received.",
                    {{"transport", std::string(transport)}, {"reason", std::string(reason)}})
        .Add(1);
  }

  MetricsRegistry& metrics_;
};

}  // namespace sightline::receive
