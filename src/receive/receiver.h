// The OTLP endpoint: gRPC and HTTP on their ports, both into one sink.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "net/grpc_server.h"
#include "net/http_server.h"
#include "receive/export_handler.h"
#include "receive/sink.h"

namespace sightline::receive {

// Requests are inflated and scanned on the transport's own threads, so their number bounds the work under way; the
// answer comes from the sink's.
// Thread: the one that starts and stops it.
class Receiver {
 public:
  struct Options {
    std::string grpc_address = "127.0.0.1:4317";  // port 0 takes a free one
    std::string http_address = "127.0.0.1:4318";
    int http_threads = 2;
    uint32_t recv_message_bytes_max = 64 << 20;       // as sent
    uint64_t recv_decompressed_bytes_max = 64 << 20;  // inflated, and as protobuf
    uint64_t arriving_bytes_max = 512 << 20;          // of requests that are not complete yet, over each transport
    uint32_t connections_max = 1024;                  // of HTTP
    std::vector<std::string> allowed_hosts, allowed_origins;  // net::HttpServerOptions says what they mean
    otlp::Limits limits;
    int64_t future_nanos_max = otlp::TimeRules{}.future_nanos_max;
  };

  // Listens when it returns. All references must outlive it and every answer that the sink still owes.
  static Result<std::unique_ptr<Receiver>> Start(const Options& options, Sink& sink, MemoryBudget& budget,
                                                 MetricsRegistry& metrics, const Clock& clock);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::string grpc_address() const { return grpc_->address(); }  // with the real port
  std::string http_address() const { return http_->address(); }

  // Refuses new requests; those under way are answered for up to `grace_seconds`, then cut off.
  void Stop(int grace_seconds);

 private:
  Receiver() = default;

  std::unique_ptr<net::GrpcServer> grpc_;
  std::unique_ptr<net::HttpServer> http_;
};

}  // namespace sightline::receive
