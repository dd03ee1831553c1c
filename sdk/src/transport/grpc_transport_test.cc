#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <protozero/pbf_writer.hpp>

#include "transport/testing/tcp_server.h"
#include "transport/transport.h"

namespace otel::internal {
namespace {

using grpc::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::Connection;
using ::testing::HasSubstr;
using testing::TcpServer;

using Kind = Answer::Kind;

constexpr seconds kLong{30};

struct Call {
  std::string method;
  std::multimap<std::string, std::string> metadata;
  std::string message;
};

std::string TextOf(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.Valid() || !buffer.DumpToSingleSlice(&slice).ok()) return {};
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

// Answers each call with the same, and keeps what it was asked.
class GrpcServer : private grpc::CallbackGenericService {
 public:
  explicit GrpcServer(grpc::Status status, std::string response = {})
      : status_(std::move(status)), response_(std::move(response)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~GrpcServer() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Call> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor(GrpcServer* server, grpc::GenericCallbackServerContext* context)
        : server_(*server), call_{.method = context->method()} {
      for (const auto& [key, value] : context->client_metadata()) {
        call_.metadata.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
      }
      StartRead(&request_);
    }
    void OnReadDone(bool) override {
      call_.message = TextOf(request_);
      {
        const std::lock_guard lock(server_.mutex_);
        server_.calls_.push_back(call_);
      }
      const grpc::Slice slice(server_.response_);
      response_ = grpc::ByteBuffer(&slice, 1);
      if (server_.status_.ok()) {
        StartWriteAndFinish(&response_, grpc::WriteOptions(), server_.status_);
      } else {
        Finish(server_.status_);
      }
    }
    void OnDone() override { delete this; }

   private:
    GrpcServer& server_;
    Call call_;
    grpc::ByteBuffer request_, response_;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new Reactor(this, context);
  }

  const grpc::Status status_;
  const std::string response_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<Call> calls_;
  std::unique_ptr<grpc::Server> server_;
};

OtlpOptions OptionsFor(const std::string& endpoint) {
  OtlpOptions options;
  options.protocol = OtlpProtocol::kGrpc;
  options.endpoint = endpoint;
  return options;
}

Answer Send(const OtlpOptions& options, std::string_view request = "request", milliseconds timeout = kLong) {
  return MakeGrpcTransport(options, kSignal<LogBatch>)->Send(request, steady_clock::now() + timeout);
}

Answer AnswerTo(const grpc::Status& status) {
  GrpcServer server(status);
  return Send(OptionsFor(server.url()));
}

// google.rpc.Status with a RetryInfo.
std::string RetryInfo(int64_t delay_seconds) {
  std::string duration, info, any, status;
  protozero::pbf_writer(duration).add_int64(1, delay_seconds);
  protozero::pbf_writer(info).add_message(1, duration);
  protozero::pbf_writer any_writer(any);
  any_writer.add_string(1, "type.googleapis.com/google.rpc.RetryInfo");
  any_writer.add_message(2, info);
  protozero::pbf_writer(status).add_message(3, any);
  return status;
}

TEST(GrpcTransport, CallsTheServiceOfItsSignal) {
  GrpcServer server(grpc::Status::OK);
  OtlpOptions options = OptionsFor(server.url());
  options.headers = {{"X-Api-Key", "s3cret"}};
  EXPECT_EQ(Send(options, "the\0 request").kind, Kind::kAccepted);
  ASSERT_EQ(server.calls().size(), 1);
  const Call call = server.calls()[0];
  EXPECT_EQ(call.method, "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
  EXPECT_EQ(call.message, "the\0 request");
  EXPECT_EQ(call.metadata.find("x-api-key")->second, "s3cret");
  EXPECT_THAT(call.metadata.find("user-agent")->second, ::testing::StartsWith("OTel-OTLP-Exporter-Cpp/"));
}

TEST(GrpcTransport, Compresses) {
  GrpcServer server(grpc::Status::OK);
  OtlpOptions options = OptionsFor(server.url());
  options.compression = OtlpCompression::kGzip;
  const std::string request(100'000, 'x');
  EXPECT_EQ(Send(options, request).kind, Kind::kAccepted);
  EXPECT_EQ(server.calls()[0].message, request);
}

TEST(GrpcTransport, TellsWhatMayPassFromWhatWillNot) {
  for (const auto& [code, kind] : {std::pair(StatusCode::CANCELLED, Kind::kRetry),
                                   {StatusCode::UNKNOWN, Kind::kFailed},
                                   {StatusCode::INVALID_ARGUMENT, Kind::kFailed},
                                   {StatusCode::DEADLINE_EXCEEDED, Kind::kRetry},
                                   {StatusCode::NOT_FOUND, Kind::kFailed},
                                   {StatusCode::PERMISSION_DENIED, Kind::kFailed},
                                   {StatusCode::UNAUTHENTICATED, Kind::kFailed},
                                   {StatusCode::RESOURCE_EXHAUSTED, Kind::kFailed},
                                   {StatusCode::FAILED_PRECONDITION, Kind::kFailed},
                                   {StatusCode::ABORTED, Kind::kRetry},
                                   {StatusCode::OUT_OF_RANGE, Kind::kRetry},
                                   {StatusCode::UNIMPLEMENTED, Kind::kFailed},
                                   {StatusCode::INTERNAL, Kind::kFailed},
                                   {StatusCode::UNAVAILABLE, Kind::kRetry},
                                   {StatusCode::DATA_LOSS, Kind::kRetry}}) {
    const Answer answer = AnswerTo(grpc::Status(code, "because"));
    EXPECT_EQ(answer.kind, kind) << code;
    EXPECT_THAT(answer.message, HasSubstr(": because")) << code;
    EXPECT_FALSE(answer.retry_after) << code;
  }
}

TEST(GrpcTransport, HearsWhenToComeBack) {
  for (const StatusCode code : {StatusCode::RESOURCE_EXHAUSTED, StatusCode::UNAVAILABLE}) {
    const Answer answer = AnswerTo(grpc::Status(code, "busy", RetryInfo(7)));
    EXPECT_EQ(answer.kind, Kind::kRetry);
    EXPECT_EQ(answer.retry_after, seconds(7));
    EXPECT_THAT(answer.message, HasSubstr("busy"));
  }
  EXPECT_EQ(AnswerTo(grpc::Status(StatusCode::UNAVAILABLE, "", "\xff\xff")).kind, Kind::kRetry);
}

TEST(GrpcTransport, ReadsWhatWasTakenInPart) {
  GrpcServer server(grpc::Status::OK, "\x0a\x07\x08\x04\x12\x03old");
  const Answer answer = Send(OptionsFor(server.url()));
  EXPECT_EQ(answer.kind, Kind::kAccepted);
  EXPECT_EQ(answer.partial.rejected, 4);
  EXPECT_EQ(answer.partial.message, "old");
  GrpcServer garbage(grpc::Status::OK, "\xff\xff");
  EXPECT_EQ(Send(OptionsFor(garbage.url())).kind, Kind::kAccepted);
}

TEST(GrpcTransport, MayPassWhenNobodyListens) {
  std::string url;
  {
    const TcpServer server([](Connection&) {});
    url = server.url();
  }
  EXPECT_EQ(Send(OptionsFor(url)).kind, Kind::kRetry);
}

TEST(GrpcTransport, MayPassWhenTheServerHangsUpOrIsNone) {
  TcpServer closes([](Connection& connection) { connection.Drain(); });
  EXPECT_EQ(Send(OptionsFor(closes.url()), "request", milliseconds(500)).kind, Kind::kRetry);
  TcpServer garbage([](Connection& connection) {
    connection.Send("220 smtp ready\r\n\xff\xff\xff\xff");
    connection.WaitForEnd();
  });
  EXPECT_EQ(Send(OptionsFor(garbage.url()), "request", milliseconds(500)).kind, Kind::kRetry);
}

TEST(GrpcTransport, ReturnsByTheDeadlineFromAServerThatStalls) {
  TcpServer server([](Connection& connection) { connection.WaitForEnd(); });
  const std::string large(16 << 20, 'x');
  for (const std::string_view request : {std::string_view("request"), std::string_view(large)}) {
    const auto begin = steady_clock::now();
    EXPECT_EQ(Send(OptionsFor(server.url()), request, milliseconds(100)).kind, Kind::kRetry);
    EXPECT_LT(steady_clock::now() - begin, kLong);
  }
}

TEST(GrpcTransport, IsInterruptedWhileItWaits) {
  std::promise<void> connected;
  TcpServer server([&](Connection& connection) {
    connection.Drain();
    connected.set_value();
    connection.WaitForEnd();
  });
  const auto transport = MakeGrpcTransport(OptionsFor(server.url()), kSignal<SpanBatch>);
  auto answer =
      std::async(std::launch::async, [&] { return transport->Send("request", steady_clock::now() + kLong / 2); });
  connected.get_future().wait();
  transport->Interrupt();
  ASSERT_EQ(answer.wait_for(kLong / 3), std::future_status::ready);
  EXPECT_NE(answer.get().kind, Kind::kAccepted);
  EXPECT_EQ(transport->Send("request", steady_clock::now() + kLong).kind, Kind::kFailed);
}

TEST(GrpcTransport, IsLeftAloneByTheChildOfAFork) {
  GrpcServer server(grpc::Status::OK);
  const auto transport = MakeGrpcTransport(OptionsFor(server.url()), kSignal<SpanBatch>);
  EXPECT_EQ(transport->Send("request", steady_clock::now() + kLong).kind, Kind::kAccepted);
  const pid_t child = fork();
  if (child == 0) _exit(transport->Send("request", steady_clock::now() + kLong).kind == Kind::kFailed ? 0 : 1);
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(transport->Send("request", steady_clock::now() + kLong).kind, Kind::kAccepted);
}

TEST(GrpcTransport, SaysWhatIsWrongWithItsOptions) {
  OtlpOptions options = OptionsFor("http://127.0.0.1:1");
  options.headers = {{"a b", "c"}};
  EXPECT_THAT(Send(options).message, HasSubstr("the header \"a b\""));
  options.headers = {{"a", "c\r\nd"}};
  EXPECT_EQ(Send(options).kind, Kind::kFailed);
  options = OptionsFor("https://127.0.0.1:1");
  options.certificate = "/no/such/file.pem";
  EXPECT_THAT(Send(options).message, HasSubstr("can't read /no/such/file.pem"));
}

}  // namespace
}  // namespace otel::internal
