#include "export/otlp_client.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>

#include "export/backoff.h"

namespace otel::internal {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

using Kind = Answer::Kind;

constexpr seconds kLong{30};

// Gives one answer after the other, and the last one for ever.
class Script : public Transport {
 public:
  explicit Script(std::vector<Answer> answers) : answers_(std::move(answers)) {}

  Answer Send(std::string_view, Deadline) override { return answers_[std::min(sent++, answers_.size() - 1)]; }
  void Interrupt() override { interrupted = true; }

  std::atomic<size_t> sent = 0;
  std::atomic<bool> interrupted = false;

 private:
  const std::vector<Answer> answers_;
};

class OtlpClientTest : public testing::Test {
 protected:
  OtlpClientTest() {
    options_.retry_initial = milliseconds(1);
    options_.retry_max = milliseconds(2);
    options_.timeout = kLong;
  }

  OtlpClient& Client(std::vector<Answer> answers) {
    auto script = std::make_unique<Script>(std::move(answers));
    script_ = script.get();
    client_ = std::make_unique<OtlpClient>(options_, kSignal<SpanBatch>, std::move(script),
                                           [this](std::string_view message) { said_ = message; });
    return *client_;
  }
  static ExportResult Send(OtlpClient& client, Deadline deadline = steady_clock::now() + kLong) {
    return client.Send("request", 512, deadline);
  }

  OtlpOptions options_;
  std::unique_ptr<OtlpClient> client_;
  Script* script_ = nullptr;
  std::string said_;
};

TEST_F(OtlpClientTest, SendsAgainUntilItIsAccepted) {
  const Answer retry{.kind = Kind::kRetry, .message = "busy"};
  EXPECT_EQ(Send(Client({retry, retry, retry, {.kind = Kind::kAccepted}})), ExportResult::kSuccess);
  EXPECT_EQ(script_->sent, 4);
  EXPECT_EQ(said_, "");
}

TEST_F(OtlpClientTest, SaysWhatWillNeverBeAccepted) {
  EXPECT_EQ(Send(Client({{.kind = Kind::kFailed, .message = "http://c: bad"}})), ExportResult::kFailure);
  EXPECT_EQ(script_->sent, 1);
  EXPECT_EQ(said_, "512 spans not exported: http://c: bad");
}

TEST_F(OtlpClientTest, SaysWhatWasTakenInPart) {
  EXPECT_EQ(Send(Client({{.kind = Kind::kAccepted, .partial = {.rejected = 3, .message = "old"}}})),
            ExportResult::kSuccess);
  EXPECT_EQ(said_, "3 spans refused by the server: old");
  EXPECT_EQ(Send(Client({{.kind = Kind::kAccepted, .partial = {.message = "slow"}}})), ExportResult::kSuccess);
  EXPECT_EQ(said_, "the server warns: slow");
}

TEST_F(OtlpClientTest, WaitsAsLongAsTheServerAsks) {
  const milliseconds asked{50};
  const auto begin = steady_clock::now();
  EXPECT_EQ(Send(Client({{.kind = Kind::kRetry, .retry_after = asked}, {.kind = Kind::kAccepted}})),
            ExportResult::kSuccess);
  EXPECT_GE(steady_clock::now() - begin, asked);
}

TEST_F(OtlpClientTest, DoesNotWaitForATimeAfterItsDeadline) {
  const Answer later{.kind = Kind::kRetry, .message = "busy", .retry_after = hours(1)};
  EXPECT_EQ(Send(Client({later})), ExportResult::kFailure);
  EXPECT_EQ(script_->sent, 1);
  options_.timeout = milliseconds(0);  // only the call's then
  EXPECT_EQ(Send(Client({later}), steady_clock::now() + seconds(1)), ExportResult::kFailure);
}

TEST_F(OtlpClientTest, KeepsThePauseThatABatchBeforeWasAskedFor) {
  const milliseconds asked{50};
  OtlpClient& client =
      Client({{.kind = Kind::kRetry, .message = "busy", .retry_after = asked}, {.kind = Kind::kAccepted}});
  const auto begin = steady_clock::now();
  EXPECT_EQ(Send(client, begin + asked / 2), ExportResult::kFailure);  // has no time to wait for it
  EXPECT_EQ(Send(client), ExportResult::kSuccess);
  EXPECT_GE(steady_clock::now() - begin, asked);
  EXPECT_EQ(Send(client), ExportResult::kSuccess);  // it is over
  EXPECT_EQ(script_->sent, 3);
}

TEST_F(OtlpClientTest, SendsNothingWhereThePauseIsLongerThanABatchCanWait) {
  OtlpClient& client = Client({{.kind = Kind::kRetry, .message = "busy", .retry_after = hours(1)}});
  EXPECT_EQ(Send(client), ExportResult::kFailure);
  const auto begin = steady_clock::now();
  EXPECT_EQ(Send(client, begin + milliseconds(20)), ExportResult::kFailure);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(20));  // what is queued meanwhile is not lost with it
  EXPECT_EQ(script_->sent, 1);
  EXPECT_EQ(said_, "512 spans not exported: the server has asked for a pause");
}

TEST_F(OtlpClientTest, GivesUpWhenTimeIsUp) {
  const auto begin = steady_clock::now();
  EXPECT_EQ(Send(Client({{.kind = Kind::kRetry, .message = "busy"}}), begin + milliseconds(50)),
            ExportResult::kFailure);
  EXPECT_GT(script_->sent, 1);
  EXPECT_LT(steady_clock::now() - begin, kLong);
  options_.timeout = milliseconds(50);
  EXPECT_EQ(Send(Client({{.kind = Kind::kRetry, .message = "busy"}}), Deadline::max()), ExportResult::kFailure);
}

TEST_F(OtlpClientTest, IsInterruptedWhileItWaits) {
  OtlpClient& client = Client({{.kind = Kind::kRetry, .message = "busy", .retry_after = kLong / 2}});
  auto result = std::async(std::launch::async, [&] { return Send(client); });
  while (script_->sent == 0) std::this_thread::yield();
  client.Shutdown();
  ASSERT_EQ(result.wait_for(kLong / 3), std::future_status::ready);
  EXPECT_EQ(result.get(), ExportResult::kFailure);
  EXPECT_TRUE(script_->interrupted);
  EXPECT_TRUE(client.IsShutDown());
}

TEST(Backoff, GrowsToItsMaximumAndVaries) {
  OtlpOptions options;
  options.retry_initial = milliseconds(1'000);
  options.retry_max = milliseconds(5'000);
  std::minstd_rand random(1);
  std::vector<double> first;
  for (int run = 0; run < 1'000; ++run) {
    Backoff backoff(options, &random);
    for (const double expected : {1'000.0, 1'500.0, 2'250.0, 3'375.0, 5'000.0, 5'000.0}) {
      const auto wait = static_cast<double>(backoff.Next({}).count());
      EXPECT_THAT(wait, testing::AllOf(testing::Ge(0.8 * expected), testing::Le(1.2 * expected + 1)));
      if (expected == 1'000.0) first.push_back(wait);
    }
  }
  EXPECT_LT(*std::ranges::min_element(first), 850);
  EXPECT_GT(*std::ranges::max_element(first), 1'150);
}

TEST(Backoff, IsNeverShorterThanTheServerAsks) {
  std::minstd_rand random(1);
  Backoff backoff({}, &random);
  EXPECT_EQ(backoff.Next(seconds(60)), seconds(60));
  EXPECT_GT(backoff.Next(milliseconds(1)), milliseconds(1'000));
}

}  // namespace
}  // namespace otel::internal
