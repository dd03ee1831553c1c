// The limit on series across a restart, on a real store.
#include "store/admitted_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "otlp/block_builder.h"
#include "otlp/testing/requests.h"
#include "store/block_inserter.h"
#include "store/schema.h"
#include "store/testing/stores.h"

namespace sightline::store {
namespace {

using namespace otlp::testing;
using otlp::MetricSeriesLimit;
using otlp::Signal;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Kind;
namespace field = otlp::field;

constexpr int64_t kReceived = static_cast<int64_t>(kTestTime) + 1'000'000'000;
constexpr int64_t kDayNanos = 86'400'000'000'000;
constexpr uint32_t kSeriesMax = 10;

class AdmittedSeries : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kRemote && testing::ChildServer::Program().empty()) {
      GTEST_SKIP() << "no sightline-clickhouse: name one with SIGHTLINE_CLICKHOUSE_BIN";
    }
    directory_ = std::make_unique<testing::TempDirectory>();
    store_ = std::make_unique<testing::TestStore>(GetParam(), directory_->path() + "/clickhouse");
    ASSERT_EQ(store_->error(), "");
    const auto opened = OpenSchema(**store_, {.retention_seconds = {kForever, kForever, kForever}});
    ASSERT_TRUE(opened) << opened.error().message;
  }

  // As a program does that starts.
  std::shared_ptr<MetricSeriesLimit> Start() {
    auto limit = std::make_shared<MetricSeriesLimit>(kSeriesMax);
    const auto restored = RestoreAdmittedSeries(**store_, "sightline", *limit);
    EXPECT_TRUE(restored) << restored.error().message;
    return limit;
  }

  // A point of each user; a resource of each where `of_resource`.
  void Store(const std::shared_ptr<MetricSeriesLimit>& limit, int first, int end, bool of_resource = false,
             int64_t received = kReceived) {
    const auto builder = otlp::BlockBuilder::Create(Signal::kMetrics, {.series_limit = limit});
    for (int user = first; user < end; ++user) {
      const Pb attribute = Attribute("user.id", StringValue("u" + std::to_string(user)));
      Pb point = NumberPoint(user);
      point.Message(field::number_data_point::kAttributes, Attribute("route", StringValue("/cart")));
      Pb resource = Resource("shop");
      if (of_resource) {
        resource.Message(field::resource::kAttributes, attribute);
      } else {
        point.Message(field::number_data_point::kAttributes, attribute);
      }
      const std::string request = Request({Metric(field::metric::kSum, {point})}, resource);
      const auto scan = otlp::ScanRequest(Signal::kMetrics, request, {}, {.received_unix_nanos = received});
      ASSERT_TRUE(scan);
      for (const otlp::ItemRef& item : scan->items) builder->Append(request, *scan, item, received);
    }
    BlockInserter inserter(**store_, "sightline", {}, metrics_);
    ++block_;
    const auto inserted = inserter.Insert(block_, builder->Finish(block_), /*may_exist=*/false);
    ASSERT_TRUE(inserted) << inserted.error().message;
  }

  // "of its own" and "overflow" series of the points of a user.
  std::vector<std::string> SeriesOf(int user) {
    auto rows = (*store_)->Rows(
        "SELECT toString(SeriesId), LimitedBy FROM sightline.metric_points AS p INNER JOIN (SELECT DISTINCT SeriesId, "
        "LimitedBy FROM sightline.metric_series) AS m USING SeriesId WHERE Value = {user:Float64} ORDER BY Block",
        {.parameters = {{"user", std::to_string(user)}}});
    EXPECT_TRUE(rows) << rows.error().message;
    std::vector<std::string> series;
    for (const auto& row : *rows) series.push_back(row[0] + " " + row[1]);
    return series;
  }

  MetricsRegistry metrics_;
  std::unique_ptr<testing::TempDirectory> directory_;
  std::unique_ptr<testing::TestStore> store_;
  uint64_t block_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Stores, AdmittedSeries, ::testing::ValuesIn(testing::Kinds()),
                         [](const auto& info) { return testing::KindName(info.param); });

TEST_P(AdmittedSeries, ARestartDecidesAsBeforeInWhateverOrderPointsCome) {
  Store(Start(), 0, 30);
  const auto limit = Start();
  Store(limit, 20, 30);
  Store(limit, 0, 20);
  for (const int user : {0, 9, 10, 25}) {
    const auto series = SeriesOf(user);
    ASSERT_EQ(series.size(), 2u) << user;
    EXPECT_EQ(series[0], series[1]) << user;
    EXPECT_EQ(series[0].ends_with(" point.user.id"), user >= 10) << series[0];
  }
  EXPECT_THAT(limit->Take().metrics, IsEmpty()) << "the run before has told it";
}

TEST_P(AdmittedSeries, ARestartKnowsWhichAttributeMadeTheSeriesSoFar) {
  for (const bool of_resource : {false, true}) {
    ASSERT_TRUE((*store_)->Execute("TRUNCATE TABLE sightline.metric_series"));
    Store(Start(), 0, kSeriesMax, of_resource);
    const auto limit = Start();
    Store(limit, kSeriesMax, kSeriesMax + 1, of_resource);
    const auto news = limit->Take();
    ASSERT_EQ(news.metrics.size(), 1u);
    EXPECT_EQ(news.metrics[0].attribute, of_resource ? "resource.user.id" : "point.user.id");
    EXPECT_EQ(news.metrics[0].values, kSeriesMax + 1);
    EXPECT_EQ(news.overflowed_points, 1u);
  }
}

TEST_P(AdmittedSeries, TheNextDayBeginsAnewAfterARestartToo) {
  Store(Start(), 0, 30);
  const auto limit = Start();
  Store(limit, 20, 30, false, kReceived + kDayNanos);
  EXPECT_EQ(limit->Take().overflowed_points, 0u);
  EXPECT_TRUE(SeriesOf(25)[1].ends_with(" ")) << "of its own";
}

TEST_P(AdmittedSeries, WhatIsNewIsCountedAndToldOnce) {
  MetricSeriesLimit limit(kSeriesMax);
  limit.AddOverflowedPoints(3);
  ReportSeriesLimit(limit, metrics_);
  limit.AddOverflowedPoints(4);
  ReportSeriesLimit(limit, metrics_);
  ReportSeriesLimit(limit, metrics_);
  EXPECT_EQ(metrics_.GetCounter("sightline.metric_points.overflowed", "", "").value(), 7u);
}

TEST_P(AdmittedSeries, AnEmptyStoreHasNone) {
  Start();
}

}  // namespace
}  // namespace sightline::store
