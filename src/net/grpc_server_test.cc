#include "net/grpc_server.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <thread>

#include "net/compression.h"
#include "net/testing/raw_socket.h"

namespace sightline::net {
namespace {

using testing::WaitFor;

constexpr char kMethod[] = "/test.Service/Export";

std::unique_ptr<GrpcServer> StartServer(GrpcHandler handler, GrpcServerOptions options = {}) {
  if (options.address.empty()) options.address = "127.0.0.1:0";
  auto server = GrpcServer::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().message);
  return server ? std::move(*server) : nullptr;
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

struct Answer {
  grpc::Status status;
  std::string message;
};

// One call with a real client. `slices`: the message is sent in so many pieces.
Answer Call(const std::shared_ptr<grpc::Channel>& channel, std::string_view message, grpc::ClientContext* context,
            size_t slices = 1) {
  grpc::GenericStub stub(channel);
  std::vector<grpc::Slice> pieces;
  for (size_t i = 0; i < slices; ++i) {
    const size_t begin = message.size() * i / slices;
    pieces.emplace_back(message.data() + begin, message.size() * (i + 1) / slices - begin);
  }
  const grpc::ByteBuffer request(pieces.data(), pieces.size());
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(testing::kDeadlineSeconds));
  stub.UnaryCall(context, kMethod, {}, &request, &response, [&](grpc::Status status) { done.set_value(status); });
  Answer answer{.status = done.get_future().get()};
  grpc::Slice slice;
  if (response.Valid() && response.DumpToSingleSlice(&slice).ok()) {
    answer.message.assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return answer;
}

Answer Call(const std::string& address, std::string_view message) {
  grpc::ClientContext context;
  return Call(Connect(address), message, &context);
}

// Answers with method, encoding and the inflated message.
void Echo(GrpcRequest request, GrpcReply reply) {
  const std::string encoding = request.encoding;
  auto inflated = Decompress(encoding, std::move(request.message), 100 << 20);
  reply(
      {.message = fmt::format("{} {} {}", request.method, encoding, inflated ? *inflated : inflated.error().message)});
}

std::string Text(size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

TEST(GrpcServer, TellsHowEachMessageIsCompressed) {
  const auto server = StartServer(Echo);
  const auto channel = Connect(server->address());
  for (const size_t size : {size_t{0}, size_t{100'000}, size_t{5'000'000}}) {
    for (const auto& [algorithm, name] :
         {std::pair{GRPC_COMPRESS_NONE, "identity"}, std::pair{GRPC_COMPRESS_GZIP, "gzip"},
          std::pair{GRPC_COMPRESS_DEFLATE, "deflate"}}) {
      grpc::ClientContext context;
      context.set_compression_algorithm(algorithm);
      const std::string text = Text(size);
      const Answer answer = Call(channel, text, &context, 7);
      ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
      // gRPC does not compress what would not shrink.
      EXPECT_EQ(answer.message, fmt::format("{} {} {}", kMethod, size == 0 ? "identity" : name, text));
    }
  }
}

TEST(GrpcServer, MessageMayBePlainThoughTheCallNegotiatedGzip) {
  const auto server = StartServer(Echo);
  grpc::GenericStub stub(Connect(server->address()));
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, kMethod, &queue);
  const auto next = [&](intptr_t expected) {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok) && ok);
    EXPECT_EQ(reinterpret_cast<intptr_t>(tag), expected);
  };
  call->StartCall(reinterpret_cast<void*>(1));
  next(1);
  const std::string text = Text(10'000);
  const grpc::Slice slice(text);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions().set_no_compression(), reinterpret_cast<void*>(2));
  next(2);
  grpc::ByteBuffer response;
  call->Read(&response, reinterpret_cast<void*>(3));
  next(3);
  grpc::Status status;
  call->Finish(&status, reinterpret_cast<void*>(4));
  next(4);
  ASSERT_TRUE(response.DumpToSingleSlice(const_cast<grpc::Slice*>(&slice)).ok());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(slice.begin()), slice.size()),
            fmt::format("{} identity {}", kMethod, text));
}

TEST(GrpcServer, CarriesStatusMessageAndDetails) {
  const std::string details = RpcStatus(GrpcCode::kUnavailable, "try later", 1500);
  const auto server = StartServer([&](GrpcRequest, GrpcReply reply) {
    reply({.code = GrpcCode::kUnavailable, .error_message = "try later", .status_details = details});
  });
  const Answer answer = Call(server->address(), "x");
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.status.error_message(), "try later");
  EXPECT_EQ(answer.status.error_details(), details);
}

TEST(GrpcServer, MessageOverTheLimitIsResourceExhaustedWithoutRetryInfo) {
  std::atomic<int> handled = 0;
  const auto server = StartServer(
      [&](GrpcRequest, GrpcReply reply) {
        ++handled;
        reply({});
      },
      {.recv_message_bytes_max = 1000});
  EXPECT_TRUE(Call(server->address(), std::string(1000, 'x')).status.ok());
  const Answer answer = Call(server->address(), std::string(1001, 'x'));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << answer.status.error_message();
  EXPECT_EQ(answer.status.error_details(), "");
  EXPECT_EQ(handled, 1);
}

TEST(GrpcServer, AnswersForHandlerThatForgot) {
  const auto server = StartServer([](GrpcRequest, GrpcReply) {});
  EXPECT_EQ(Call(server->address(), "x").status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST(GrpcServer, OnlyTheFirstReplyCounts) {
  const auto server = StartServer([](GrpcRequest, GrpcReply reply) {
    reply({.message = "first"});
    reply({.message = "second"});
  });
  EXPECT_EQ(Call(server->address(), "x").message, "first");
}

class Parked {
 public:
  GrpcHandler handler() {
    return [this](GrpcRequest, GrpcReply reply) {
      const std::lock_guard lock(mutex_);
      replies_.push_back(std::move(reply));
    };
  }
  bool empty() {
    const std::lock_guard lock(mutex_);
    return replies_.empty();
  }
  GrpcReply Take() {
    EXPECT_TRUE(WaitFor([this] { return !empty(); }));
    const std::lock_guard lock(mutex_);
    GrpcReply reply = std::move(replies_.back());
    replies_.pop_back();
    return reply;
  }

 private:
  std::mutex mutex_;
  std::vector<GrpcReply> replies_;
};

TEST(GrpcServer, RepliesFromAnotherThread) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  std::thread worker([&] { parked.Take()({.message = "late"}); });
  EXPECT_EQ(Call(server->address(), "x").message, "late");
  worker.join();
}

TEST(GrpcServer, ReplyAfterTheClientCancelledIsHarmless) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    std::thread canceller([&] {
      GrpcReply reply = parked.Take();
      context.TryCancel();
      reply({.message = "crosses the cancelling"});
    });
    grpc::ClientContext* borrowed = &context;
    Call(Connect(server->address()), "x", borrowed);
    canceller.join();
  }
  grpc::ClientContext context;
  std::thread canceller([&] {
    WaitFor([&] { return !parked.empty(); });
    context.TryCancel();
  });
  EXPECT_EQ(Call(Connect(server->address()), "x", &context).status.error_code(), grpc::StatusCode::CANCELLED);
  canceller.join();
  parked.Take()({.message = "long after"});
}

TEST(GrpcServer, ServesManyCallsOfManyClientsAtOnceWithFewThreads) {
  const auto threads_now = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  std::atomic<int> handled = 0;
  const auto server = StartServer([&](GrpcRequest request, GrpcReply reply) {
    ++handled;
    reply({.message = std::move(request.message)});
  });
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 20; ++i) channels.push_back(Connect(server->address()));
  std::atomic<int> wrong = 0;
  std::atomic<int> running = 0;
  struct Flight {
    grpc::ClientContext context;
    grpc::ByteBuffer request, response;
  };
  std::deque<Flight> flights;
  for (int i = 0; i < 1000; ++i) {
    Flight& flight = flights.emplace_back();
    const grpc::Slice slice(Text(1000 + i));
    flight.request = grpc::ByteBuffer(&slice, 1);
    ++running;
    grpc::GenericStub stub(channels[i % channels.size()]);
    stub.UnaryCall(&flight.context, kMethod, {}, &flight.request, &flight.response, [&, i](grpc::Status status) {
      if (!status.ok() || flights[i].response.Length() != 1000u + i) ++wrong;
      --running;
    });
  }
  EXPECT_TRUE(WaitFor([&] { return running == 0; }));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(handled, 1000);
  EXPECT_LT(threads_now(), 48);  // of server and clients together
}

TEST(GrpcServer, SecondServerOnThePortFailsClearly) {
  const auto server = StartServer(Echo);
  const auto second = GrpcServer::Start({.address = server->address()}, Echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_THAT(second.error().message, ::testing::AllOf(::testing::HasSubstr(server->address()),
                                                       ::testing::HasSubstr("Address already in use")));
  EXPECT_EQ(GrpcServer::Start({.address = "nonsense"}, Echo).error().code, Code::kInvalidArgument);
}

TEST(GrpcServer, ServesIpv6) {
  const auto server = StartServer(Echo, {.address = "[::1]:0"});
  EXPECT_TRUE(server->address().starts_with("[::1]:"));
  EXPECT_EQ(Call(server->address(), "x").message, fmt::format("{} identity x", kMethod));
}

TEST(GrpcServer, StopLetsCallsFinishAndRefusesNewOnes) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  auto answer = std::async(std::launch::async, [&] { return Call(server->address(), "x"); });
  GrpcReply reply = parked.Take();
  auto stopping = std::async(std::launch::async, [&] { server->Stop(testing::kDeadlineSeconds); });
  EXPECT_TRUE(WaitFor([&] {
    grpc::ClientContext context;
    context.set_wait_for_ready(false);
    auto refused = std::async(std::launch::async, [&] { return Call(Connect(server->address()), "x", &context); });
    if (refused.wait_for(std::chrono::seconds(1)) != std::future_status::ready) {
      context.TryCancel();
      if (!parked.empty()) parked.Take()({});
    }
    return refused.get().status.error_code() == grpc::StatusCode::UNAVAILABLE;
  }));
  reply({.message = "done"});
  EXPECT_EQ(answer.get().message, "done");
  stopping.get();
}

TEST(GrpcServer, StopCancelsWhatOutlastsTheGrace) {
  Parked parked;
  auto server = StartServer(parked.handler());
  auto answer = std::async(std::launch::async, [&] { return Call(server->address(), "x"); });
  GrpcReply reply = parked.Take();
  server->Stop(0);
  EXPECT_FALSE(answer.get().status.ok());
  server.reset();
  reply({.message = "after the server's end"});
}

// --- the wire, by hand -----------------------------------------------------------------------------------------------

// One call over plain HTTP/2, with any headers and frame. Returns all headers and trailers, lower case.
std::string RawCall(const std::string& address, const std::vector<std::string>& headers, std::string_view body) {
  CURL* curl = curl_easy_init();
  std::string received;
  curl_slist* list = nullptr;
  for (const char* fixed : {"content-type: application/grpc", "te: trailers", "Expect:"}) {
    list = curl_slist_append(list, fixed);
  }
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  const auto collect = +[](char* data, size_t, size_t size, void* user) -> size_t {
    static_cast<std::string*>(user)->append(data, size);
    return size;
  };
  const auto discard = +[](char*, size_t, size_t size, void*) -> size_t { return size; };
  curl_easy_setopt(curl, CURLOPT_URL, fmt::format("http://{}{}", address, kMethod).c_str());
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(testing::kDeadlineSeconds));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &received);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) received += fmt::format("\ncurl: {}", curl_easy_strerror(code));
  curl_slist_free_all(list);
  curl_easy_cleanup(curl);
  return received;
}

std::string Frame(bool compressed, std::string_view message) {
  std::string frame(1, compressed ? '\1' : '\0');
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(message.size() >> shift & 0xff);
  return frame.append(message);
}

// gRPC's core takes an encoding that it does not know for none at all.
TEST(GrpcServerWire, ZstdIsKnownByItsMagicNumber) {
  std::promise<std::string> seen;
  const auto server = StartServer([&](GrpcRequest request, GrpcReply reply) {
    auto inflated = Decompress(request.encoding, std::move(request.message), 1000);
    seen.set_value(request.encoding + " " + (inflated ? *inflated : inflated.error().message));
    reply({});
  });
  std::string zstd(200, 0);
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), "a message", 9, 3));
  const std::string answer = RawCall(server->address(), {"grpc-encoding: zstd"}, Frame(true, zstd));
  EXPECT_THAT(answer, ::testing::HasSubstr("grpc-status: 0")) << answer;
  EXPECT_EQ(seen.get_future().get(), "zstd a message");
}

#ifndef SIGHTLINE_SANITIZED
// Kilobytes of a line of /proc/self/status.
long StatusKilobytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::strtol(line.c_str() + name.size() + 1, nullptr, 10);
  }
  return 0;
}

// gRPC 1.51 compares a message with its limit only when all of it has arrived, so the limit alone bounds nothing.
TEST(GrpcServerWire, MessageFarOverTheLimitIsNotCollected) {
  const auto server = StartServer(Echo, {.recv_message_bytes_max = 1000, .memory_bytes_max = 16 << 20});
  const std::string body = Frame(false, std::string(160 << 20, 'x'));
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
  const long before = StatusKilobytes("VmHWM:");
  const std::string answer = RawCall(server->address(), {}, body);
  EXPECT_THAT(answer, ::testing::ContainsRegex("grpc-status: 8|curl:")) << answer;
  EXPECT_LT(StatusKilobytes("VmHWM:") - before, 80 << 10);
  EXPECT_TRUE(Call(server->address(), "x").status.ok());
}
#endif

TEST(GrpcServerWire, FlagOfTheFrameDecides) {
  std::mutex mutex;
  std::vector<std::string> encodings;
  const auto server = StartServer([&](GrpcRequest request, GrpcReply reply) {
    const std::lock_guard lock(mutex);
    encodings.push_back(request.encoding);
    reply({});
  });
  const std::string gzip = Gzip("x").value();
  EXPECT_THAT(RawCall(server->address(), {"grpc-encoding: gzip"}, Frame(true, gzip)),
              ::testing::HasSubstr("grpc-status: 0"));
  EXPECT_THAT(RawCall(server->address(), {"grpc-encoding: gzip"}, Frame(false, "x")),
              ::testing::HasSubstr("grpc-status: 0"));
  EXPECT_THAT(RawCall(server->address(), {}, Frame(false, "x")), ::testing::HasSubstr("grpc-status: 0"));
  EXPECT_THAT(encodings, ::testing::ElementsAre("gzip", "identity", "identity"));
}

TEST(GrpcServerWire, CallWithoutOrWithHalfMessageIsRefused) {
  std::atomic<int> handled = 0;
  const auto server = StartServer([&](GrpcRequest, GrpcReply reply) {
    ++handled;
    reply({});
  });
  const std::string none = RawCall(server->address(), {}, "");
  EXPECT_THAT(none, ::testing::HasSubstr("grpc-status: 3")) << none;
  const std::string half = RawCall(server->address(), {}, Frame(false, "message").substr(0, 8));
  EXPECT_THAT(half, ::testing::ContainsRegex("grpc-status: [1-9]|curl:")) << half;
  const std::string huge = RawCall(server->address(), {}, std::string("\0\xff\xff\xff\xff", 5));
  EXPECT_THAT(huge, ::testing::ContainsRegex("grpc-status: [1-9]|curl:")) << huge;
  EXPECT_EQ(handled, 0);
}

// Methods are unary: if the first were kept and the call answered OK, the second would be lost with nobody told.
TEST(GrpcServerWire, OfACallWithTwoMessagesNothingIsHandled) {
  std::atomic<int> handled = 0;
  const auto server = StartServer([&](GrpcRequest, GrpcReply reply) {
    ++handled;
    reply({});
  });
  const std::string two = RawCall(server->address(), {}, Frame(false, "one") + Frame(false, "two"));
  EXPECT_THAT(two, ::testing::HasSubstr("grpc-status: 3")) << two;
  EXPECT_EQ(handled, 0);
}

TEST(GrpcServerWire, SaysWhatItRefuses) {
  std::mutex mutex;
  std::multiset<GrpcRefusal> refused;
  const auto server = StartServer(Echo, {.recv_message_bytes_max = 1000, .on_refused = [&](GrpcRefusal why) {
                                           const std::lock_guard lock(mutex);
                                           refused.insert(why);
                                         }});
  RawCall(server->address(), {}, "");
  RawCall(server->address(), {}, Frame(false, "one") + Frame(false, "two"));
  RawCall(server->address(), {}, Frame(false, std::string(1001, 'x')));
  EXPECT_TRUE(Call(server->address(), "x").status.ok());
  const std::lock_guard lock(mutex);
  EXPECT_THAT(refused,
              ::testing::ElementsAre(GrpcRefusal::kTooLarge, GrpcRefusal::kNoMessage, GrpcRefusal::kSeveralMessages));
}

TEST(GrpcServerWire, SurvivesPlainHttp1AndGarbage) {
  const auto server = StartServer(Echo);
  for (const std::string_view bytes : {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\1\2\3 garbage\r\n\r\n",
                                       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    testing::RawSocket client(server->address());
    client.Send(bytes);
    client.CloseSend();
    client.ReadToEnd();
  }
  EXPECT_TRUE(Call(server->address(), "x").status.ok());
}

// --- status details ------------------------------------------------------------------------------------------------

TEST(RpcStatus, HasTheFieldsOfGoogleRpc) {
  const std::string bytes = RpcStatus(GrpcCode::kInvalidArgument, "no", 2500, "resource_spans");
  protozero::pbf_reader status(bytes);
  std::vector<std::pair<std::string, std::string>> details;
  while (status.next()) {
    if (status.tag() == 1) {
      EXPECT_EQ(status.get_int32(), 3);
    } else if (status.tag() == 2) {
      EXPECT_EQ(status.get_string(), "no");
    } else {
      ASSERT_EQ(status.tag(), 3u);
      protozero::pbf_reader any = status.get_message();
      auto& [type, value] = details.emplace_back();
      while (any.next()) {
        std::string& part = any.tag() == 1 ? type : value;
        part = any.get_string();
      }
    }
  }
  // RetryInfo{retry_delay: {seconds: 2, nanos: 500000000}}, BadRequest{field_violations: [{field, description}]}.
  const std::string retry("\x0a\x08\x08\x02\x10\x80\xca\xb5\xee\x01", 10);
  const std::string bad("\x0a\x14\x0a\x0eresource_spans\x12\x02no", 22);
  EXPECT_THAT(details, ::testing::ElementsAre(::testing::Pair("type.googleapis.com/google.rpc.RetryInfo", retry),
                                              ::testing::Pair("type.googleapis.com/google.rpc.BadRequest", bad)));
  EXPECT_EQ(RpcStatus(GrpcCode::kUnavailable, ""), std::string("\x08\x0e\x12\x00", 4));
}

TEST(ToGrpcCode, KeepsTheMeaning) {
  EXPECT_EQ(ToGrpcCode(Code::kInvalidArgument), GrpcCode::kInvalidArgument);
  EXPECT_EQ(ToGrpcCode(Code::kResourceExhausted), GrpcCode::kResourceExhausted);
  EXPECT_EQ(ToGrpcCode(Code::kUnavailable), GrpcCode::kUnavailable);
  EXPECT_EQ(ToGrpcCode(Code::kUnimplemented), GrpcCode::kUnimplemented);
  EXPECT_EQ(ToGrpcCode(Code::kInternal), GrpcCode::kInternal);
}

}  // namespace
}  // namespace sightline::net
