// Services and operations from the minutes that are counted of spans, on the real engine.
#include "query/services.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "base/clock.h"
#include "otlp/span_metrics.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using Call = otlp::SpanMetrics::Call;

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr uint64_t kMilli = 1'000'000;
constexpr uint8_t kInternal = 1, kServer = 2, kOk = 0, kError = 2;

class ServicesTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.span_metric_rollups");
    // A whole hour not long ago, so that nothing runs into the retention.
    start_ = Clock::System().UnixNanos() / kHour * kHour - 10 * kHour;
  }

  Call At(int64_t after_start, std::string_view service = "web", std::string_view name = "GET /") const {
    return {.service_name = service,
            .span_name = name,
            .kind = kServer,
            .entry = true,
            .start_unix_nanos = start_ + after_start,
            .duration_nanos = 10 * kMilli};
  }

  // One block, as the writer makes it.
  void Insert(const std::vector<Call>& calls) {
    otlp::SpanMetrics metrics;
    for (const Call& call : calls) metrics.Add(call);
    std::vector<otlp::TableBlock> blocks;
    metrics.Finish(++block_, blocks);
    std::vector<std::string> columns;
    const otlp::SpanMetricsTable table;  // named: GCC 12 ends a temporary before the loop through it
    for (const auto& column : table.columns()) columns.push_back(column.name);
    for (const otlp::TableBlock& block : blocks) {
      const auto done = clickhouse().InsertNative("sightline." + std::string(block.table), columns, block.native, "");
      ASSERT_TRUE(done) << done.error().message;
    }
  }

  ServiceSearch FirstHour(int64_t step_seconds = 60) const {
    return {.from_unix_nanos = start_,
            .to_unix_nanos = start_ + kHour,
            .step_seconds = step_seconds,
            .now_unix_nanos = start_ + 5 * kHour};
  }
  ServicePage List(const ServiceSearch& search) {
    auto page = reader_.List(search);
    EXPECT_TRUE(page) << page.error().message;
    return page ? *std::move(page) : ServicePage();
  }
  OperationPage ListOperations(const OperationSearch& search) {
    auto page = reader_.ListOperations(search);
    EXPECT_TRUE(page) << page.error().message;
    return page ? *std::move(page) : OperationPage();
  }
  OperationSearch Operations(const std::string& service) const {
    return {.service = service,
            .from_unix_nanos = start_,
            .to_unix_nanos = start_ + kHour,
            .now_unix_nanos = start_ + 5 * kHour};
  }

  int64_t start_ = 0;
  uint64_t block_ = 0;
  ServiceReader reader_{clickhouse(), "sightline", {}, {.by_service = {{"quick", 5 * int64_t{kMilli}}}}};
};

std::vector<std::string> Names(const ServicePage& page) {
  std::vector<std::string> names;
  for (const auto& service : page.services) names.push_back(service.service);
  return names;
}
std::vector<std::string> Names(const OperationPage& page) {
  std::vector<std::string> names;
  for (const auto& operation : page.operations) {
    names.push_back(operation.name + " " + operation.kind + (operation.entry ? " entry" : ""));
  }
  return names;
}

TEST(WholeSteps, WidensToWholeStepsSince1970AndSaysWhich) {
  const auto range = WholeSteps(90 * kSecond, 301 * kSecond, 60);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->from_unix_nanos, 60 * kSecond);
  EXPECT_EQ(range->to_unix_nanos, 360 * kSecond);
  EXPECT_EQ(range->steps(), 5u);
  const auto whole = WholeSteps(60 * kSecond, 120 * kSecond, 60);
  EXPECT_EQ(whole->from_unix_nanos, 60 * kSecond);
  EXPECT_EQ(whole->to_unix_nanos, 120 * kSecond) << "what is whole stays";
  const auto odd = WholeSteps(90 * kSecond, 301 * kSecond, 61);
  EXPECT_EQ(odd->step_seconds, 120) << "beyond a minute, whole ones";
  EXPECT_EQ(WholeSteps(90 * kSecond, 301 * kSecond, 11)->step_seconds, 20) << "below one, whole 10 seconds";
  EXPECT_EQ(odd->from_unix_nanos, 0);
  EXPECT_EQ(WholeSteps(90 * kSecond, 90 * kSecond + 1, 60)->steps(), 1u);
  EXPECT_FALSE(WholeSteps(5, 5, 60));
  EXPECT_FALSE(WholeSteps(-5, 5, 60));
  EXPECT_EQ(WholeSteps(0, INT64_MAX, INT64_MAX)->steps(), 1u) << "no overflow";
  EXPECT_EQ(WholeSteps(INT64_MAX - 2, INT64_MAX, 60)->steps(), 1u) << "beyond what a minute's column holds";
}

TEST(WholeSteps, ChoosesTheShortestRoundStepOfAtMost120) {
  const int64_t now = 1'795'333'381 * kSecond;  // no whole minute, as it mostly is
  const std::pair<int64_t, int64_t> cases[] = {{15 * kMinute, 60},       {kHour, 60},
                                               {119 * kMinute, 60},      {2 * kHour, 120},
                                               {24 * kHour, 900},        {7 * 24 * kHour, 7200},
                                               {30 * 24 * kHour, 43200}, {900 * 24 * kHour, 86400}};
  for (const auto& [length, step] : cases) {
    EXPECT_EQ(WholeSteps(now - length, now, 0)->step_seconds, step) << length / kMinute << " min";
  }
}

TEST(Quantile, IsWithinTheWidthOfABucketOfTheExactOne) {
  std::mt19937_64 random(42);
  std::lognormal_distribution<double> lognormal(std::log(40e6), 1.0);
  std::uniform_real_distribution<double> uniform(1e3, 5e9);
  for (int shape = 0; shape < 2; ++shape) {
    std::vector<uint64_t> durations(20'000);
    for (uint64_t& d : durations) d = static_cast<uint64_t>(shape == 0 ? lognormal(random) : uniform(random));
    std::ranges::sort(durations);
    std::map<uint16_t, double> counts;
    for (const uint64_t d : durations) ++counts[otlp::DurationBucket(d)];
    const BucketCalls buckets(counts.begin(), counts.end());
    for (const double q : {0.01, 0.5, 0.9, 0.95, 0.99, 0.999}) {
      const auto exact = static_cast<double>(durations[static_cast<size_t>(q * 20'000)]);
      const double read = QuantileNanos(buckets, q, durations.back());
      EXPECT_NEAR(read / exact, 1, 0.02) << q << " of shape " << shape;
    }
    EXPECT_EQ(QuantileNanos(buckets, 1, durations.back()), static_cast<double>(durations.back()));
  }
}

TEST(Quantile, OfFewCallsStaysInTheirBucketsAndBelowTheLongest) {
  EXPECT_EQ(QuantileNanos({}, 0.5, 0), 0);
  for (const uint64_t d : {uint64_t{1}, uint64_t{2}, uint64_t{999}, 10 * kMilli, UINT64_MAX}) {
    for (const double q : {0.0, 0.5, 0.95, 1.0}) {
      const double read = QuantileNanos({{otlp::DurationBucket(d), 1}}, q, d);
      EXPECT_LE(read, static_cast<double>(d));
      EXPECT_GE(read, static_cast<double>(d) / std::exp2(1.0 / 8)) << d << " " << q;
    }
  }
}

TEST_F(ServicesTest, HasTheFiguresOfEachServiceByName) {
  std::vector<Call> calls;
  for (int i = 0; i < 100; ++i) {
    Call call = At(i * kSecond, "web");
    call.duration_nanos = (i < 90 ? 10 : 1000) * kMilli;
    call.status = i % 10 == 9 ? kError : kOk;
    calls.push_back(call);
  }
  calls.push_back(At(59 * kMinute, "api"));
  calls.push_back(At(kHour, "late"));    // outside
  calls.push_back(At(-kSecond, "old"));  // outside
  Insert(calls);
  const ServicePage page = List(FirstHour());
  EXPECT_EQ(page.range.from_unix_nanos, start_);
  EXPECT_EQ(page.range.to_unix_nanos, start_ + kHour);
  EXPECT_THAT(Names(page), ElementsAre("api", "web"));
  EXPECT_FALSE(page.next);
  EXPECT_GT(page.scanned.rows_read, 0u);
  const ServiceSummary& web = page.services[1];
  EXPECT_EQ(web.figures.calls, 100);
  EXPECT_EQ(web.figures.errors, 10);
  EXPECT_DOUBLE_EQ(web.figures.calls_per_second, 100 / 3600.0);
  EXPECT_NEAR(web.figures.p50_nanos, 10e6, 1e6);
  EXPECT_NEAR(web.figures.p95_nanos, 1000e6, 100e6);
  EXPECT_EQ(web.figures.max_nanos, 1000 * kMilli);
  EXPECT_EQ(web.last_seen_unix_nanos, start_ + 99 * kSecond);
  ASSERT_EQ(web.calls.size(), 60u);
  EXPECT_EQ(web.calls[0], 60);
  EXPECT_EQ(web.calls[1], 40);
  EXPECT_EQ(web.errors[0], 6);
  EXPECT_EQ(web.errors[1], 4);
  EXPECT_NEAR(web.p95_nanos[0], 10e6, 1e6);
  EXPECT_NEAR(web.p95_nanos[1], 1000e6, 100e6);
  EXPECT_TRUE(std::isnan(web.p95_nanos[2]));
  EXPECT_EQ(page.services[0].calls[59], 1);
}

TEST(CallsWithin, AreSpreadWithinABucketByTheirLogarithm) {
  const BucketCalls buckets = {{160, 8}, {161, 4}};  // from 2^20 ns
  constexpr uint64_t kMax = 1 << 21;
  EXPECT_EQ(CallsWithin(buckets, 0, kMax), 0);
  EXPECT_EQ(CallsWithin(buckets, std::exp2(20), kMax), 0);
  EXPECT_NEAR(CallsWithin(buckets, std::exp2(20 + 1.0 / 16), kMax), 4, 1e-6);
  EXPECT_NEAR(CallsWithin(buckets, std::exp2(20 + 1.0 / 8), kMax), 8, 1e-6);
  EXPECT_EQ(CallsWithin(buckets, 1e12, kMax), 12);
}

TEST(CallsWithin, AreAllOfThemWhereNoneTookLonger) {
  const BucketCalls calls_of_495_ms = {{otlp::DurationBucket(495 * kMilli), 100}};
  EXPECT_EQ(CallsWithin(calls_of_495_ms, 500 * kMilli, 495 * kMilli), 100);
  EXPECT_NEAR(CallsWithin(calls_of_495_ms, 493 * kMilli, 495 * kMilli), 28, 8);
  EXPECT_EQ(CallsWithin(calls_of_495_ms, 480 * kMilli, 495 * kMilli), 0);
}

TEST_F(ServicesTest, ApdexIsByTheThresholdOfTheService) {
  std::vector<Call> calls;
  for (const char* service : {"web", "quick"}) {
    for (int i = 0; i < 100; ++i) {
      Call call = At(i * kSecond, service);
      call.duration_nanos = (i < 70 ? 10 : i < 90 ? 1000 : 5000) * kMilli;
      call.status = i < 5 ? kError : kOk;
      calls.push_back(call);
    }
  }
  Insert(calls);
  const ServicePage page = List(FirstHour());
  ASSERT_THAT(Names(page), ElementsAre("quick", "web"));
  EXPECT_EQ(page.services[1].apdex_threshold_nanos, 500'000'000);
  EXPECT_DOUBLE_EQ(page.services[1].apdex, 0.65 + 0.20 / 2) << "who got an error was not satisfied";
  EXPECT_EQ(page.services[0].apdex_threshold_nanos, 5'000'000);
  EXPECT_DOUBLE_EQ(page.services[0].apdex, 0.65 / 2) << "10 ms are tolerated where 5 are wanted";
  EXPECT_NEAR(page.services[0].figures.p90_nanos, 1000e6, 100e6);
}

TEST_F(ServicesTest, OneServiceAndTheOneWithoutAName) {
  Insert({At(0), At(0, "api"), At(kSecond, "")});
  ServiceSearch search = FirstHour();
  search.service = "web";
  EXPECT_THAT(Names(List(search)), ElementsAre("web"));
  search.service = "";
  EXPECT_THAT(Names(List(search)), ElementsAre(""));
  search.service = "x' OR 1 = 1 --";
  EXPECT_THAT(Names(List(search)), ElementsAre());
}

TEST_F(ServicesTest, EachStepHasItsQuantiles) {
  std::vector<Call> calls;
  for (int i = 0; i < 1000; ++i) {
    calls.push_back(At(0));
    calls.back().duration_nanos = static_cast<uint64_t>(i + 1) * kMilli;
  }
  Insert(calls);
  const ServicePage page = List(FirstHour());
  const ServiceSummary& web = page.services.at(0);
  EXPECT_NEAR(web.p50_nanos[0], 500e6, 25e6);
  EXPECT_NEAR(web.p95_nanos[0], 950e6, 45e6);
  EXPECT_NEAR(web.p99_nanos[0], 990e6, 45e6);
  EXPECT_TRUE(std::isnan(web.p50_nanos[1]) && std::isnan(web.p99_nanos[1]));
}

TEST_F(ServicesTest, APageMayBeAsLargeAsTheLargestAnswer) {
  // Two days of minutes: one service fewer than would be too much, and one more behind the page.
  const auto steps = static_cast<uint64_t>(48 * kHour / kMinute);
  const auto most = static_cast<uint32_t>(kServiceCellsMax / steps);
  ServiceSearch search = FirstHour();
  search.from_unix_nanos = start_ - 47 * kHour;
  search.step_seconds = 60;
  search.limit = most;
  std::vector<std::string> names;
  for (uint32_t i = 0; i <= most; ++i) names.push_back(fmt::format("{:04}", i));
  std::vector<Call> calls;
  for (const auto& name : names) calls.push_back(At(0, name));
  Insert(calls);
  const ServicePage page = List(search);
  EXPECT_EQ(page.services.size(), most);
  EXPECT_TRUE(page.next);
  search.limit = most + 1;
  EXPECT_EQ(reader_.List(search).error().code, Code::kInvalidArgument);
}

TEST_F(ServicesTest, CountsEntrySpansOnly) {
  Call inner = At(0);
  inner.entry = false;
  inner.kind = kInternal;
  Call only_inner = inner;
  only_inner.service_name = "library";
  Insert({At(0), inner, only_inner});
  const ServicePage page = List(FirstHour());
  ASSERT_THAT(Names(page), ElementsAre("web"));
  EXPECT_EQ(page.services[0].figures.calls, 1);
}

TEST_F(ServicesTest, RateIsOverWhatOfTheRangeHasPassed) {
  Insert({At(0), At(kSecond), At(2 * kSecond)});
  ServiceSearch search = FirstHour();
  search.now_unix_nanos = start_ + 30 * kSecond;
  EXPECT_DOUBLE_EQ(List(search).services[0].figures.calls_per_second, 0.1);
}

TEST_F(ServicesTest, SampledSpansCountForThoseTheyStandFor) {
  Call sampled = At(0);
  sampled.weight = 8;
  sampled.status = kError;
  Insert({sampled, At(1)});
  const ServicePage page = List(FirstHour());
  EXPECT_EQ(page.services[0].figures.calls, 9);
  EXPECT_EQ(page.services[0].figures.errors, 8);
}

TEST_F(ServicesTest, RowsOfManyBlocksAndTheirMergeGiveTheSameAnswer) {
  std::mt19937_64 random(7);
  std::vector<uint64_t> durations;
  for (int block = 0; block < 20; ++block) {
    std::vector<Call> calls;
    for (int i = 0; i < 500; ++i) {
      Call call = At(static_cast<int64_t>(random() % kHour), random() % 2 == 0 ? "web" : "api");
      call.duration_nanos = static_cast<uint64_t>(std::exp(static_cast<double>(random() % 10'000) / 500.0));
      call.status = random() % 5 == 0 ? kError : kOk;
      if (call.service_name == "web") durations.push_back(call.duration_nanos);
      calls.push_back(call);
    }
    Insert(calls);
  }
  const ServicePage before = List(FirstHour());
  Execute("OPTIMIZE TABLE sightline.span_metric_rollups FINAL");
  const ServicePage after = List(FirstHour());
  EXPECT_LT(after.scanned.rows_read, before.scanned.rows_read) << "rows of the same key did not collapse";
  ASSERT_EQ(after.services.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(after.services[i].figures.calls, before.services[i].figures.calls);
    EXPECT_EQ(after.services[i].figures.errors, before.services[i].figures.errors);
    EXPECT_EQ(after.services[i].figures.p99_nanos, before.services[i].figures.p99_nanos);
    EXPECT_EQ(after.services[i].figures.max_nanos, before.services[i].figures.max_nanos);
    EXPECT_EQ(after.services[i].last_seen_unix_nanos, before.services[i].last_seen_unix_nanos);
    EXPECT_EQ(after.services[i].calls, before.services[i].calls);
    EXPECT_EQ(after.services[i].errors, before.services[i].errors);
  }
  std::ranges::sort(durations);
  EXPECT_EQ(after.services[1].figures.calls, static_cast<double>(durations.size()));
  const auto exact = static_cast<double>(durations[durations.size() * 95 / 100]);
  EXPECT_NEAR(after.services[1].figures.p95_nanos / exact, 1, 0.09);
}

// Steps of 10 s, minutes and hours are read from tables of their own: they must say the same.
TEST_F(ServicesTest, EveryStepIsTheSumOfTheFinerOnes) {
  std::mt19937_64 random(11);
  std::vector<Call> calls;
  for (int i = 0; i < 3000; ++i) {
    Call call = At(static_cast<int64_t>(random() % kHour));
    call.duration_nanos = random() % 1'000'000'000;
    call.status = random() % 7 == 0 ? kError : kOk;
    calls.push_back(call);
  }
  Insert(calls);
  std::map<int64_t, ServiceSummary> by_step;
  for (const int64_t step : {10, 60, 3600}) {
    ServiceSearch search = FirstHour();
    search.step_seconds = step;
    const ServicePage page = List(search);
    EXPECT_EQ(page.range.step_seconds, step);
    by_step[step] = page.services.at(0);
    EXPECT_EQ(by_step[step].calls.size(), static_cast<size_t>(3600 / step));
    EXPECT_EQ(by_step[step].figures.calls, 3000);
    EXPECT_EQ(by_step[step].figures.errors, by_step[10].figures.errors);
    EXPECT_EQ(by_step[step].figures.p99_nanos, by_step[10].figures.p99_nanos);
    EXPECT_EQ(by_step[step].figures.max_nanos, by_step[10].figures.max_nanos);
    EXPECT_EQ(by_step[step].last_seen_unix_nanos, by_step[10].last_seen_unix_nanos);
  }
  for (size_t minute = 0; minute < 60; ++minute) {
    double calls_of_minute = 0;
    for (size_t i = 0; i < 6; ++i) calls_of_minute += by_step[10].calls[6 * minute + i];
    EXPECT_EQ(by_step[60].calls[minute], calls_of_minute) << minute;
  }
}

TEST_F(ServicesTest, StepsAreAsCoarseAsWhatIsKeptOfTheRange) {
  Insert({At(0)});
  ServiceSearch search = FirstHour();
  search.step_seconds = 10;
  ServiceReader reader(clickhouse(), "sightline", {.ten_second_seconds = 7200, .minute_seconds = 86'400});
  const auto step_at = [&](int64_t age) {
    search.now_unix_nanos = start_ + age;
    const auto page = reader.List(search);
    return page ? page->range.step_seconds : -1;
  };
  EXPECT_EQ(step_at(2 * kHour), 10);
  EXPECT_EQ(step_at(2 * kHour + kSecond), 60);
  EXPECT_EQ(step_at(24 * kHour), 60);
  EXPECT_EQ(step_at(24 * kHour + kSecond), 3600);
}

TEST_F(ServicesTest, PagesByNameWithTheFirstPagesRange) {
  for (const char* service : {"", "a", "b", "c", "d"}) Insert({At(0, service)});
  ServiceSearch search = FirstHour();
  search.limit = 2;
  const ServicePage first = List(search);
  EXPECT_THAT(Names(first), ElementsAre("", "a"));
  ASSERT_TRUE(first.next);
  search.from_unix_nanos += 3 * kHour;  // time goes on
  search.to_unix_nanos += 3 * kHour;
  search.cursor = first.next;
  Insert({At(0, "a"), At(0, "aa")});  // and data arrives
  const ServicePage second = List(search);
  EXPECT_THAT(Names(second), ElementsAre("aa", "b"));
  EXPECT_EQ(second.range.from_unix_nanos, first.range.from_unix_nanos);
  ASSERT_TRUE(second.next);
  search.cursor = second.next;
  const ServicePage third = List(search);
  EXPECT_THAT(Names(third), ElementsAre("c", "d"));
  EXPECT_FALSE(third.next);
}

TEST_F(ServicesTest, RefusesWhatItCannotAnswer) {
  ServiceSearch search = FirstHour();
  search.limit = 0;
  EXPECT_EQ(reader_.List(search).error().code, Code::kInvalidArgument);
  search.limit = kServicesMax + 1;
  EXPECT_EQ(reader_.List(search).error().code, Code::kInvalidArgument);
  search = FirstHour();
  search.to_unix_nanos = search.from_unix_nanos;
  EXPECT_EQ(reader_.List(search).error().code, Code::kInvalidArgument);
  search.from_unix_nanos = 0;
  EXPECT_EQ(reader_.List(search).error().code, Code::kInvalidArgument) << "too many steps of a minute";
}

TEST_F(ServicesTest, OperationsHaveMostCallsFirst) {
  std::vector<Call> calls;
  const auto add = [&](const char* name, uint8_t kind, bool entry, int count) {
    Call call = At(0, "web", name);
    call.kind = kind;
    call.entry = entry;
    calls.insert(calls.end(), static_cast<size_t>(count), call);
  };
  add("GET /", kServer, true, 5);
  add("render", kInternal, false, 7);
  add("render", kInternal, true, 2);
  add("b", kServer, true, 1);
  add("a", kServer, true, 1);
  add("c", kServer, true, 1);
  calls.back().status = kError;
  calls.push_back(At(0, "other", "not it"));
  Insert(calls);
  const auto all = ListOperations(Operations("web"));
  EXPECT_THAT(Names(all), ElementsAre("render Internal", "GET / Server entry", "render Internal entry",
                                      "a Server entry", "b Server entry", "c Server entry"));
  EXPECT_EQ(all.operations[1].figures.calls, 5);
  EXPECT_DOUBLE_EQ(all.operations[1].figures.calls_per_second, 5 / 3600.0);
  EXPECT_NEAR(all.operations[1].figures.p95_nanos, 10e6, 1e6);
  EXPECT_EQ(all.operations[1].figures.max_nanos, 10 * kMilli);
  EXPECT_EQ(all.operations[5].figures.errors, 1);
  EXPECT_FALSE(all.next);

  std::vector<std::string> paged;
  OperationSearch search = Operations("web");
  search.limit = 1;
  for (int page = 0; page < 6; ++page) {
    const OperationPage one = ListOperations(search);
    ASSERT_EQ(one.operations.size(), 1u);
    paged.push_back(Names(one)[0]);
    EXPECT_EQ(one.next.has_value(), page < 5);
    search.cursor = one.next;
  }
  EXPECT_EQ(paged, Names(all));
}

TEST_F(ServicesTest, OperationsAreNeitherRepeatedNorSkippedWhileTheirCallsChange) {
  constexpr int kNames = kOperationsRankedMax + 700;
  std::vector<std::string> names_sent;
  for (int i = 0; i < kNames; ++i) names_sent.push_back(fmt::format("op {:04}", i));
  const auto name = [&](int i) -> const std::string& { return names_sent[static_cast<size_t>(i)]; };
  std::vector<Call> calls;
  for (int i = 0; i < kNames; ++i) calls.insert(calls.end(), static_cast<size_t>(1 + i % 7), At(0, "web", name(i)));
  // Of that name, but not the same.
  Call client = At(0, "web", name(0));
  client.kind = 3;
  calls.push_back(client);
  client.entry = false;
  calls.push_back(client);
  Insert(calls);
  std::multiset<std::string> paged;
  OperationSearch search = Operations("web");
  search.limit = 300;
  std::vector<size_t> sizes;
  for (int page = 0; page < 20; ++page) {
    const OperationPage one = ListOperations(search);
    const auto names = Names(one);
    paged.insert(names.begin(), names.end());
    sizes.push_back(names.size());
    EXPECT_TRUE(
        std::ranges::is_sorted(one.operations, std::greater(),
                               [&](const Operation& operation) { return page < 4 ? operation.figures.calls : 0; }))
        << "page " << page;
    if (page >= 4) EXPECT_TRUE(std::ranges::is_sorted(names)) << "page " << page;
    search.cursor = one.next;
    if (!one.next) break;
    // What was shown, and what was not, becomes the most called; and new ones come.
    const std::string shown = one.operations.front().name, fresh = fmt::format("new {}", page);
    std::vector<Call> arriving(20, At(kMinute, "web", shown));
    arriving.insert(arriving.end(), 20, At(kMinute, "web", name((page * 411 + 97) % kNames)));
    arriving.push_back(At(kMinute, "web", fresh));
    Insert(arriving);
  }
  EXPECT_THAT(sizes, ElementsAre(300, 300, 300, 100, 300, 300, ::testing::_));
  const std::set<std::string> once(paged.begin(), paged.end());
  EXPECT_EQ(once.size(), paged.size()) << "some came twice";
  for (int i = 0; i < kNames; ++i) EXPECT_TRUE(once.contains(name(i) + " Server entry")) << i;
  EXPECT_TRUE(once.contains(name(0) + " Client entry"));
  EXPECT_TRUE(once.contains(name(0) + " Client"));
}

TEST_F(ServicesTest, OperationsOfAnUnknownServiceOrOfMonthsAreAnswered) {
  Insert({At(0)});
  EXPECT_TRUE(ListOperations(Operations("nobody")).operations.empty());
  OperationSearch search = Operations("web");
  search.from_unix_nanos = start_ - 1000 * 24 * kHour;
  EXPECT_EQ(ListOperations(search).operations.size(), 1u);
}

TEST_F(ServicesTest, NamesAreValuesAndNeverSql) {
  const std::string odd = "x' OR 1 = 1 --\t\\{a:String}\n";
  Insert({At(0, odd, odd), At(0, "web")});
  EXPECT_EQ(ListOperations(Operations(odd)).operations.size(), 1u);
  ServiceSearch search = FirstHour();
  search.limit = 1;
  const ServicePage first = List(search);
  search.cursor = ServiceCursor{start_, start_ + kHour, 60, odd};
  EXPECT_TRUE(List(search).services.empty());
  EXPECT_THAT(Names(first), ElementsAre("web"));
}

}  // namespace
}  // namespace sightline::query
