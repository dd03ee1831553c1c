// An SLI whose counts are what a test says, by service and minute, and a state in a directory of its own.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "slo/recorder.h"
#include "slo/sli_counter.h"
#include "slo/slo_reader.h"
#include "slo/slos.h"
#include "state/database.h"

namespace sightline::slo::testing {

// Thread: of its owner.
class ScriptedCounter final : public SliCounter {
 public:
  std::map<std::string, std::function<Tally(int64_t minute)>> by_service;
  std::string failure;  // not empty: it cannot be counted
  int calls = 0;
  int64_t minutes_asked = 0;
  int64_t first_day = 0;  // of which anything is stored

  Result<int64_t> NextStoredDay(int64_t day, store::Cancellation*) override { return std::max(day, first_day); }

  Result<std::vector<Tally>> Count(const SloDocument& slo, int64_t from_minute, int64_t to_minute, int64_t now_minute,
                                   store::Cancellation*) override {
    ++calls;
    minutes_asked += to_minute - from_minute;
    if (!failure.empty()) return Fail(Code::kUnavailable, "{}", failure);
    std::vector<Tally> counted;
    const auto& of = by_service[std::get<RequestsSli>(slo.sli).service];
    for (int64_t minute = from_minute; minute < to_minute; ++minute) {
      counted.push_back(of && minute <= now_minute ? of(minute) : Tally());
    }
    return counted;
  }
};

class SloTest : public ::testing::Test {
 protected:
  SloTest() {
    char directory[] = "/tmp/sightline-slo-test-XXXXXX";
    EXPECT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    Open();
  }
  ~SloTest() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  // As after a start of the program.
  void Open() {
    recorder_.reset();
    database_.reset();
    auto opened = state::Database::Open(directory_ + "/state.sqlite");
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = *std::move(opened);
    slos_ = std::make_unique<Slos>(*database_, "", clock_);
    rollups_ = std::make_unique<Rollups>(*database_);
    reader_ = std::make_unique<SloReader>(*slos_, *rollups_);
    recorder_ = std::make_unique<Recorder>(Recorder::Parts{*slos_, *rollups_, *reader_, counter_}, metrics_, clock_);
  }

  static std::string Document(double objective = 0.999, const std::string& service = "shop",
                              const std::string& length = "30d", const std::string& more = "") {
    return fmt::format(R"({{"schema":1,"name":"{1}","objective":{0},"window":{{"kind":"rolling","length":"{2}"}},)"
                       R"("sli":{{"kind":"requests","service":"{1}","good":"no_error"}},"minimum_events":1{3}}})",
                       objective, service, length, more);
  }
  Slo Make(const std::string& document) {
    auto made = slos_->Create(document);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *std::move(made) : Slo();
  }
  // Until all is counted up to now.
  void Record() {
    while (recorder_->Round()) {
    }
  }
  void PassMinutes(int64_t minutes) { clock_.Advance(minutes * kMinuteNanos); }
  int64_t now_minute() const { return MinuteOf(clock_.UnixNanos()); }
  SloStatus Status(const Slo& slo) {
    auto status = reader_->Status(slo, clock_.UnixNanos());
    EXPECT_TRUE(status) << status.error().message;
    return status ? *std::move(status) : SloStatus();
  }
  BurnRate Burn(const Slo& slo, int64_t seconds) {
    auto burn = reader_->Burn(slo.id, seconds, clock_.UnixNanos());
    EXPECT_TRUE(burn) << burn.error().message;
    return burn ? *std::move(burn) : BurnRate();
  }
  std::vector<std::string> EventKinds(const Slo& slo) {
    std::vector<std::string> kinds;
    const auto events = rollups_->Events(slo.id, kSloEventsMax);
    EXPECT_TRUE(events);
    if (events) {
      for (const SloEvent& event : *events) kinds.push_back(event.kind);
    }
    return kinds;
  }

  static constexpr int64_t kStartMinute = 1'800'000'000 / 60;
  FakeClock clock_{kStartMinute * kMinuteNanos + 10'000'000'000};
  MetricsRegistry metrics_;
  ScriptedCounter counter_;
  std::string directory_;
  std::unique_ptr<state::Database> database_;
  std::unique_ptr<Slos> slos_;
  std::unique_ptr<Rollups> rollups_;
  std::unique_ptr<SloReader> reader_;
  std::unique_ptr<Recorder> recorder_;
};

}  // namespace sightline::slo::testing
