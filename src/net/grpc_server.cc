#include "net/grpc_server.h"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/log.h"
#include "net/http_server.h"

namespace sightline::net {
namespace {

constexpr int kThreadsMax = 16;
constexpr int kMetadataBytesMax = 64 << 10;
constexpr int kPingIntervalMillisMin = 5'000;  // clients of gRPC for Go may ping every 10 s, also without calls
constexpr int kKeepaliveMillis = 60'000;       // our own pings find dead peers
constexpr int kKeepaliveTimeoutMillis = 20'000;

// --- gRPC's own log ------------------------------------------------------------------------------------------------

// The last error that gRPC logged on this thread: BuildAndStart tells no other way why it failed.
thread_local std::string last_grpc_error;

void OnGrpcLog(gpr_log_func_args* args) {
  if (args->severity != GPR_LOG_SEVERITY_ERROR) return;
  last_grpc_error = args->message;
  // A client can cause these; what matters is answered or counted elsewhere.
  Log(LogLevel::kDebug, "gRPC reports an error", {{"error", args->message}});
}

void RouteGrpcLog() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function(OnGrpcLog);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  });
}

// Debian's Abseil is a debug build: each lock of gRPC's is looked up in a graph of who waits for whom, under one lock
// of the process. That costs a few percent of receiving and finds nothing but bugs of gRPC's authors.
void StopDeadlockDetection() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

// --- one call ------------------------------------------------------------------------------------------------------

// grpc::ByteBuffer hides how a message is compressed; the grpc_byte_buffer that it points to is public and says it. The
// pointer is its only member (gRPC's own header asserts as much), so both have one address.
const grpc_byte_buffer* CoreBuffer(const grpc::ByteBuffer& buffer) {
  static_assert(std::is_standard_layout_v<grpc::ByteBuffer> && sizeof(grpc::ByteBuffer) == sizeof(grpc_byte_buffer*));
  return *reinterpret_cast<const grpc_byte_buffer* const*>(&buffer);
}

// gRPC's core treats a message in an encoding that it does not know as not compressed, and tells nobody the name. zstd,
// which clients in Go may register, is told apart by its magic number: as protobuf these bytes would begin with fields
// 5 and up in an order that no serializer writes.
bool IsZstd(const grpc_byte_buffer* buffer) {
  constexpr std::string_view kMagic = "\x28\xb5\x2f\xfd";
  const grpc_slice_buffer& slices = buffer->data.raw.slice_buffer;
  size_t matched = 0;
  for (size_t i = 0; i < slices.count; ++i) {
    for (size_t k = 0; k < GRPC_SLICE_LENGTH(slices.slices[i]) && matched < kMagic.size(); ++k, ++matched) {
      if (static_cast<char>(GRPC_SLICE_START_PTR(slices.slices[i])[k]) != kMagic[matched]) return false;
    }
  }
  return matched == kMagic.size();
}

// By message, not by call: a client that negotiated gzip may send a message as it is.
std::string_view EncodingName(const grpc_byte_buffer* buffer) {
  switch (buffer->data.raw.compression) {
    case GRPC_COMPRESS_GZIP:
      return "gzip";
    case GRPC_COMPRESS_DEFLATE:
      return "deflate";
    default:
      return IsZstd(buffer) ? "zstd" : "identity";
  }
}

// The one copy: out of the slices that the transport filled, into contiguous memory of ours.
std::string Contiguous(const grpc_byte_buffer* buffer) {
  const grpc_slice_buffer& slices = buffer->data.raw.slice_buffer;
  std::string bytes;
  bytes.reserve(slices.length);
  for (size_t i = 0; i < slices.count; ++i) {
    bytes.append(reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slices.slices[i])),
                 GRPC_SLICE_LENGTH(slices.slices[i]));
  }
  return bytes;
}

grpc::ByteBuffer ToByteBuffer(std::string message) {
  // The slice owns the string; nothing is copied.
  auto* owned = new std::string(std::move(message));
  const grpc::Slice slice(owned->data(), owned->size(), [](void* p) { delete static_cast<std::string*>(p); }, owned);
  return grpc::ByteBuffer(&slice, 1);
}

class Reactor;

// What the handler's reply and the call have in common. Whoever claims it first ends the call: the reply, the client's
// cancelling, or the last reply that is dropped unused.
// Thread: any.
class Ending {
 public:
  explicit Ending(Reactor* reactor) : reactor_(reactor) {}
  bool Claim() { return !claimed_.exchange(true); }
  void Reply(GrpcResponse response);

 private:
  std::atomic<bool> claimed_ = false;
  Reactor* const reactor_;  // lives until it is finished, so whoever claims may use it
};

// Answers for a handler that dropped its reply.
class ReplyGuard {
 public:
  explicit ReplyGuard(std::shared_ptr<Ending> ending) : ending_(std::move(ending)) {}
  ~ReplyGuard() {
    ending_->Reply({.code = GrpcCode::kInternal, .error_message = "the request was dropped without an answer"});
  }
  ReplyGuard(const ReplyGuard&) = delete;
  ReplyGuard& operator=(const ReplyGuard&) = delete;
  void Reply(GrpcResponse response) { ending_->Reply(std::move(response)); }

 private:
  const std::shared_ptr<Ending> ending_;
};

// What all calls of a server share.
struct Calls {
  const GrpcHandler handler;
  const uint32_t message_bytes_max;
  const std::function<void(GrpcRefusal refusal)> on_refused;
};

// A unary call: one message in, one message or a status out. Deletes itself. The handler gets the message when its
// client has ended the stream behind it: of a call with two, nothing must be kept and answered OK.
// Thread: gRPC's, one at a time but for Finish.
class Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(grpc::GenericCallbackServerContext* context, const Calls* calls)
      : context_(context), calls_(calls), ending_(std::make_shared<Ending>(this)) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (ok && !has_message_) {
      has_message_ = true;
      StartRead(&second_message_);
    } else if (ok) {
      Refuse(GrpcRefusal::kSeveralMessages, GrpcCode::kInvalidArgument, "the call carries more than one message");
    } else if (context_->IsCancelled()) {
      Refuse(GrpcRefusal::kBrokenOff, GrpcCode::kCancelled, "the call was broken off");
    } else if (!has_message_) {
      Refuse(GrpcRefusal::kNoMessage, GrpcCode::kInvalidArgument, "the call carries no message");
    } else {
      Handle();
    }
  }

  void OnCancel() override {
    if (ending_->Claim()) Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override { delete this; }

  void End(GrpcResponse response) {
    if (response.code != GrpcCode::kOk) {
      Finish(
          grpc::Status(static_cast<grpc::StatusCode>(response.code), response.error_message, response.status_details));
      return;
    }
    message_ = ToByteBuffer(std::move(response.message));
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

 private:
  void Refuse(GrpcRefusal refusal, GrpcCode code, std::string message) {
    if (calls_->on_refused) calls_->on_refused(refusal);
    ending_->Reply({.code = code, .error_message = std::move(message)});
  }

  void Handle() {
    const grpc_byte_buffer* buffer = CoreBuffer(message_);
    // Here and not in the core, which tells nobody what it refuses. It compares no earlier than this either.
    if (const size_t bytes = buffer->data.raw.slice_buffer.length; bytes > calls_->message_bytes_max) {
      return Refuse(GrpcRefusal::kTooLarge, GrpcCode::kResourceExhausted,
                    fmt::format("the message has {} bytes, the limit is {}", bytes, calls_->message_bytes_max));
    }
    GrpcRequest request{.method = context_->method(),
                        .encoding = std::string(EncodingName(buffer)),
                        .message = Contiguous(buffer),
                        .peer = context_->peer()};
    message_.Clear();
    auto guard = std::make_shared<ReplyGuard>(ending_);
    calls_->handler(std::move(request), [guard](GrpcResponse response) { guard->Reply(std::move(response)); });
  }

  grpc::GenericCallbackServerContext* const context_;
  const Calls* const calls_;
  const std::shared_ptr<Ending> ending_;
  bool has_message_ = false;
  grpc::ByteBuffer message_, second_message_;
};

void Ending::Reply(GrpcResponse response) {
  if (Claim()) reactor_->End(std::move(response));
}

// --- the server ----------------------------------------------------------------------------------------------------

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(Calls calls) : calls_(std::move(calls)) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new Reactor(context, &calls_);
  }

 private:
  const Calls calls_;
};

class Server final : public GrpcServer {
 public:
  explicit Server(Calls calls) : service_(std::move(calls)) {}
  ~Server() override { Stop(0); }

  Result<void> Start(const GrpcServerOptions& options, const HostPort& host_port) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(options.address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&service_);
    SetLimits(options, &builder);
    last_grpc_error.clear();
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return Fail(Code::kUnavailable, "listen on {} for gRPC: {}", options.address,
                  last_grpc_error.empty() ? "gRPC gives no reason" : last_grpc_error);
    }
    const bool v6 = host_port.host.find(':') != std::string::npos;
    address_ = fmt::format("{}{}{}:{}", v6 ? "[" : "", host_port.host, v6 ? "]" : "", port);
    return {};
  }

  std::string address() const override { return address_; }

  void Stop(int grace_seconds) override {
    const std::lock_guard lock(stop_mutex_);
    if (server_ == nullptr || stopped_) return;
    stopped_ = true;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(std::max(0, grace_seconds)));
    server_->Wait();
  }

 private:
  static void SetLimits(const GrpcServerOptions& options, grpc::ServerBuilder* builder) {
    builder->SetMaxReceiveMessageSize(-1);  // Reactor compares
    builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                                static_cast<int>(std::min<uint32_t>(options.concurrent_streams_max, INT32_MAX)));
    builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
    // Off, so that a second program on the same port fails instead of taking half of the calls.
    builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingIntervalMillisMin);
    builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
    builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
    builder->AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
    grpc::ResourceQuota quota("sightline");
    quota.SetMaxThreads(kThreadsMax);
    // The core compares a message with its limit only when all of it is there. Until then only the quota bounds what
    // one client can make us hold (the call that is over it is broken off).
    quota.Resize(options.memory_bytes_max);
    builder->SetResourceQuota(quota);
  }

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::mutex stop_mutex_;
  bool stopped_ = false;  // guarded by stop_mutex_
};

}  // namespace

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(GrpcServerOptions options, GrpcHandler handler) {
  auto host_port = ParseHostPort(options.address);
  if (!host_port) return std::unexpected(host_port.error());
  RouteGrpcLog();
  StopDeadlockDetection();
  auto server = std::make_unique<Server>(Calls{std::move(handler), options.recv_message_bytes_max, options.on_refused});
  SIGHTLINE_TRY(server->Start(options, *host_port));
  return server;
}

}  // namespace sightline::net
