// The exporters against servers as bad as servers get.
#include "otel/otlp_exporter.h"

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <future>

#include "otel/errors.h"
#include "transport/testing/tcp_server.h"

namespace otel {
namespace {

using internal::testing::Connection;
using internal::testing::HttpAnswer;
using internal::testing::TcpServer;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kLong{30};

const Resource resource;

OtlpOptions OptionsFor(const TcpServer& server) {
  OtlpOptions options;
  options.endpoint = server.url();
  options.retry_initial = milliseconds(1);
  options.retry_max = milliseconds(2);
  return options;
}

ExportResult ExportSpan(OtlpSpanExporter& exporter, milliseconds timeout = kLong) {
  const SpanData span;
  const std::array spans = {&span};
  return exporter.Export({resource, spans}, steady_clock::now() + timeout);
}

class OtlpExporterTest : public testing::Test {
 protected:
  OtlpExporterTest() {
    SetErrorHandler([](std::string_view, std::string_view, uint64_t) {});
  }
  ~OtlpExporterTest() override { SetErrorHandler({}); }

  const uint64_t errors_before_ = ErrorCount("otlp exporter");
};

TEST_F(OtlpExporterTest, BringsABatchThroughAServerThatFailsInEachWay) {
  std::atomic<int> attempt = 0;
  TcpServer server([&](Connection& connection) {
    while (connection.ReadRequest()) {
      switch (++attempt) {
        case 1:
          return;
        case 2:
          connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
          return;
        case 3:
          connection.Send(HttpAnswer(503, "Retry-After: 1\r\n", ""));
          break;
        case 4:
          connection.Send(HttpAnswer(429, "", "slow down"));
          break;
        default:
          connection.Send(HttpAnswer(200, "", ""));
      }
    }
  });
  OtlpSpanExporter exporter(OptionsFor(server));
  const auto begin = steady_clock::now();
  EXPECT_EQ(ExportSpan(exporter), ExportResult::kSuccess);
  EXPECT_EQ(attempt, 5);
  EXPECT_GE(steady_clock::now() - begin, seconds(1));  // as was asked for
  EXPECT_EQ(ErrorCount("otlp exporter"), errors_before_);
}

TEST_F(OtlpExporterTest, CountsWhatItGivesUp) {
  TcpServer refuses([](Connection& connection) {
    while (connection.ReadRequest()) connection.Send(HttpAnswer(400, "", ""));
  });
  OtlpSpanExporter refused(OptionsFor(refuses));
  EXPECT_EQ(ExportSpan(refused), ExportResult::kFailure);
  EXPECT_EQ(ErrorCount("otlp exporter"), errors_before_ + 1);

  TcpServer stalls([](Connection& connection) { connection.WaitForEnd(); });
  for (const OtlpProtocol protocol : {OtlpProtocol::kHttpProtobuf, OtlpProtocol::kHttpJson, OtlpProtocol::kGrpc}) {
    OtlpOptions options = OptionsFor(stalls);
    options.protocol = protocol;
    options.timeout = milliseconds(100);
    OtlpSpanExporter exporter(options);
    const auto begin = steady_clock::now();
    EXPECT_EQ(ExportSpan(exporter), ExportResult::kFailure);
    EXPECT_LT(steady_clock::now() - begin, kLong);
  }
  EXPECT_EQ(ErrorCount("otlp exporter"), errors_before_ + 4);
}

TEST_F(OtlpExporterTest, EndsACallThatWaitsWhenItIsShutDown) {
  for (const OtlpProtocol protocol : {OtlpProtocol::kHttpProtobuf, OtlpProtocol::kGrpc}) {
    std::promise<void> asked;
    TcpServer server([&](Connection& connection) {
      connection.Drain();
      asked.set_value();
      connection.WaitForEnd();
    });
    OtlpOptions options = OptionsFor(server);
    options.protocol = protocol;
    options.timeout = kLong / 2;
    OtlpSpanExporter exporter(options);
    auto result = std::async(std::launch::async, [&] { return ExportSpan(exporter); });
    asked.get_future().wait();
    EXPECT_TRUE(exporter.Shutdown(steady_clock::now() + kLong));
    ASSERT_EQ(result.wait_for(kLong / 3), std::future_status::ready);
    EXPECT_EQ(result.get(), ExportResult::kFailure);
    EXPECT_EQ(ExportSpan(exporter), ExportResult::kFailure);
  }
}

TEST_F(OtlpExporterTest, SendsNothingForNothing) {
  TcpServer server([](Connection& connection) { connection.WaitForEnd(); });
  OtlpLogExporter logs(OptionsFor(server));
  EXPECT_EQ(logs.Export({resource, {}}, steady_clock::now() + kLong), ExportResult::kSuccess);
  EXPECT_TRUE(logs.ForceFlush(steady_clock::now()));
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace otel
