// Counts requests that no export came of: refused before they were read, or sent to where nothing is received. What is
// refused later is counted with the exports (export_handler.h).
#pragma once

#include <string_view>

#include "base/metrics.h"
#include "net/grpc_server.h"

namespace sightline::receive {

// Thread: any.
class RefusedRequests {
 public:
  // `metrics` must outlive it.
  explicit RefusedRequests(MetricsRegistry& metrics) : metrics_(metrics) {}

  void Grpc(net::GrpcRefusal refusal);
  void GrpcMethod();      // that there is not
  void Http(int status);  // that the client was told

 private:
  void Count(std::string_view transport, std::string_view reason);

  MetricsRegistry& metrics_;
};

}  // namespace sightline::receive
