#include "net/testing/grpc_call.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <future>
#include <memory>

namespace sightline::net::testing {

GrpcResult CallGrpc(const std::string& address, const std::string& method, std::string_view message,
                    std::string_view compression) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxSendMessageSize(-1);
  const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (compression == "gzip") context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  if (compression == "deflate") context.set_compression_algorithm(GRPC_COMPRESS_DEFLATE);
  const grpc::Slice piece(message.data(), message.size());
  const grpc::ByteBuffer request(&piece, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, method, {}, &request, &response, [&](grpc::Status status) { done.set_value(status); });
  const grpc::Status status = done.get_future().get();
  GrpcResult result{
      .code = status.error_code(), .error_message = status.error_message(), .details = status.error_details()};
  grpc::Slice slice;
  if (response.Valid() && response.DumpToSingleSlice(&slice).ok()) {
    result.message.assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return result;
}

}  // namespace sightline::net::testing
