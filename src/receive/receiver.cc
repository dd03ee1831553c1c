#include "receive/receiver.h"

#include <thread>
#include <utility>

#include "receive/transports.h"

namespace sightline::receive {

Result<std::unique_ptr<Receiver>> Receiver::Start(const Options& options, Sink& sink, MemoryBudget& budget,
                                                  MetricsRegistry& metrics, const Clock& clock) {
  const auto handler = std::make_shared<ExportHandler>(
      ExportHandler::Options{.decompressed_bytes_max = options.recv_decompressed_bytes_max,
                             .limits = options.limits,
                             .future_nanos_max = options.future_nanos_max},
      sink, budget, metrics, clock);
  const auto refused = std::make_shared<RefusedRequests>(metrics);
  std::unique_ptr<Receiver> receiver(new Receiver);
  auto grpc = net::GrpcServer::Start({.address = options.grpc_address,
                                      .recv_message_bytes_max = options.recv_message_bytes_max,
                                      .memory_bytes_max = options.arriving_bytes_max,
                                      .on_refused = [refused](net::GrpcRefusal why) { refused->Grpc(why); }},
                                     GrpcExports(handler, refused));
  if (!grpc) return Wrap("OTLP/gRPC", grpc.error());
  receiver->grpc_ = std::move(*grpc);
  auto http = net::HttpServer::Start({.address = options.http_address,
                                      .threads = options.http_threads,
                                      .body_bytes_max = options.recv_message_bytes_max,
                                      .arriving_bytes_max = options.arriving_bytes_max,
                                      .connections_max = options.connections_max,
                                      .allowed_hosts = options.allowed_hosts,
                                      .allowed_origins = options.allowed_origins,
                                      .error_response =
                                          [refused](const net::HttpRequest& head, const net::HttpRefusal& refusal) {
                                            refused->Http(refusal.status);
                                            return HttpErrorResponse(head, refusal.status, refusal.message);
                                          }},
                                     HttpExports(handler, refused));
  if (!http) return Wrap("OTLP/HTTP", http.error());
  receiver->http_ = std::move(*http);
  return receiver;
}

Receiver::~Receiver() {
  Stop(0);
}

void Receiver::Stop(int grace_seconds) {
  // Side by side, so that the grace is not spent twice.
  std::thread http([&] {
    if (http_ != nullptr) http_->Stop(grace_seconds);
  });
  if (grpc_ != nullptr) grpc_->Stop(grace_seconds);
  http.join();
}

}  // namespace sightline::receive
