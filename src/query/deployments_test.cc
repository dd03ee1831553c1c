#include "query/deployments.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond;

// A slot is a minute; `slots` are [first, last] ones.
ResourceActivity Active(std::string version, std::string resource, uint32_t first, uint32_t last, uint32_t every = 1) {
  ResourceActivity one{.version = std::move(version), .instance = resource, .resource_id = resource};
  one.first_unix_nanos = first * kMinute + kSecond;
  for (uint32_t slot = first; slot <= last; slot += every) one.slots.push_back(slot);
  return one;
}

// "1.1 after 1.0 at 10"
std::vector<std::string> Found(std::vector<ResourceActivity> activities) {
  std::vector<std::string> lines;
  for (const Deployment& one : FindDeployments(std::move(activities), 0, kMinute)) {
    lines.push_back(fmt::format("{} after {} at {}", one.version, one.previous, one.unix_nanos / kMinute));
  }
  return lines;
}

TEST(FindDeployments, TheFirstVersionIsNoChange) {
  EXPECT_THAT(Found({}), IsEmpty());
  EXPECT_THAT(Found({Active("1.0", "a", 0, 99), Active("1.0", "b", 5, 99)}), IsEmpty());
}

TEST(FindDeployments, RollingInstancesAreOneDeployment) {
  EXPECT_THAT(Found({Active("1.0", "a", 0, 20), Active("1.0", "b", 0, 24), Active("1.0", "c", 0, 28),
                     Active("1.1", "d", 21, 99), Active("1.1", "e", 25, 99), Active("1.1", "f", 29, 99)}),
              ElementsAre("1.1 after 1.0 at 21"));
  // The exact time of the first span, not the slot's.
  EXPECT_EQ(FindDeployments({Active("1.0", "a", 0, 20), Active("1.1", "d", 21, 99)}, 0, kMinute).at(0).unix_nanos,
            21 * kMinute + kSecond);
}

TEST(FindDeployments, GoingBackIsOneToo) {
  EXPECT_THAT(Found({Active("1.0", "a", 0, 20), Active("1.1", "b", 21, 40), Active("1.0", "c", 41, 99)}),
              ElementsAre("1.1 after 1.0 at 21", "1.0 after 1.1 at 41"));
}

TEST(FindDeployments, APauseIsNone) {
  EXPECT_THAT(Found({Active("1.0", "a", 0, 20), Active("1.0", "b", 60, 99)}), IsEmpty()) << "nothing else ran";
  EXPECT_THAT(Found({Active("1.0", "a", 0, 20), Active("1.1", "b", 60, 99)}), ElementsAre("1.1 after 1.0 at 60"));
}

TEST(FindDeployments, AVersionWithLittleTrafficIsDeployedOnce) {
  EXPECT_THAT(Found({Active("1.0", "a", 0, 99), Active("1.1", "canary", 30, 99, 25)}),
              ElementsAre("1.1 after 1.0 at 30"));
}

TEST(FindDeployments, WithoutInstancesAReturnAfterALongTimeIsOne) {
  ResourceActivity old = Active("1.0", "r", 0, 20), back = Active("1.0", "r", 60, 99);
  old.slots.insert(old.slots.end(), back.slots.begin(), back.slots.end());
  old.instance = "";
  EXPECT_THAT(Found({old, Active("1.1", "s", 21, 59)}), ElementsAre("1.1 after 1.0 at 21", "1.0 after 1.1 at 60"));
}

TEST(FindDeployments, SpansWithoutAVersionSayNothing) {
  EXPECT_THAT(Found({Active("", "a", 0, 20), Active("1.0", "b", 21, 99)}), IsEmpty());
}

class DeploymentsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "attribute_sets"});
    begin_ = Clock::System().UnixNanos() / kMinute * kMinute - 300 * kMinute;
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('a1', now(), ['service.version', "
        "'service.instance.id'], ['1.0', 'a'], 'ss'), ('a2', now(), ['service.version', 'service.instance.id'], "
        "['1.1', 'b'], 'ss'), ('a3', now(), ['service.version', 'host.name'], ['1.1', 'c'], 'ss')");
  }
  // A span a minute, [first, last).
  void Spans(const char* resource, int first, int last, int millis, const char* status = "Unset",
             const char* service = "shop", int weight = 1) {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, ResourceId, "
        "SpanKind, "
        "StatusCode, Duration, AdjustedCount) SELECT 1, fromUnixTimestamp64Nano(toInt64({0} + intDiv(number, 2) * "
        "{1})), unhex(repeat('01', 16)), unhex(repeat('02', 8)), unhex(repeat(if(number % 2 = 0, '00', '02'), 8)), "
        "'{2}', '{3}', 'Internal', '{4}', {5}, {6} FROM numbers({7})",
        begin_ + first * kMinute, kMinute, service, resource, status, millis * 1'000'000, weight, 2 * (last - first)));
  }

  ServiceVersions Read(int first, int last) {
    DeploymentReader reader(source_);
    auto read = reader.Read(
        {.service = "shop", .from_unix_nanos = begin_ + first * kMinute, .to_unix_nanos = begin_ + last * kMinute});
    EXPECT_TRUE(read) << read.error().message;
    return read ? *std::move(read) : ServiceVersions();
  }

  int64_t begin_ = 0;
  ItemSource source_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
};

TEST_F(DeploymentsTest, VersionsHaveFiguresAndTheirBegin) {
  Spans("a1", 0, 120, 10);
  Spans("a2", 118, 150, 100, "Error");
  Spans("a3", 119, 150, 100);
  Spans("a2", 0, 1, 1, "Unset", "other");
  const ServiceVersions read = Read(60, 150);
  ASSERT_THAT(read.versions, SizeIs(2));
  EXPECT_EQ(read.versions[0].version, "1.1");
  EXPECT_EQ(read.versions[0].instances, 2u);
  EXPECT_EQ(read.versions[0].first_unix_nanos, begin_ + 118 * kMinute);
  EXPECT_EQ(read.versions[0].last_unix_nanos, begin_ + 149 * kMinute);
  EXPECT_EQ(read.versions[0].calls, 63) << "entry spans only";
  EXPECT_EQ(read.versions[0].errors, 32);
  EXPECT_NEAR(read.versions[0].p95_nanos, 100e6, 1e6);
  EXPECT_EQ(read.versions[1].version, "1.0");
  EXPECT_EQ(read.versions[1].first_unix_nanos, begin_ + 60 * kMinute);
  EXPECT_EQ(read.versions[1].calls, 60);
  EXPECT_FALSE(read.is_estimate);
  ASSERT_THAT(read.instances, SizeIs(3));
  EXPECT_EQ(read.instances[0].instance, "a");
  EXPECT_EQ(read.instances[0].version, "1.0");
  EXPECT_EQ(read.instances[0].calls, 60);
  EXPECT_EQ(read.instances[1].instance, "b");
  EXPECT_EQ(read.instances[1].errors, 32);
  EXPECT_EQ(read.instances[2].instance, "c") << "where there is no service.instance.id, the host";
  EXPECT_EQ(read.instances[2].last_unix_nanos, begin_ + 149 * kMinute);
  ASSERT_THAT(read.deployments, SizeIs(1));
  EXPECT_EQ(read.deployments[0].version, "1.1");
  EXPECT_EQ(read.deployments[0].previous, "1.0");
  EXPECT_EQ(read.deployments[0].unix_nanos, begin_ + 118 * kMinute);
}

TEST_F(DeploymentsTest, WhatRanBeforeTheRangeIsNoNews) {
  Spans("a1", 0, 50, 10);
  Spans("a2", 50, 150, 10, "Unset", "shop", 3);
  const ServiceVersions read = Read(60, 150);
  EXPECT_THAT(read.versions, SizeIs(1));
  EXPECT_TRUE(read.is_estimate);
  EXPECT_EQ(read.versions[0].calls, 270);
  EXPECT_THAT(read.deployments, IsEmpty());
  EXPECT_THAT(Read(45, 60).deployments, SizeIs(1)) << "the hour before is looked at in any case";
  EXPECT_THAT(Read(200, 260).versions, IsEmpty());
}

}  // namespace
}  // namespace sightline::query
