#include "state/exception_decisions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace sightline::state {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kGroup = "00112233445566ff";
constexpr const char* kOther = "ffffffffffffffff";

class ExceptionDecisionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char directory[] = "/tmp/sightline-decisions-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    Open();
  }
  void TearDown() override {
    Close();
    std::filesystem::remove_all(directory_);
  }
  void Open() {
    auto opened = Database::Open(directory_ + "/state.sqlite");
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = *std::move(opened);
    decisions_ = std::make_unique<ExceptionDecisions>(*database_, clock_);
  }
  void Close() {
    decisions_.reset();
    database_.reset();
  }
  std::map<std::string, ExceptionDecision> Of(const std::vector<std::string>& ids) {
    auto decisions = decisions_->Of(ids);
    EXPECT_TRUE(decisions) << decisions.error().message;
    return decisions.value_or(std::map<std::string, ExceptionDecision>());
  }
  Code CodeOf(const std::string& id, const DecisionContent& content, std::optional<int64_t> version = {}) {
    const auto decision = decisions_->Decide(id, content, version);
    EXPECT_FALSE(decision);
    return decision ? Code::kInternal : decision.error().code;
  }

  FakeClock clock_{1'795'333'380'000'000'000};
  std::string directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<ExceptionDecisions> decisions_;
};

TEST_F(ExceptionDecisionsTest, AreThereAgainAfterARestart) {
  EXPECT_THAT(Of({kGroup}), IsEmpty());
  const auto made = decisions_->Decide(kGroup, {"resolved", "it's \"fixed\"\nreally", "1.1"}, 0);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->version, 1);
  clock_.Advance(1000);
  Close();
  Open();
  const auto read = Of({kGroup, kOther});
  ASSERT_THAT(read, SizeIs(1));
  const ExceptionDecision& decision = read.at(kGroup);
  EXPECT_EQ(decision.state, "resolved");
  EXPECT_EQ(decision.note, "it's \"fixed\"\nreally");
  EXPECT_EQ(decision.resolved_in_version, "1.1");
  EXPECT_EQ(decision.decided_unix_nanos, clock_.UnixNanos() - 1000);
  EXPECT_EQ(decision.regressed_unix_nanos, 0);
}

TEST_F(ExceptionDecisionsTest, AChangeNeedsTheVersionThatWasSeen) {
  ASSERT_TRUE(decisions_->Decide(kGroup, {"resolved"}, 0));
  EXPECT_EQ(CodeOf(kGroup, {"ignored"}, 0), Code::kFailedPrecondition);
  EXPECT_EQ(CodeOf(kOther, {"ignored"}, 1), Code::kFailedPrecondition);
  ASSERT_TRUE(decisions_->Decide(kGroup, {"open"}, 1));
  EXPECT_EQ(CodeOf(kGroup, {"ignored"}, 0), Code::kFailedPrecondition) << "what is open again is not what it was first";
  const auto blind = decisions_->Decide(kGroup, {"ignored"}, std::nullopt);
  ASSERT_TRUE(blind);
  EXPECT_EQ(blind->version, 3);
}

TEST_F(ExceptionDecisionsTest, ARegressionStaysUntilTheNextDecision) {
  const auto resolved = decisions_->Decide(kGroup, {"resolved"}, 0);
  ASSERT_TRUE(resolved);
  ExceptionDecision seen = *resolved;
  seen.regressed_unix_nanos = 77;
  ASSERT_TRUE(decisions_->NoteRegressions({seen}));
  seen.regressed_unix_nanos = 99;
  ASSERT_TRUE(decisions_->NoteRegressions({seen}));
  EXPECT_EQ(Of({kGroup}).at(kGroup).regressed_unix_nanos, 77) << "the first";
  EXPECT_EQ(Of({kGroup}).at(kGroup).version, 1) << "nobody decided";
  ASSERT_TRUE(decisions_->Decide(kGroup, {"resolved"}, 1));
  ASSERT_TRUE(decisions_->NoteRegressions({seen}));
  EXPECT_EQ(Of({kGroup}).at(kGroup).regressed_unix_nanos, 0) << "it was of the decision before";
}

TEST_F(ExceptionDecisionsTest, WhatCannotBeDecidedIsRefused) {
  EXPECT_EQ(CodeOf(kGroup, {"fixed"}), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(kGroup, {"ignored", "", "1.1"}), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(kGroup, {"resolved", std::string(kDecisionNoteBytesMax + 1, 'x')}), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(kGroup, {"resolved", "", std::string(kDecisionVersionBytesMax + 1, 'x')}), Code::kInvalidArgument);
  for (const char* id : {"", "0011", "00112233445566FF", "00112233445566f\"", "00112233445566fff"}) {
    EXPECT_EQ(CodeOf(id, {"resolved"}), Code::kNotFound) << id;
  }
  EXPECT_THAT(Of({kGroup, "\"]", ""}), IsEmpty());
}

TEST_F(ExceptionDecisionsTest, TheOldestThatAreOpenAgainGiveWay) {
  ASSERT_TRUE(decisions_->Decide(kGroup, {"open"}, 0));
  ASSERT_TRUE(database_->Transaction([](Session& session) {
    return session.Run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO exception_decisions "
        "SELECT printf('%016x', i), 'resolved', '', '', 1, 5, 0 FROM n",
        {static_cast<int64_t>(kExceptionDecisionsMax - 1)});
  }));
  EXPECT_TRUE(decisions_->Decide(kOther, {"ignored"}, 0));
  EXPECT_THAT(Of({kGroup, kOther}), SizeIs(1)) << "the open one is gone";
  EXPECT_EQ(CodeOf(kGroup, {"ignored"}), Code::kResourceExhausted);
  EXPECT_TRUE(decisions_->Decide(kOther, {"open"}, 1)) << "what is there can be changed";
  EXPECT_TRUE(decisions_->Decide(kGroup, {"ignored"}, 0));
}

}  // namespace
}  // namespace sightline::state
