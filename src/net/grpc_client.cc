#include "net/grpc_client.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <type_traits>

#include "net/compression.h"

namespace sightline::net {
namespace {

constexpr int kGzipLevel = 1;  // what is saved beyond it costs several times the time
constexpr std::chrono::milliseconds kPoll{100};
constexpr int kReconnectMillisMin = 100, kReconnectMillisMax = 2'000;  // whoever calls has a back-off of its own
constexpr int kConnectMillisMax = 10'000;                              // until TLS is agreed on
constexpr int kKeepaliveMillis = 30'000;

Result<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty()) return Fail(Code::kInvalidArgument, "{} cannot be read", path);
  return text;
}

// Bytes that are compressed already, in a message that says so. gRPC's own compression is zlib at level 6, which costs
// more than all else that is done for a span. grpc::ByteBuffer has no way to say it; the grpc_byte_buffer that it owns
// (its only member, as gRPC's header asserts) has.
grpc::ByteBuffer CompressedMessage(const std::string& bytes) {
  static_assert(std::is_standard_layout_v<grpc::ByteBuffer> && sizeof(grpc::ByteBuffer) == sizeof(grpc_byte_buffer*));
  grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data(), bytes.size());
  grpc::ByteBuffer message;
  *reinterpret_cast<grpc_byte_buffer**>(&message) =
      grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP);
  grpc_slice_unref(slice);
  return message;
}

std::string Contiguous(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

class Client final : public GrpcClient {
 public:
  explicit Client(std::shared_ptr<grpc::Channel> channel) : stub_(std::move(channel)) {}
  ~Client() override {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) continue;
  }

  GrpcResponse Call(const GrpcCall& call) override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::nanoseconds(call.timeout_nanos));
    for (const auto& [name, value] : call.metadata) context.AddMetadata(name, value);
    grpc::ByteBuffer message;
    Result<std::string> zipped;
    if (call.gzip) zipped = Gzip(call.message, kGzipLevel);
    if (call.gzip && zipped) {
      context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
      message = CompressedMessage(*zipped);
    } else {
      const grpc::Slice slice(call.message.data(), call.message.size());
      message = grpc::ByteBuffer(&slice, 1);
    }
    const auto reader = stub_.PrepareUnaryCall(&context, call.method, message, &queue_);
    reader->StartCall();
    grpc::ByteBuffer reply;
    grpc::Status status;
    reader->Finish(&reply, &status, this);
    Wait(call, context);
    GrpcResponse response{.code = static_cast<GrpcCode>(status.error_code()),
                          .error_message = status.error_message(),
                          .message = {},
                          .status_details = status.error_details()};
    if (status.ok()) response.message = Contiguous(reply);
    return response;
  }

 private:
  void Wait(const GrpcCall& call, grpc::ClientContext& context) {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + kPoll) == grpc::CompletionQueue::TIMEOUT) {
      if (call.cancelled && call.cancelled()) context.TryCancel();
    }
  }

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
};

}  // namespace

Result<std::unique_ptr<GrpcClient>> GrpcClient::Create(const GrpcClientOptions& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.tls) {
    const Result<std::string> ca = ReadPem(options.tls_files.ca), cert = ReadPem(options.tls_files.cert),
                              key = ReadPem(options.tls_files.key);
    for (const auto* text : {&ca, &cert, &key}) {
      if (!*text) return std::unexpected(text->error());
    }
    credentials = grpc::SslCredentials({.pem_root_certs = *ca, .pem_private_key = *key, .pem_cert_chain = *cert});
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // as HttpClient
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMillisMin);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMillisMax);  // it bounds nothing but an attempt
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMillisMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // whoever calls counts what was tried
  return std::make_unique<Client>(grpc::CreateCustomChannel(options.address, credentials, arguments));
}

}  // namespace sightline::net
