#include "notify/grouper.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "notify/deliveries.h"

namespace sightline::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr int64_t kStart = 1'783'000'000 * kSecond;
constexpr const char* kWebhook = R"({"schema":1,"name":"hook","kind":"webhook","url":"http://localhost/hook"})";
constexpr const char* kPagerDuty = R"({"schema":1,"name":"pager","kind":"pagerduty","routing_key":"k"})";

// Moves the clock by hand, and takes every notification as sent at once, unless it is held.
class GrouperTest : public ::testing::Test {
 protected:
  GrouperTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    Open();
  }
  ~GrouperTest() override { std::filesystem::remove_all(directory_); }

  void Open() {
    store_.reset();
    database_.reset();
    auto database = state::Database::Open(directory_ + "/state.sqlite");
    ASSERT_TRUE(database) << database.error().message;
    database_ = *std::move(database);
    store_ = std::make_unique<NotifyStore>(*database_, files_, clock_);
    grouper_.emplace(*store_);
  }

  std::string Channel(const char* document) {
    const auto channel = store_->CreateChannel(document);
    EXPECT_TRUE(channel) << channel.error().message;
    return channel ? channel->id : "";
  }

  void Route(const std::string& members) {
    const auto routing = store_->CurrentRouting();
    const auto set = store_->SetRouting(routing->version, fmt::format(R"({{"schema":1,{}}})", members));
    ASSERT_TRUE(set) << set.error().message;
  }

  static AlertEvent Event(const std::string& fingerprint, EventState state = EventState::kFiring, Labels labels = {}) {
    AlertEvent event;
    event.rule_id = "1";
    event.rule_name = "errors";
    event.fingerprint = fingerprint;
    event.labels = std::move(labels);
    event.state = state;
    event.severity = "critical";
    event.starts_unix_nanos = kStart;
    if (state == EventState::kResolved) event.ends_unix_nanos = kStart + kMinute;
    return event;
  }

  template <typename Work>
  void In(Work work) {
    const auto done = database_->Transaction([&](state::Session& session) -> Result<void> { return work(session); });
    ASSERT_TRUE(done) << done.error().message;
  }

  void Happen(const AlertEvent& event) {
    In([&](state::Session& session) { return Grouper::Add(session, event); });
  }

  // What is told at this moment: "firing a b", resolved ones with "-" in front.
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    In([&](state::Session& session) -> Result<void> {
      const auto taken = grouper_->TakeInbox(session, clock_.UnixNanos(), 1000);
      if (!taken) return std::unexpected(taken.error());
      const auto made = grouper_->Tell(session, clock_.UnixNanos());
      if (!made) return std::unexpected(made.error());
      return {};
    });
    for (;;) {
      std::optional<Delivery> next;
      In([&](state::Session& session) -> Result<void> {
        auto found = deliveries::NextQueued(session, {});
        if (!found) return std::unexpected(found.error());
        next = *std::move(found);
        if (!next || held_) return {};
        next->state = DeliveryState::kSent;
        return deliveries::Update(session, *next);
      });
      if (!next || held_) break;
      std::string text(NotificationKindName(next->notification.kind));
      for (const ToldAlert& alert : next->notification.alerts) {
        text += (IsResolved(alert.event) ? " -" : " ") + alert.event.fingerprint;
      }
      if (next->notification.silenced > 0) text += fmt::format(" +{}", next->notification.silenced);
      told.push_back(text);
      last_ = *std::move(next);
    }
    return told;
  }

  std::vector<std::string> ToldAfter(int64_t nanos) {
    clock_.Advance(nanos);
    return Told();
  }

  int64_t NextDue() {
    int64_t due = 0;
    In([&](state::Session& session) -> Result<void> {
      const auto next = Grouper::NextDue(session);
      if (!next) return std::unexpected(next.error());
      due = *next;
      return {};
    });
    return due;
  }

  std::string SilenceFor(int64_t nanos, const std::string& matcher) {
    const auto silence =
        store_->CreateSilence(fmt::format(R"({{"matchers":[{}],"starts_unix_nano":"{}","ends_unix_nano":"{}"}})",
                                          matcher, clock_.UnixNanos(), clock_.UnixNanos() + nanos));
    EXPECT_TRUE(silence) << silence.error().message;
    return silence ? std::to_string(silence->id) : "";
  }

  const std::string directory_ = ::testing::TempDir() + "grouper_test_" + std::to_string(getpid());
  FakeClock clock_{kStart};
  NotifyFiles files_;
  std::unique_ptr<state::Database> database_;
  std::unique_ptr<NotifyStore> store_;
  std::optional<Grouper> grouper_;
  Delivery last_;
  bool held_ = false;
};

TEST_F(GrouperTest, WaitsForAlertsOfTheSameCauseAndTellsThemTogether) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  Happen(Event("a"));
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(NextDue(), kStart + 30 * kSecond) << "group_wait";
  Happen(Event("b"));
  EXPECT_THAT(ToldAfter(29 * kSecond), IsEmpty());
  EXPECT_THAT(ToldAfter(kSecond), ElementsAre("firing a b"));
}

TEST_F(GrouperTest, TellsChangesAtMostEachIntervalAndRepeatsWhatFires) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  Happen(Event("a"));
  Told();
  EXPECT_THAT(ToldAfter(30 * kSecond), ElementsAre("firing a"));
  const std::string group = last_.notification.group, id = last_.notification.id;
  Happen(Event("b"));
  EXPECT_THAT(ToldAfter(kMinute), IsEmpty());
  EXPECT_THAT(ToldAfter(4 * kMinute), ElementsAre("firing a b")) << "group_interval after the first";
  EXPECT_EQ(last_.notification.group, group);
  EXPECT_NE(last_.notification.id, id);
  EXPECT_THAT(ToldAfter(4 * kHour - kSecond), IsEmpty());
  EXPECT_THAT(ToldAfter(kSecond), ElementsAre("firing a b")) << "repeat_interval";
  Happen(Event("a", EventState::kResolved));
  EXPECT_THAT(ToldAfter(kHour), ElementsAre("firing b -a"));
  Happen(Event("b", EventState::kResolved));
  EXPECT_THAT(ToldAfter(5 * kMinute), ElementsAre("resolved -b"));
  EXPECT_EQ(NextDue(), 0) << "nothing is left of it";
  EXPECT_THAT(ToldAfter(24 * kHour), IsEmpty());
  Happen(Event("a"));
  Told();
  EXPECT_THAT(ToldAfter(30 * kSecond), ElementsAre("firing a"));
  EXPECT_NE(last_.notification.group, group) << "another incident";
}

TEST_F(GrouperTest, WhatEndsBeforeItIsToldIsNotTold) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  Happen(Event("a"));
  Told();
  Happen(Event("a", EventState::kResolved));
  EXPECT_THAT(ToldAfter(kHour), IsEmpty());
}

TEST_F(GrouperTest, ARestartNeitherForgetsNorRepeats) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  Happen(Event("a"));
  Open();
  Told();
  Open();
  EXPECT_THAT(ToldAfter(30 * kSecond), ElementsAre("firing a"));
  Open();
  EXPECT_THAT(ToldAfter(kHour), IsEmpty());
  Happen(Event("a", EventState::kResolved));
  Open();
  EXPECT_THAT(Told(), ElementsAre("resolved -a"));
}

TEST_F(GrouperTest, OneNotificationOfAGroupIsOnItsWayAtATime) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  Happen(Event("a"));
  Told();
  held_ = true;
  ToldAfter(30 * kSecond);
  Happen(Event("a", EventState::kResolved));
  ToldAfter(kHour);
  EXPECT_EQ(NextDue(), 0) << "it waits for the one before";
  held_ = false;
  EXPECT_THAT(Told(), ElementsAre("firing a"));
  EXPECT_THAT(Told(), ElementsAre("resolved -a"));
}

TEST_F(GrouperTest, RoutesByLabelsAndGroupsByThem) {
  const std::string hook = Channel(kWebhook), pager = Channel(kPagerDuty);
  Route(fmt::format(
      R"("routes":[{{"matchers":[{{"label":"team","op":"=","value":"search"}}],"channels":["{}"],"group_wait":"0",)"
      R"("group_by":["service.name"],"continue":true}},)"
      R"({{"matchers":[{{"label":"severity","op":"=","value":"critical"}},{{"label":"team","op":"=~","value":"se.*"}}],)"
      R"("channels":["{}"],"group_wait":"0","group_by":["..."]}}],"default_channels":[])",
      hook, pager));
  Happen(Event("a", EventState::kFiring, {{"team", "search"}, {"service.name", "x"}}));
  Happen(Event("b", EventState::kFiring, {{"team", "search"}, {"service.name", "x"}}));
  Happen(Event("c", EventState::kFiring, {{"team", "search"}, {"service.name", "y"}}));
  Happen(Event("d", EventState::kFiring, {{"team", "shop"}}));
  EXPECT_THAT(Told(), ::testing::UnorderedElementsAre("firing a b", "firing c", "firing a", "firing b", "firing c"));
}

TEST_F(GrouperTest, WhoWasToldHearsTheEndWhateverTheRoutingHasBecome) {
  const std::string hook = Channel(kWebhook), pager = Channel(kPagerDuty);
  Route(fmt::format(R"("default_channels":["{}"])", hook));
  Happen(Event("a"));
  Told();
  EXPECT_THAT(ToldAfter(30 * kSecond), ElementsAre("firing a"));
  Route(fmt::format(R"("default_channels":["{}"])", pager));
  Happen(Event("a", EventState::kResolved));
  EXPECT_THAT(ToldAfter(kHour), ElementsAre("resolved -a"));
  EXPECT_EQ(last_.channel, hook);
}

TEST_F(GrouperTest, SilencedAlertsAreToldWhenTheSilenceEndsIfTheyStillFire) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  SilenceFor(kHour, R"({"label":"host","op":"=","value":"h1"})");
  Happen(Event("a", EventState::kFiring, {{"host", "h1"}}));
  Happen(Event("b", EventState::kFiring, {{"host", "h2"}}));
  Told();
  EXPECT_THAT(ToldAfter(30 * kSecond), ElementsAre("firing b"));
  for (int minute = 0; minute < 59; ++minute) EXPECT_THAT(ToldAfter(kMinute), IsEmpty());
  EXPECT_THAT(ToldAfter(6 * kMinute), ElementsAre("firing a b"));
}

TEST_F(GrouperTest, WhatWasToldIsToldToBeOverThoughItIsSilencedByNow) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  Happen(Event("a", EventState::kFiring, {{"host", "h1"}}));
  Happen(Event("b", EventState::kFiring, {{"host", "h2"}}));
  Told();
  EXPECT_THAT(ToldAfter(30 * kSecond), ElementsAre("firing a b"));
  SilenceFor(10 * kHour, R"({"label":"host","op":"!=","value":""})");
  EXPECT_THAT(ToldAfter(5 * kHour), IsEmpty()) << "no repetition";
  Happen(Event("a", EventState::kResolved, {{"host", "h1"}}));
  EXPECT_THAT(ToldAfter(kMinute), ElementsAre("firing -a +1")) << "b still fires for whoever heard of it";
  Happen(Event("b", EventState::kResolved, {{"host", "h2"}}));
  EXPECT_THAT(ToldAfter(5 * kMinute), ElementsAre("resolved -b"));
}

TEST_F(GrouperTest, AcknowledgedAlertsAreNotRepeatedUntilTheyCameAgain) {
  const std::string pager = Channel(kPagerDuty);
  Route(fmt::format(R"("default_channels":["{}"])", pager));
  Happen(Event("a"));
  Happen(Event("b"));
  Told();
  EXPECT_THAT(ToldAfter(30 * kSecond), ElementsAre("firing a b"));
  const auto acknowledge = [&](const std::string& fingerprint) {
    In([&](state::Session& session) {
      return grouper_->Acknowledge(session, fingerprint, "mine", clock_.UnixNanos());
    });
  };
  acknowledge("a");
  EXPECT_THAT(Told(), IsEmpty()) << "the incident is of b too";
  EXPECT_THAT(ToldAfter(4 * kHour), ElementsAre("firing a b")) << "as b is not acknowledged";
  acknowledge("b");
  EXPECT_THAT(Told(), ElementsAre("acknowledged a b"));
  EXPECT_EQ(last_.notification.comment, "mine");
  EXPECT_THAT(ToldAfter(24 * kHour), IsEmpty());
  Happen(Event("a", EventState::kResolved));
  EXPECT_THAT(Told(), ElementsAre("firing b -a"));
  EXPECT_EQ(store_->Acknowledgements()->size(), 1U) << "a's is over";
  Happen(Event("a"));
  EXPECT_THAT(ToldAfter(5 * kMinute), ElementsAre("firing a b"));
  EXPECT_THAT(ToldAfter(4 * kHour), ElementsAre("firing a b"));
  acknowledge("a");
  Told();
  In([&](state::Session& session) { return grouper_->Withdraw(session, "b", clock_.UnixNanos()); });
  EXPECT_THAT(ToldAfter(4 * kHour), ElementsAre("firing a b"));
}

TEST_F(GrouperTest, ADeletedChannelIsForgotten) {
  const std::string hook = Channel(kWebhook);
  Route(fmt::format(R"("default_channels":["{}"])", hook));
  Happen(Event("a"));
  Told();
  EXPECT_EQ(store_->DeleteChannel(hook, 1).error().code, Code::kFailedPrecondition) << "the routing names it";
  Route(R"("default_channels":[])");
  ASSERT_TRUE(store_->DeleteChannel(hook, 1));
  EXPECT_THAT(ToldAfter(kHour), IsEmpty());
  EXPECT_EQ(NextDue(), 0);
}

TEST_F(GrouperTest, AFullQueueMakesGroupsWaitAndLosesNone) {
  Route(fmt::format(R"("routes":[{{"channels":["{}"],"group_by":["..."],"group_wait":"0"}}])", Channel(kWebhook)));
  constexpr size_t kAlerts = kQueuedMax + 50;
  In([&](state::Session& session) -> Result<void> {
    for (size_t i = 0; i < kAlerts; ++i) SIGHTLINE_TRY(Grouper::Add(session, Event(fmt::format("{:x}", i))));
    return {};
  });
  held_ = true;
  for (int step = 0; step < 3; ++step) Told();
  In([&](state::Session& session) -> Result<void> {
    EXPECT_EQ(*deliveries::CountQueued(session), kQueuedMax);
    return {};
  });
  held_ = false;
  size_t told = Told().size();
  EXPECT_EQ(told, kQueuedMax);
  told += Told().size();
  EXPECT_EQ(told, kAlerts);
}

TEST_F(GrouperTest, AMessageTellsSoManyAndTheNumberOfOthers) {
  Route(fmt::format(R"("default_channels":["{}"])", Channel(kWebhook)));
  for (size_t i = 0; i < kAlertsToldMax + 7; ++i) Happen(Event(fmt::format("{:x}", i)));
  Told();
  ToldAfter(30 * kSecond);
  EXPECT_EQ(last_.notification.alerts.size(), kAlertsToldMax);
  EXPECT_EQ(last_.notification.left_out, 7U);
}

}  // namespace
}  // namespace sightline::notify
