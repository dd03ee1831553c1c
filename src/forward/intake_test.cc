// The intake with a real journal and a real backend over gRPC: what arrives there, after failures and restarts too.
#include "forward/intake.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <future>
#include <map>
#include <thread>

#include "base/fault.h"
#include "net/compression.h"
#include "net/grpc_server.h"
#include "otlp/testing/requests.h"

namespace sightline::forward {
namespace {

namespace field = otlp::field;
using otlp::Signal;
using otlp::testing::Id;
using otlp::testing::Pb;

constexpr int64_t kSecondNanos = 1'000'000'000;

// Thread: any.
class Backend {
 public:
  Backend() {
    auto server = net::GrpcServer::Start({.address = "127.0.0.1:0"}, [this](net::GrpcRequest request, auto reply) {
      reply(Answer(std::move(request)));
    });
    SIGHTLINE_CHECK(server.has_value());
    server_ = *std::move(server);
  }
  std::string address() const { return server_->address(); }
  void set_away(bool away) { away_ = away; }

  // How often each span came, by its id.
  std::map<std::string, int> spans() {
    const std::lock_guard lock(mutex_);
    return spans_;
  }
  std::map<Signal, uint64_t> items() {
    const std::lock_guard lock(mutex_);
    return items_;
  }
  // Of the last traces.span.metrics.calls, over all series of one request.
  double calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  net::GrpcResponse Answer(net::GrpcRequest request) {
    if (away_) return {.code = net::GrpcCode::kUnavailable, .error_message = "away"};
    const auto bytes = net::Decompress(request.encoding, std::move(request.message), 64 << 20);
    const Signal signal = request.method.find("trace.v1") != std::string::npos     ? Signal::kTraces
                          : request.method.find("metrics.v1") != std::string::npos ? Signal::kMetrics
                                                                                   : Signal::kLogs;
    if (!bytes) return {.code = net::GrpcCode::kInvalidArgument};
    const auto scan = otlp::ScanRequest(signal, *bytes, {}, {});
    if (!scan || !scan->refused.empty()) return {.code = net::GrpcCode::kInvalidArgument};
    const std::lock_guard lock(mutex_);
    double calls = -1;
    for (const otlp::ItemRef& item : scan->items) {
      const std::string_view message = item.message.In(*bytes);
      if (signal == Signal::kTraces) NoteSpan(message);
      if (signal == Signal::kMetrics) NoteCalls(message, calls);
    }
    if (calls >= 0) {
      calls_ = calls;
    } else {
      items_[signal] += scan->items_accepted;
    }
    return {};
  }
  void NoteSpan(std::string_view span) {
    for (otlp::FieldReader fields(span); fields.Next();) {
      if (fields.tag() == field::span::kSpanId) ++spans_[std::string(fields.bytes())];
    }
  }
  static void NoteCalls(std::string_view metric, double& calls) {
    bool is_it = false;
    for (otlp::FieldReader fields(metric); fields.Next();) {
      if (fields.tag() == field::metric::kName) is_it = fields.bytes() == "traces.span.metrics.calls";
      if (!is_it || fields.tag() != field::metric::kSum) continue;
      for (otlp::FieldReader sum(fields.bytes()); sum.Next();) {
        if (sum.tag() != field::metric_data::kDataPoints) continue;
        for (otlp::FieldReader point(sum.bytes()); point.Next();) {
          if (point.tag() == field::number_data_point::kAsInt) calls = std::max(0.0, calls) + point.Int();
        }
      }
    }
  }

  std::atomic<bool> away_ = false;
  std::mutex mutex_;
  std::map<std::string, int> spans_;  // guarded by mutex_
  std::map<Signal, uint64_t> items_;  // guarded by mutex_
  double calls_ = 0;                  // guarded by mutex_
  std::unique_ptr<net::GrpcServer> server_;
};

// A gateway's insides over one directory; a second one takes up what the first has left.
class Gateway {
 public:
  Gateway(const std::string& directory, const Backend& backend, journal::Durability durability,
          std::string_view sampling)
      : budget_(64 << 20) {
    const auto open = [&](const char* name) {
      auto journal = journal::Journal::Open(
          {.directory = directory + name, .durability = durability, .segment_bytes_max = 64 << 10, .name = name},
          metrics_);
      SIGHTLINE_CHECK(journal.has_value());
      return *std::move(journal);
    };
    journal_ = open("/journal");
    outbox_ = open("/outbox");
    IntakeOptions options;
    options.data_directory = directory;
    options.disk_free_bytes_min = 0;
    options.exporter.endpoint = *ParseEndpoint("grpc://" + backend.address());
    options.queue = {.request_bytes_max = 8 << 10, .age_nanos_max = 1'000'000, .retry_nanos_min = 1'000'000};
    options.counts = {.interval_nanos = 20'000'000, .instance_id = "test"};
    options.sampler.decided_bytes_max = 4 << 10;
    options.sampler.shards = 2;
    if (!sampling.empty()) {
      const auto config = sample::ParseTailSampling(std::string(sampling));
      SIGHTLINE_CHECK(config.has_value());
      options.policies = *sample::PolicySet::Compile(*config);
    }
    auto intake = Intake::Start(std::move(options), {*journal_, *outbox_}, budget_, metrics_, Clock::System());
    SIGHTLINE_CHECK(intake.has_value());
    intake_ = *std::move(intake);
  }

  // True when it is accepted.
  bool Send(Signal signal, std::string bytes) {
    auto scan = otlp::ScanRequest(signal, bytes, {}, {}, intake_->span_heads());
    SIGHTLINE_CHECK(scan.has_value());
    std::promise<Result<void>> answer;
    receive::Export request{.signal = signal,
                            .received_unix_nanos = static_cast<int64_t>(otlp::testing::kTestTime),
                            .bytes = std::move(bytes),
                            .scan = *std::move(scan),
                            .reservation = {}};
    request.reservation = budget_.TryReserve(request.bytes.size());
    intake_->Accept(std::move(request), [&](Result<void> result) { answer.set_value(std::move(result)); });
    return answer.get_future().get().has_value();
  }
  void WaitUntilAllDecided() {
    ASSERT_TRUE(intake_->sampler()->WaitUntilAllDecided(Clock::System().MonotonicNanos() + 60 * kSecondNanos));
  }
  bool Drain() { return intake_->Drain(60 * kSecondNanos); }
  void WaitForHandoverErrors(uint64_t count) {
    const Counter& errors = metrics_.GetCounter("sightline.forward.handover.errors", "{error}", "");
    const int64_t deadline = Clock::System().MonotonicNanos() + 60 * kSecondNanos;
    while (errors.value() < count) {
      ASSERT_LT(Clock::System().MonotonicNanos(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  MetricsRegistry metrics_;
  MemoryBudget budget_;
  std::unique_ptr<journal::Journal> journal_, outbox_;
  std::unique_ptr<Intake> intake_;
};

class IntakeTest : public ::testing::TestWithParam<journal::Durability> {
 protected:
  IntakeTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "intake_test_XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~IntakeTest() override { std::filesystem::remove_all(root_); }

  Gateway Open(std::string_view sampling = "") { return {root_, backend_, GetParam(), sampling}; }

  static std::string Spans(uint64_t first, uint64_t count) {
    std::vector<Pb> spans;
    for (uint64_t n = first; n < first + count; ++n) spans.push_back(otlp::testing::Span(n / 2 + 1, n + 1));
    return otlp::testing::Request(spans);
  }
  // Spans from several threads at once, in requests of ten.
  static void SendSpans(Gateway& gateway, uint64_t requests) {
    std::vector<std::thread> threads;
    for (uint64_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (uint64_t n = thread; n < requests; n += 4) EXPECT_TRUE(gateway.Send(Signal::kTraces, Spans(n * 10, 10)));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  void ExpectEachSpanOnce(uint64_t spans) {
    std::map<std::string, int> expected;
    for (uint64_t n = 0; n < spans; ++n) expected[Id(n + 1, 8)] = 1;
    EXPECT_EQ(backend_.spans(), expected);
  }

  std::string root_;
  Backend backend_;
};

INSTANTIATE_TEST_SUITE_P(Durabilities, IntakeTest,
                         ::testing::Values(journal::Durability::kProcess, journal::Durability::kDisk),
                         [](const auto& info) {
                           return info.param == journal::Durability::kProcess ? "process" : "disk";
                         });

TEST_P(IntakeTest, DeliversAllSignalsOnce) {
  {
    Gateway gateway = Open();
    std::thread others([&] {
      for (int n = 0; n < 50; ++n) {
        EXPECT_TRUE(gateway.Send(Signal::kLogs, otlp::testing::Request({otlp::testing::Log(), otlp::testing::Log()})));
        const Pb metric = otlp::testing::Metric(field::metric::kGauge, {otlp::testing::NumberPoint(n)});
        EXPECT_TRUE(gateway.Send(Signal::kMetrics, otlp::testing::Request({metric})));
      }
    });
    SendSpans(gateway, 100);
    others.join();
    EXPECT_TRUE(gateway.Drain());
  }
  ExpectEachSpanOnce(1000);
  EXPECT_EQ(backend_.items(),
            (std::map<Signal, uint64_t>{{Signal::kTraces, 1000}, {Signal::kMetrics, 50}, {Signal::kLogs, 100}}));
  EXPECT_TRUE(Open().Drain());  // nothing is left
  ExpectEachSpanOnce(1000);
}

TEST_P(IntakeTest, WhatABackendDoesNotTakeIsDeliveredByTheNextStart) {
  backend_.set_away(true);
  {
    Gateway gateway = Open();
    SendSpans(gateway, 60);
    EXPECT_FALSE(gateway.Drain());
  }
  EXPECT_TRUE(backend_.spans().empty());
  {
    Gateway gateway = Open();
    EXPECT_TRUE(gateway.Send(Signal::kTraces, Spans(600, 10)));
    EXPECT_FALSE(gateway.Drain());
  }
  backend_.set_away(false);
  EXPECT_TRUE(Open().Drain());
  ExpectEachSpanOnce(610);
}

TEST_P(IntakeTest, SamplesAndCountsBefore) {
  constexpr std::string_view kAll = "{decision_wait: 1ms, policies: [{name: all, type: always_sample}]}";
  {
    Gateway gateway = Open(kAll);
    SendSpans(gateway, 100);
    gateway.WaitUntilAllDecided();
    EXPECT_TRUE(gateway.Drain());
  }
  ExpectEachSpanOnce(1000);
  EXPECT_EQ(backend_.calls(), 1000);
  EXPECT_TRUE(Open(kAll).Drain());
  ExpectEachSpanOnce(1000);
}

TEST_P(IntakeTest, SpansThatWaitAreCountedAgainOnlyIfTheyWereNotDelivered) {
  constexpr std::string_view kNever = "{decision_wait: 1h, policies: [{name: all, type: always_sample}]}";
  backend_.set_away(true);
  {
    Gateway gateway = Open(kNever);
    SendSpans(gateway, 20);
    EXPECT_FALSE(gateway.Drain());
  }
  backend_.set_away(false);
  {
    Gateway gateway = Open(kNever);
    EXPECT_TRUE(gateway.Send(Signal::kTraces, Spans(200, 10)));
    EXPECT_TRUE(gateway.Drain());
    EXPECT_EQ(backend_.calls(), 210);
  }
  {
    Gateway gateway = Open(kNever);
    EXPECT_TRUE(gateway.Send(Signal::kTraces, Spans(210, 10)));
    EXPECT_TRUE(gateway.Drain());
    EXPECT_EQ(backend_.calls(), 10) << "a new stream, without what was delivered";
  }
  EXPECT_TRUE(backend_.spans().empty());
  Gateway gateway = Open();  // sampling is turned off
  EXPECT_TRUE(gateway.Drain());
  ExpectEachSpanOnce(220);
}

TEST_P(IntakeTest, WhatIsInTheOutboxIsSentWhenItsBlockIsDone) {
  constexpr uint64_t kBlock = 7;
  {
    MetricsRegistry metrics;
    const auto append = [&](const char* name, const journal::FrameHeader& header) {
      auto opened = journal::Journal::Open({.directory = root_ + name, .durability = GetParam()}, metrics);
      SIGHTLINE_CHECK(opened.has_value());
      const auto number = (*opened)->Append(header, Spans(0, 10), [](const Result<void>&) {});
      EXPECT_TRUE(number && (*opened)->Sync());
      if (header.from_block == 0) {
        EXPECT_TRUE((*opened)->AppendManifest(
            MakeManifest(kBlock, Signal::kTraces, journal::BlockKind::kItems, {number.value_or(0)})));
      }
    };
    append("/journal", {});
    append("/outbox", {.from_block = kBlock});
  }
  SetFaultsForTest("journal.done.begin=error");
  {
    Gateway gateway = Open();
    gateway.WaitForHandoverErrors(4);
    EXPECT_TRUE(backend_.spans().empty());
  }
  SetFaultsForTest("");
  EXPECT_TRUE(Open().Drain());
  ExpectEachSpanOnce(10);
}

}  // namespace
}  // namespace sightline::forward
