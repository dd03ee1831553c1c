#include <array>
#include <optional>
#include <string>
#include <utility>

#include "receive/transports.h"

namespace sightline::receive {
namespace {

using otlp::Signal;

constexpr std::array<std::string_view, 3> kMethods = {"/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                                                      "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                                                      "/opentelemetry.proto.collector.logs.v1.LogsService/Export"};

std::optional<Signal> SignalOf(std::string_view method) {
  for (const Signal signal : otlp::kSignals) {
    if (kMethods[static_cast<size_t>(signal)] == method) return signal;
  }
  return std::nullopt;
}

}  // namespace

net::GrpcHandler GrpcExports(std::shared_ptr<ExportHandler> handler, std::shared_ptr<RefusedRequests> refused) {
  return [handler = std::move(handler), refused = std::move(refused)](net::GrpcRequest request, net::GrpcReply reply) {
    const auto signal = SignalOf(request.method);
    if (!signal) {
      refused->GrpcMethod();
      reply({.code = net::GrpcCode::kUnimplemented,
             .error_message = fmt::format("no method {}; served here: {}, {}, {}", request.method, kMethods[0],
                                          kMethods[1], kMethods[2])});
      return;
    }
    handler->Handle(
        {.signal = *signal,
         .transport = Transport::kGrpc,
         .format = Format::kProtobuf,
         .encoding = std::move(request.encoding),
         .body = std::move(request.message)},
        [signal = *signal, reply = std::move(reply)](const Answer& answer) { reply(ToGrpc(signal, answer)); });
  };
}

}  // namespace sightline::receive
