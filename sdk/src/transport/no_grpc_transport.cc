// Instead of grpc_transport.cc where the library is built without gRPC.
#include "transport/transport.h"

namespace otel::internal {
namespace {

class NoGrpcTransport final : public Transport {
 public:
  Answer Send(std::string_view, Deadline) override {
    Answer answer;
    answer.message = "this build of the SDK has no gRPC (SIGHTLINE_OTEL_GRPC=OFF); use http/protobuf";
    return answer;
  }
  void Interrupt() override {}
};

}  // namespace

std::unique_ptr<Transport> MakeGrpcTransport(const OtlpOptions&, const Signal&) {
  return std::make_unique<NoGrpcTransport>();
}

}  // namespace otel::internal
