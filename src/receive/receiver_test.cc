#include "receive/receiver.h"

#include <gmock/gmock.h>
#include <simdjson.h>
#include <zstd.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <protozero/pbf_reader.hpp>
#include <sstream>
#include <thread>

#include "net/compression.h"
#include "net/http_client.h"
#include "net/testing/grpc_call.h"
#include "otlp/wire_writer.h"

namespace sightline::receive {
namespace {

using net::testing::CallGrpc;
using otlp::Signal;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kNow = 1'800'000'000'000'000'000;
constexpr uint64_t kBudget = 64 << 20;
constexpr const char* kTracesMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

// Keeps what it is given, or refuses it as told, or owes the answer until told.
class RecordingSink final : public Sink {
 public:
  void Accept(Export request, std::function<void(Result<void>)> done) override {
    std::unique_lock lock(mutex_);
    if (holding_) {
      held_.push_back(std::move(done));
      exports_.push_back(std::move(request));
      changed_.notify_all();
      return;
    }
    if (!failure_.message.empty()) {
      const Error failure = failure_;
      lock.unlock();
      return done(std::unexpected(failure));
    }
    exports_.push_back(std::move(request));
    lock.unlock();
    done({});
  }
  int64_t OldestKept(Signal, int64_t) const override { return oldest_; }

  void FailWith(Error failure) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
  }
  void SetOldest(int64_t oldest) { oldest_ = oldest; }
  void Hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  bool WaitForHeld(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return held_.size() >= count; });
  }
  void ReleaseHeld() {
    std::vector<std::function<void(Result<void>)>> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
      holding_ = false;
    }
    for (auto& done : held) done({});
  }
  std::deque<Export> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(exports_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Export> exports_;                           // guarded by mutex_
  std::vector<std::function<void(Result<void>)>> held_;  // guarded by mutex_
  bool holding_ = false;                                 // guarded by mutex_
  Error failure_;                                        // guarded by mutex_
  std::atomic<int64_t> oldest_ = 0;
};

// One span of 16 + 8 id bytes; `id` 0 makes a trace id that is refused.
void AddSpan(otlp::WireWriter& out, char id, std::string_view name = "work") {
  const size_t span = out.Begin(2 << 3 | 2);
  out.Bytes(1 << 3 | 2, std::string(16, id));
  out.Bytes(2 << 3 | 2, std::string(8, '\1'));
  out.Bytes(5 << 3 | 2, name);
  out.Fixed64(7 << 3 | 1, kNow - 2'000'000'000);
  out.Fixed64(8 << 3 | 1, kNow - 1'000'000'000);
  out.End(span);
}

std::string Traces(const std::string& ids, std::string_view name = "work") {
  otlp::WireWriter out;
  const size_t resource = out.Begin(1 << 3 | 2);
  const size_t scope = out.Begin(2 << 3 | 2);
  for (const char id : ids) AddSpan(out, id, name);
  out.End(scope);
  out.End(resource);
  return out.Take();
}

std::string Zstd(std::string_view data) {
  std::string out(ZSTD_compressBound(data.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3));
  return out;
}

std::string ReadFile(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// What Export…ServiceResponse says.
struct PartialSuccess {
  bool set = false;
  int64_t rejected = 0;
  std::string message;
};
PartialSuccess ReadResponse(const std::string& bytes) {
  PartialSuccess partial;
  protozero::pbf_reader response(bytes);
  while (response.next(1)) {
    partial.set = true;
    protozero::pbf_reader fields = response.get_message();
    while (fields.next()) {
      if (fields.tag() == 1) partial.rejected = fields.get_int64();
      if (fields.tag() == 2) partial.message = fields.get_string();
    }
  }
  return partial;
}

struct RpcStatus {
  int code = 0;
  std::string message;
  std::vector<std::string> details;  // type URLs
};
RpcStatus ReadStatus(const std::string& bytes) {
  RpcStatus status;
  protozero::pbf_reader fields(bytes);
  while (fields.next()) {
    if (fields.tag() == 1) {
      status.code = fields.get_int32();
    } else if (fields.tag() == 2) {
      status.message = fields.get_string();
    } else {
      protozero::pbf_reader any = fields.get_message();
      if (any.next(1)) status.details.push_back(any.get_string());
    }
  }
  return status;
}

class ReceiverTest : public ::testing::Test {
 protected:
  ReceiverTest() {
    options_.grpc_address = options_.http_address = "127.0.0.1:0";
    Start();
  }
  void Start() {
    receiver_.reset();
    auto receiver = Receiver::Start(options_, sink_, budget_, metrics_, clock_);
    SIGHTLINE_CHECK(receiver);
    receiver_ = std::move(*receiver);
  }

  net::HttpReply Call(const std::string& method, const std::string& path, std::string_view body,
                      net::HttpHeaders headers) {
    net::HttpClient client;
    auto reply = client.Call({.method = method,
                              .url = "http://" + receiver_->http_address() + path,
                              .headers = std::move(headers),
                              .body = body,
                              .timeout_seconds = 20});
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::HttpReply{};
  }
  net::HttpReply Post(const std::string& path, std::string_view body, const std::string& content_type,
                      const std::string& encoding = "") {
    net::HttpHeaders headers = {{"Content-Type", content_type}};
    if (!encoding.empty()) headers.emplace_back("Content-Encoding", encoding);
    return Call("POST", path, body, std::move(headers));
  }
  net::HttpReply PostTraces(std::string_view body, const std::string& encoding = "") {
    return Post("/v1/traces", body, "application/x-protobuf", encoding);
  }
  net::testing::GrpcResult ExportTraces(std::string_view message, std::string_view compression = {}) {
    return CallGrpc(receiver_->grpc_address(), kTracesMethod, message, compression);
  }

  // The sum of all samples of a metric that have all these label values.
  double Metric(const std::string& name, const std::vector<std::string>& labels = {}) {
    double sum = 0;
    for (const auto& sample : metrics_.Snapshot()) {
      bool matches = sample.name == name;
      for (const auto& wanted : labels) {
        matches = matches && std::ranges::any_of(sample.labels, [&](const auto& l) { return l.second == wanted; });
      }
      if (matches) sum += sample.value;
    }
    return sum;
  }

  RecordingSink sink_;
  MemoryBudget budget_{kBudget};
  MetricsRegistry metrics_;
  FakeClock clock_{kNow};
  Receiver::Options options_;
  std::unique_ptr<Receiver> receiver_;
};

TEST_F(ReceiverTest, TakesEveryEncodingOverHttp) {
  const std::string request = Traces("ab");
  const auto gzip = net::Gzip(request).value();
  const struct {
    std::string body, encoding;
  } cases[] = {{request, ""},    {request, "identity"},   {gzip, "gzip"},          {gzip, "GZIP"},
               {gzip, "x-gzip"}, {Zstd(request), "zstd"}, {gzip, "identity, gzip"}};
  for (const auto& c : cases) {
    const auto reply = PostTraces(c.body, c.encoding);
    EXPECT_EQ(reply.status, 200) << c.encoding << reply.body;
    EXPECT_EQ(reply.body, "");
    EXPECT_EQ(reply.Header("Content-Type"), "application/x-protobuf");
    auto exports = sink_.Take();
    ASSERT_THAT(exports, SizeIs(1)) << c.encoding;
    EXPECT_EQ(exports[0].bytes, request);
    EXPECT_EQ(exports[0].signal, Signal::kTraces);
    EXPECT_EQ(exports[0].received_unix_nanos, kNow);
    EXPECT_EQ(exports[0].scan.items_accepted, 2U);
    EXPECT_EQ(exports[0].reservation.bytes(), request.size() + otlp::MemoryBytes(exports[0].scan));
  }
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(Metric("sightline.receive.requests", {"traces", "http", "accepted"}), 7);
  EXPECT_EQ(Metric("sightline.receive.items", {"traces"}), 14);
  EXPECT_EQ(Metric("sightline.receive.bytes", {"decompressed"}), 7.0 * static_cast<double>(request.size()));
}

TEST_F(ReceiverTest, TakesEveryEncodingOverGrpc) {
  const std::string request = Traces(std::string(200, 'a'));
  for (const char* compression : {"", "gzip", "deflate"}) {
    const auto result = ExportTraces(request, compression);
    EXPECT_EQ(result.code, 0) << compression << result.error_message;
    EXPECT_EQ(result.message, "");
    auto exports = sink_.Take();
    ASSERT_THAT(exports, SizeIs(1)) << compression;
    EXPECT_EQ(exports[0].bytes, request);
  }
  EXPECT_LT(Metric("sightline.receive.bytes", {"wire"}), Metric("sightline.receive.bytes", {"decompressed"}));
  EXPECT_EQ(Metric("sightline.receive.requests", {"traces", "grpc", "accepted"}), 3);
}

TEST_F(ReceiverTest, EmptyRequestsSucceedAndReachNobody) {
  EXPECT_EQ(PostTraces("").status, 200);
  EXPECT_EQ(ExportTraces("").code, 0);
  for (const char* path : {"/v1/traces", "/v1/metrics", "/v1/logs"}) {
    const auto reply = Post(path, "{}", "application/json; charset=utf-8");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "{}");
    EXPECT_EQ(reply.Header("Content-Type"), "application/json; charset=utf-8");
  }
  EXPECT_THAT(sink_.Take(), IsEmpty());
}

TEST_F(ReceiverTest, GoodItemsAreKeptAndBadOnesComeBackAsPartialSuccess) {
  const std::string request = Traces(std::string("a\0b\0\0", 5));
  const auto http = ReadResponse(PostTraces(request).body);
  const auto grpc = ReadResponse(ExportTraces(request).message);
  for (const auto& partial : {http, grpc}) {
    EXPECT_EQ(partial.rejected, 3);
    EXPECT_THAT(partial.message, HasSubstr("trace"));
  }
  auto exports = sink_.Take();
  ASSERT_THAT(exports, SizeIs(2));
  EXPECT_THAT(exports[0].scan.refused, ::testing::ElementsAre(1, 3, 4));
  EXPECT_EQ(Metric("sightline.receive.refused_items", {"traces", "trace_id_invalid"}), 6);
  EXPECT_EQ(Metric("sightline.receive.items", {"traces"}), 4);
}

TEST_F(ReceiverTest, PartialSuccessInJsonNamesTheSignalsItems) {
  const auto reply = Post("/v1/traces", R"({"resourceSpans":[{"scopeSpans":[{"spans":[
      {"traceId":"00000000000000000000000000000000","spanId":"0102030405060708","name":"\"quoted\""}]}]}]})",
                          "application/json");
  EXPECT_EQ(reply.status, 200);
  simdjson::dom::parser parser;
  simdjson::dom::element body;
  ASSERT_EQ(parser.parse(reply.body).get(body), simdjson::SUCCESS) << reply.body;
  EXPECT_EQ(std::string_view(body["partialSuccess"]["rejectedSpans"]), "1");
  EXPECT_THAT(std::string(std::string_view(body["partialSuccess"]["errorMessage"])), HasSubstr("trace"));
  EXPECT_THAT(sink_.Take(), IsEmpty()) << "nothing of it was accepted";
}

TEST_F(ReceiverTest, ItemsOlderThanTheRetentionAreRefused) {
  sink_.SetOldest(kNow);
  EXPECT_EQ(ReadResponse(PostTraces(Traces("a")).body).rejected, 1);
  EXPECT_EQ(Metric("sightline.receive.refused_items", {"too_old"}), 1);
}

TEST_F(ReceiverTest, MalformedRequestsAreNotRetryable) {
  const std::string good = Traces("a");
  const std::string cut = good.substr(0, good.size() - 1);
  const auto reply = PostTraces(cut);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.Header("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(reply.Header("Retry-After"), "");
  const auto status = ReadStatus(reply.body);
  EXPECT_EQ(status.code, 3);
  EXPECT_THAT(status.message, HasSubstr("at byte"));
  EXPECT_THAT(status.details, ::testing::ElementsAre("type.googleapis.com/google.rpc.BadRequest"));

  const auto result = ExportTraces(cut);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.error_message, status.message);
  EXPECT_EQ(ReadStatus(result.details).details, status.details);

  const auto json = Post("/v1/logs", R"({"resourceLogs": 7})", "application/json");
  EXPECT_EQ(json.status, 400);
  EXPECT_EQ(json.Header("Content-Type"), "application/json");
  EXPECT_THAT(json.body, AllOf(HasSubstr(R"("code":3)"), HasSubstr("BadRequest"), HasSubstr("resource_logs")));

  EXPECT_EQ(PostTraces(good, "gzip").status, 400) << "not gzip at all";
  const auto gzip = net::Gzip(good).value();
  EXPECT_EQ(PostTraces(gzip.substr(0, gzip.size() - 3), "gzip").status, 400);
  EXPECT_THAT(sink_.Take(), IsEmpty());
  EXPECT_EQ(Metric("sightline.receive.requests", {"invalid"}), 5);
}

TEST_F(ReceiverTest, WrongMethodsPathsAndTypesAreTold) {
  const std::string good = Traces("a");
  const struct {
    std::string method, path, type, encoding;
    int status;
  } cases[] = {
      {"GET", "/v1/traces", "application/x-protobuf", "", 405},
      {"PUT", "/v1/logs", "application/json", "", 405},
      {"POST", "/v1/spans", "application/x-protobuf", "", 404},
      {"POST", "/", "application/json", "", 404},
      {"POST", "/v1/traces", "text/plain", "", 415},
      {"POST", "/v1/traces", "", "", 415},
      {"POST", "/v1/traces", "application/x-protobuf", "br", 415},
      {"POST", "/v1/traces", "application/x-protobuf", "gzip, gzip", 415},
  };
  for (const auto& c : cases) {
    const auto reply = Call(c.method, c.path, c.method == "GET" ? "" : good,
                            {{"Content-Type", c.type}, {"Content-Encoding", c.encoding}});
    EXPECT_EQ(reply.status, c.status) << c.method << c.path << c.type << c.encoding;
    EXPECT_EQ(reply.Header("Allow"), c.status == 405 ? "POST" : "");
    if (c.type == "application/x-protobuf") {
      EXPECT_THAT(ReadStatus(reply.body).message, ::testing::Not(IsEmpty()));
    } else {
      EXPECT_THAT(reply.body, HasSubstr("\"message\":\""));
    }
  }
  const auto result = CallGrpc(receiver_->grpc_address(), "/jaeger.api_v2.CollectorService/PostSpans", good);
  EXPECT_EQ(result.code, 12);
  EXPECT_THAT(result.error_message, AllOf(HasSubstr("PostSpans"), HasSubstr("TraceService/Export"),
                                          HasSubstr("MetricsService/Export"), HasSubstr("LogsService/Export")));
  EXPECT_THAT(sink_.Take(), IsEmpty());
}

TEST_F(ReceiverTest, TooLargeRequestsAreNotRetryable) {
  options_.recv_message_bytes_max = 20'000;
  options_.recv_decompressed_bytes_max = 50'000;
  Start();
  const std::string wire = Traces("a", std::string(30'000, 'x'));
  const std::string bomb = Traces("a", std::string(60'000, 'x'));
  const std::string fits = Traces("a", std::string(40'000, 'x'));
  const auto check_http = [](const net::HttpReply& reply) {
    EXPECT_EQ(reply.status, 413);
    EXPECT_EQ(reply.Header("Retry-After"), "");
    EXPECT_EQ(ReadStatus(reply.body).code, 8);
    EXPECT_THAT(ReadStatus(reply.body).details, IsEmpty());
  };
  check_http(PostTraces(wire));
  check_http(PostTraces(net::Gzip(bomb).value(), "gzip"));
  check_http(PostTraces(Zstd(bomb), "zstd"));
  for (const auto& result : {ExportTraces(wire), ExportTraces(bomb, "gzip")}) {
    EXPECT_EQ(result.code, 8);
    EXPECT_THAT(ReadStatus(result.details).details, IsEmpty()) << "RetryInfo would make clients send it again";
  }
  EXPECT_EQ(PostTraces(net::Gzip(fits).value(), "gzip").status, 200);
  EXPECT_EQ(PostTraces(Zstd(fits), "zstd").status, 200);
  EXPECT_EQ(ExportTraces(fits, "gzip").code, 0);
  EXPECT_THAT(sink_.Take(), SizeIs(3));
  EXPECT_EQ(budget_.used(), 0U);
}

// A bomb whose trailer lies about its size, and data that inflates further than any OTLP, get the whole limit.
TEST_F(ReceiverTest, WhatInflatesBeyondTheGuessIsTakenWithinTheLimit) {
  const std::string request = Traces("a", std::string(4 << 20, 'x'));
  EXPECT_EQ(PostTraces(Zstd(request), "zstd").status, 200);
  std::string lying = net::Gzip(request).value();
  lying[lying.size() - 2] = 1;
  EXPECT_EQ(PostTraces(lying, "gzip").status, 400) << "gzip checks its size";
  auto exports = sink_.Take();
  ASSERT_THAT(exports, SizeIs(1));
  EXPECT_EQ(exports[0].bytes, request);
  exports.clear();
  EXPECT_EQ(budget_.used(), 0U);
}

void ExpectPushedBack(const net::HttpReply& reply) {
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  EXPECT_EQ(ReadStatus(reply.body).code, 14);
  EXPECT_THAT(ReadStatus(reply.body).details, ::testing::ElementsAre("type.googleapis.com/google.rpc.RetryInfo"));
}
void ExpectPushedBack(const net::testing::GrpcResult& result) {
  EXPECT_EQ(result.code, 14);
  EXPECT_THAT(ReadStatus(result.details).details, ::testing::ElementsAre("type.googleapis.com/google.rpc.RetryInfo"));
}

TEST_F(ReceiverTest, WhatTheSinkCannotTakeNowIsRetryable) {
  sink_.FailWith({Code::kUnavailable, "the disk is full"});
  const auto reply = PostTraces(Traces("a"));
  ExpectPushedBack(reply);
  EXPECT_EQ(ReadStatus(reply.body).message, "the disk is full");
  ExpectPushedBack(ExportTraces(Traces("a")));
  const auto json = Post("/v1/traces", R"({"resourceSpans":[{"scopeSpans":[{"spans":[
      {"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708"}]}]}]})",
                         "application/json");
  EXPECT_EQ(json.status, 503);
  EXPECT_THAT(json.body, HasSubstr(R"("retryDelay":"1s")"));
  EXPECT_EQ(Metric("sightline.receive.requests", {"retry_later"}), 3);
  EXPECT_EQ(Metric("sightline.receive.items"), 0) << "only what was answered as kept is counted";
  sink_.FailWith({Code::kInternal, "a bug"});
  EXPECT_EQ(PostTraces(Traces("a")).status, 500);
}

TEST_F(ReceiverTest, PushesBackWhileTheMemoryBudgetIsSpent) {
  const std::string request = Traces("a");
  auto others = budget_.TryReserve(kBudget - request.size() / 2);
  ExpectPushedBack(PostTraces(request));
  ExpectPushedBack(ExportTraces(request));
  others.Release();
  // Enough for the bytes as sent, not for the inflated ones.
  const std::string large = Traces("a", std::string(100'000, 'x'));
  others = budget_.TryReserve(kBudget - 50'000);
  ExpectPushedBack(PostTraces(net::Gzip(large).value(), "gzip"));
  others.Release();
  EXPECT_EQ(PostTraces(net::Gzip(large).value(), "gzip").status, 200);
  const auto exports = sink_.Take();
  ASSERT_THAT(exports, SizeIs(1));
  EXPECT_EQ(budget_.used(), large.size() + otlp::MemoryBytes(exports[0].scan)) << "the sink holds the reservation";
}

TEST_F(ReceiverTest, JsonIsReservedLikeProtobuf) {
  const std::string json = R"({"resourceSpans":[{"scopeSpans":[{"spans":[
      {"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":")" +
                           std::string(100'000, 'x') + R"("}]}]}]})";
  EXPECT_EQ(Post("/v1/traces", json, "application/json").status, 200);
  const auto exports = sink_.Take();
  ASSERT_THAT(exports, SizeIs(1));
  EXPECT_GT(exports[0].bytes.size(), 100'000U);
  EXPECT_EQ(budget_.used(), exports[0].bytes.size() + otlp::MemoryBytes(exports[0].scan));
}

// Two bytes an item as sent, but a row each: the budget counts what they will need, and what can never fit is final.
TEST_F(ReceiverTest, ItemsWithoutBytesCostMemoryToo) {
  const auto empty_logs = [](size_t count) {
    otlp::WireWriter out;
    const size_t resource = out.Begin(1 << 3 | 2);
    const size_t scope = out.Begin(2 << 3 | 2);
    for (size_t i = 0; i < count; ++i) out.End(out.Begin(2 << 3 | 2));
    out.End(scope);
    out.End(resource);
    return out.Take();
  };
  EXPECT_EQ(Post("/v1/logs", empty_logs(10'000), "application/x-protobuf").status, 200);
  EXPECT_GT(budget_.used(), 1'000'000U);
  sink_.Take();
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(Post("/v1/logs", empty_logs(1'000'000), "application/x-protobuf").status, 413);
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(ReceiverTest, AnswersOnlyWhenTheSinkHasIt) {
  sink_.Hold();
  std::atomic<bool> answered = false;
  net::HttpReply reply;
  std::thread client([&] {
    reply = PostTraces(Traces("a"));
    answered = true;
  });
  EXPECT_TRUE(sink_.WaitForHeld(1));
  EXPECT_FALSE(answered);
  EXPECT_EQ(Metric("sightline.receive.items"), 0);
  sink_.ReleaseHeld();
  client.join();
  EXPECT_EQ(reply.status, 200);
}

TEST_F(ReceiverTest, StopLetsRequestsUnderWayFinish) {
  sink_.Hold();
  std::thread client([&] { EXPECT_EQ(PostTraces(Traces("a")).status, 200); });
  std::thread grpc_client([&] { EXPECT_EQ(ExportTraces(Traces("a")).code, 0); });
  EXPECT_TRUE(sink_.WaitForHeld(2));
  std::thread stopper([&] { receiver_->Stop(20); });
  sink_.ReleaseHeld();
  client.join();
  grpc_client.join();
  stopper.join();
}

TEST_F(ReceiverTest, BrowsersFromAllowedOriginsMaySend) {
  options_.allowed_origins = {"https://shop.example"};
  Start();
  const auto preflight = Call("OPTIONS", "/v1/traces", "",
                              {{"Origin", "https://shop.example"},
                               {"Access-Control-Request-Method", "POST"},
                               {"Access-Control-Request-Headers", "content-type"}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Origin"), "https://shop.example");
  const auto foreign =
      Call("POST", "/v1/traces", "{}", {{"Origin", "https://evil.example"}, {"Content-Type", "application/json"}});
  EXPECT_EQ(foreign.status, 403);
  EXPECT_THAT(foreign.body, HasSubstr(R"("code":7)"));
}

// Every recorded request of official SDKs, over each transport that can carry it.
class RecordedRequestsTest : public ReceiverTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void Replay(const std::string& directory, std::string_view file, Signal signal, uint64_t count) {
    SCOPED_TRACE(file);
    const std::string bytes = ReadFile(directory + "/" + std::string(file));
    ASSERT_FALSE(bytes.empty());
    const bool gzip = file.ends_with(".gz"), json = file.find(".json") != std::string_view::npos;
    const auto reply = Post("/v1/" + std::string(otlp::SignalName(signal)), bytes,
                            json ? "application/json" : "application/x-protobuf", gzip ? "gzip" : "");
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, json ? "{}" : "");
    auto exports = sink_.Take();
    ASSERT_THAT(exports, SizeIs(count == 0 ? 0 : 1));
    if (count > 0) EXPECT_EQ(exports[0].scan.items_accepted, count);
    if (json) return;
    const std::string inflated = gzip ? net::Decompress("gzip", bytes, 64 << 20).value() : bytes;
    static constexpr const char* kServices[] = {"trace.v1.TraceService", "metrics.v1.MetricsService",
                                                "logs.v1.LogsService"};
    const auto result =
        CallGrpc(receiver_->grpc_address(),
                 fmt::format("/opentelemetry.proto.collector.{}/Export", kServices[static_cast<size_t>(signal)]),
                 inflated, gzip ? "gzip" : "");
    EXPECT_EQ(result.code, 0) << result.error_message;
    EXPECT_EQ(result.message, "");
    exports = sink_.Take();
    ASSERT_THAT(exports, SizeIs(count == 0 ? 0 : 1));
    if (count > 0) EXPECT_EQ(exports[0].bytes, inflated);
  }
};

TEST_P(RecordedRequestsTest, AreAcceptedWhole) {
  const std::string directory = GetParam();
  if (!std::filesystem::exists(directory + "/manifest.json")) GTEST_SKIP() << directory << " is not here";
  simdjson::dom::parser parser;
  simdjson::dom::element manifest;
  ASSERT_EQ(parser.load(directory + "/manifest.json").get(manifest), simdjson::SUCCESS);
  int replayed = 0;
  for (const simdjson::dom::element entry : manifest["files"].get_array()) {
    const std::string_view name = entry["signal"];
    const Signal signal = *std::ranges::find(otlp::kSignals, name, otlp::SignalName);
    ASSERT_NO_FATAL_FAILURE(Replay(directory, std::string_view(entry["file"]), signal, uint64_t(entry["count"])));
    ++replayed;
  }
  EXPECT_GT(replayed, 40);
}

INSTANTIATE_TEST_SUITE_P(Samples, RecordedRequestsTest,
                         ::testing::Values(SIGHTLINE_SOURCE_DIR "/src/otlp/testdata",
                                           SIGHTLINE_SHARED_DIR "/otlp-samples"),
                         [](const auto& info) { return info.index == 0 ? "Repository" : "Shared"; });

}  // namespace
}  // namespace sightline::receive
