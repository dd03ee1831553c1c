#include "load/client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <future>

#include "net/compression.h"
#include "net/http_client.h"

namespace sightline::load {
namespace {

constexpr int kGzipLevel = 1;

class GrpcClient final : public Client {
 public:
  GrpcClient(const std::string& address, bool gzip) : gzip_(gzip) {
    grpc::ChannelArguments arguments;
    // A subchannel pool of its own: otherwise all connections would share one socket.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    stub_ = std::make_unique<grpc::GenericStub>(channel_);
  }

  Answer Send(std::string_view signal, std::string_view request) override {
    static const std::map<std::string_view, std::string> kMethods = {
        {"traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
        {"metrics", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"},
        {"logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"}};
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (gzip_) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    // The request outlives the call, so its bytes are borrowed, not copied.
    const grpc::Slice slice(request.data(), request.size(), grpc::Slice::STATIC_SLICE);
    const grpc::ByteBuffer message(&slice, 1);
    grpc::ByteBuffer reply;
    std::promise<grpc::Status> answered;
    stub_->UnaryCall(&context, kMethods.at(signal), {}, &message, &reply,
                     [&](grpc::Status status) { answered.set_value(std::move(status)); });
    const grpc::Status status = answered.get_future().get();
    if (status.ok()) return Answer::kAccepted;
    error_ = status.error_message();
    return status.error_code() == grpc::StatusCode::UNAVAILABLE ? Answer::kPushedBack : Answer::kFailed;
  }

 private:
  const bool gzip_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

class HttpOtlpClient final : public Client {
 public:
  HttpOtlpClient(std::string address, bool gzip) : address_(std::move(address)), gzip_(gzip) {}

  Answer Send(std::string_view signal, std::string_view request) override {
    std::string packed;
    net::HttpCall call{.method = "POST",
                       .url = "http://" + address_ + "/v1/" + std::string(signal),
                       .headers = {{"Content-Type", "application/x-protobuf"}},
                       .body = request,
                       .timeout_seconds = 60};
    if (gzip_) {
      packed = *net::Gzip(request, kGzipLevel);
      call.body = packed;
      call.headers.emplace_back("Content-Encoding", "gzip");
    }
    const Result<net::HttpReply> reply = http_.Call(call);
    if (!reply) {
      error_ = reply.error().message;
      return Answer::kFailed;
    }
    if (reply->status == 200) return Answer::kAccepted;
    error_ = reply->body;
    return reply->status == 503 || reply->status == 429 ? Answer::kPushedBack : Answer::kFailed;
  }

 private:
  const std::string address_;
  const bool gzip_;
  net::HttpClient http_;
};

}  // namespace

std::unique_ptr<Client> ConnectGrpc(const std::string& address, bool gzip) {
  return std::make_unique<GrpcClient>(address, gzip);
}

std::unique_ptr<Client> ConnectHttp(const std::string& address, bool gzip) {
  return std::make_unique<HttpOtlpClient>(address, gzip);
}

}  // namespace sightline::load
