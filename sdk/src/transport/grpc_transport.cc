#include <grpc/grpc.h>
#include <grpcpp/channel.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <mutex>

#include "transport/grpc_text.h"
#include "transport/transport.h"

namespace otel::internal {
namespace {

using grpc::StatusCode;

// Nothing where the file can't be read.
std::optional<std::string> ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (!file || content.empty()) return std::nullopt;
  return content;
}

// gRPC stops the program for what it can't send.
bool IsMetadata(const std::string& key, const std::string& value) {
  const grpc_slice key_slice = grpc_slice_from_static_buffer(key.data(), key.size());
  const grpc_slice value_slice = grpc_slice_from_static_buffer(value.data(), value.size());
  return grpc_header_key_is_legal(key_slice) != 0 &&
         (grpc_is_binary_header(key_slice) != 0 || grpc_header_nonbin_value_is_legal(value_slice) != 0);
}

gpr_timespec ToGrpc(Deadline deadline) {  // both are CLOCK_MONOTONIC
  const int64_t nanos = std::chrono::nanoseconds(deadline.time_since_epoch()).count();
  return {.tv_sec = nanos / 1'000'000'000,
          .tv_nsec = static_cast<int32_t>(nanos % 1'000'000'000),
          .clock_type = GPR_CLOCK_MONOTONIC};
}

std::string_view NameOf(StatusCode code) {
  constexpr std::string_view kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  return code >= 0 && static_cast<size_t>(code) < std::size(kNames) ? kNames[code] : "a code that gRPC does not know";
}

// https://opentelemetry.io/docs/specs/otlp/#failures
bool MayPass(StatusCode code, bool has_retry_info) {
  switch (code) {
    case StatusCode::CANCELLED:
    case StatusCode::DEADLINE_EXCEEDED:
    case StatusCode::ABORTED:
    case StatusCode::OUT_OF_RANGE:
    case StatusCode::UNAVAILABLE:
    case StatusCode::DATA_LOSS:
      return true;
    case StatusCode::RESOURCE_EXHAUSTED:
      return has_retry_info;
    default:
      return false;
  }
}

// gRPC does not outlive a fork: the child would go on with the connections and the event queue of its parent, and so
// break the parent's. Only the process that used it first may use it.
bool IsGrpcProcess() {
  static std::atomic<pid_t> first = 0;
  pid_t process = 0;
  return first.compare_exchange_strong(process, getpid()) || process == getpid();
}

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(const OtlpOptions& options, const Signal& signal)
      : options_(options), method_(signal.grpc_method), target_(GrpcTargetOf(options)) {}
  ~GrpcTransport() override;

  Answer Send(std::string_view request, Deadline deadline) override;
  void Interrupt() override;

 private:
  // Where there is no stub yet, makes one; what is wrong with the options where that can't be.
  std::string Connect();
  std::string MakeCredentials(std::shared_ptr<grpc::ChannelCredentials>* credentials) const;
  std::string AddHeaders(grpc::ClientContext* context) const;
  bool Begin(grpc::ClientContext* context);
  void End();
  Answer Judge(const grpc::Status& status, grpc::ByteBuffer* response) const;
  Answer Fail(Answer::Kind kind, std::string_view why) const;

  const OtlpOptions options_;
  const char* const method_;
  const GrpcTarget target_;
  std::unique_ptr<grpc::GenericStub> stub_;
  std::mutex mutex_;
  grpc::ClientContext* call_ = nullptr;  // that is under way
  bool interrupted_ = false;
};

GrpcTransport::~GrpcTransport() {
  if (stub_ == nullptr || IsGrpcProcess()) return;
  [[maybe_unused]] const auto* const left_to_the_parent = stub_.release();
}

std::string GrpcTransport::MakeCredentials(std::shared_ptr<grpc::ChannelCredentials>* credentials) const {
  if (!target_.tls) {
    *credentials = grpc::InsecureChannelCredentials();
    return {};
  }
  grpc::SslCredentialsOptions ssl;
  for (const auto& [file, text] :
       {std::pair(&options_.certificate, &ssl.pem_root_certs), std::pair(&options_.client_key, &ssl.pem_private_key),
        std::pair(&options_.client_certificate, &ssl.pem_cert_chain)}) {
    if (file->empty()) continue;
    std::optional<std::string> content = ReadFile(*file);
    if (!content) return "can't read " + *file;
    *text = std::move(*content);
  }
  *credentials = grpc::SslCredentials(ssl);
  return {};
}

std::string GrpcTransport::Connect() {
  if (!IsGrpcProcess()) return "gRPC can't be used in the child of a fork: use http/protobuf there";
  if (stub_ != nullptr) return {};
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (std::string problem = MakeCredentials(&credentials); !problem.empty()) return problem;
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix(UserAgent());
  arguments.SetMaxSendMessageSize(-1);
  // A server that comes back is found soon: by itself gRPC would wait for up to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, static_cast<int>(options_.retry_initial.count()));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(options_.retry_max.count()));
  stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(target_.name, credentials, arguments));
  return {};
}

std::string GrpcTransport::AddHeaders(grpc::ClientContext* context) const {
  for (const auto& [name, value] : options_.headers) {
    const std::string key = Lower(name);
    if (!IsMetadata(key, value)) return "the header \"" + name + "\" is not valid gRPC metadata";
    context->AddMetadata(key, value);
  }
  return {};
}

bool GrpcTransport::Begin(grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  if (!interrupted_) call_ = context;
  return !interrupted_;
}

void GrpcTransport::End() {
  const std::lock_guard lock(mutex_);
  call_ = nullptr;
}

void GrpcTransport::Interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  if (call_ != nullptr) call_->TryCancel();
}

Answer GrpcTransport::Send(std::string_view request, Deadline deadline) {
  if (const std::string problem = Connect(); !problem.empty()) return Fail(Answer::Kind::kFailed, problem);
  grpc::ClientContext context;
  if (const std::string problem = AddHeaders(&context); !problem.empty()) return Fail(Answer::Kind::kFailed, problem);
  context.set_deadline(ToGrpc(deadline));
  if (options_.compression == OtlpCompression::kGzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  if (!Begin(&context)) return Fail(Answer::Kind::kFailed, "shut down");
  const grpc::Slice slice(request.data(), request.size());  // a copy: gRPC may still write it when the call has ended
  const grpc::ByteBuffer message(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  {
    grpc::CompletionQueue queue;
    const auto call = stub_->PrepareUnaryCall(&context, method_, message, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
  }
  End();
  return Judge(status, &response);
}

Answer GrpcTransport::Judge(const grpc::Status& status, grpc::ByteBuffer* response) const {
  if (status.ok()) {
    Answer answer{.kind = Answer::Kind::kAccepted};
    grpc::Slice slice;
    if (response->Valid() && response->DumpToSingleSlice(&slice).ok()) {
      const std::string_view body(reinterpret_cast<const char*>(slice.begin()), slice.size());
      answer.partial = ReadExportResponse(body, Encoding::kProtobuf).value_or(PartialSuccess{});
    }
    return answer;
  }
  const auto details = ReadRpcStatus(status.error_details(), Encoding::kProtobuf);
  const std::optional<std::chrono::milliseconds> delay = details ? details->retry_delay : std::nullopt;
  const bool retry = MayPass(status.error_code(), delay.has_value());
  Answer answer = Fail(retry ? Answer::Kind::kRetry : Answer::Kind::kFailed,
                       std::string(NameOf(status.error_code())) + ": " + status.error_message());
  answer.retry_after = delay;
  return answer;
}

Answer GrpcTransport::Fail(Answer::Kind kind, std::string_view why) const {
  return {.kind = kind, .message = target_.name + ": " + std::string(why)};
}

}  // namespace

std::unique_ptr<Transport> MakeGrpcTransport(const OtlpOptions& options, const Signal& signal) {
  return std::make_unique<GrpcTransport>(options, signal);
}

}  // namespace otel::internal
