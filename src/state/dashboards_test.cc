#include "state/dashboards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "state/dashboard_files.h"

namespace sightline::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Titled(const std::string& title) {
  return R"({"schema":1,"title":")" + title + R"(","panels":[]})";
}

class DashboardsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char directory[] = "/tmp/sightline-dashboards-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
  }
  void TearDown() override {
    dashboards_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }
  void Open() {
    dashboards_.reset();
    database_.reset();
    auto opened = Database::Open(path());
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = *std::move(opened);
    dashboards_ = std::make_unique<Dashboards>(*database_, clock_);
  }
  void Execute(const std::string& sql) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection);
    sqlite3_close(connection);
  }
  std::string path() const { return directory_ + "/state.sqlite"; }
  std::vector<std::string> Titles() {
    std::vector<std::string> titles;
    const auto list = dashboards_->List();
    EXPECT_TRUE(list) << list.error().message;
    for (const auto& one : list.value_or(std::vector<Dashboard>())) titles.push_back(one.document.title);
    return titles;
  }

  FakeClock clock_{1'795'333'380'000'000'000};
  std::string directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Dashboards> dashboards_;
};

TEST_F(DashboardsTest, AreThereAgainAfterARestartAndListedByTitle) {
  Open();
  ASSERT_TRUE(dashboards_->Create(Titled("b")));
  const auto made = dashboards_->Create(Titled("A"));
  ASSERT_TRUE(made) << made.error().message;
  Open();
  EXPECT_THAT(Titles(), ElementsAre("A", "b"));
  const auto read = dashboards_->Get(made->id);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->document.json, Titled("A"));
  EXPECT_EQ(read->version, 1);
}

TEST_F(DashboardsTest, AChangeOfAnOlderVersionIsRefused) {
  Open();
  const auto made = dashboards_->Create(Titled("a"));
  ASSERT_TRUE(made);
  ASSERT_TRUE(dashboards_->Update(made->id, 1, Titled("b")));
  const auto stale = dashboards_->Update(made->id, 1, Titled("c"));
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(Titles(), ElementsAre("b"));
  EXPECT_EQ(dashboards_->Delete(made->id, 1).error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(dashboards_->Delete(made->id, 2));
  EXPECT_EQ(dashboards_->Get(made->id).error().code, Code::kNotFound);
}

TEST_F(DashboardsTest, AWrongDocumentChangesNothing) {
  Open();
  const auto made = dashboards_->Create(Titled("a"));
  ASSERT_TRUE(made);
  const auto wrong = dashboards_->Update(made->id, 1, "{}");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalidArgument);
  EXPECT_EQ(dashboards_->Get(made->id)->version, 1);
}

TEST_F(DashboardsTest, SharesEndWithTheirDashboardOrByThemselves) {
  Open();
  const auto made = dashboards_->Create(Titled("a"));
  ASSERT_TRUE(made);
  const std::string id = std::to_string(made->id);
  const auto first = dashboards_->Share(id, "last=1h&var-service=shop");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->token.size(), 32u);
  const auto second = dashboards_->Share(id, "");
  ASSERT_TRUE(second);
  EXPECT_NE(first->token, second->token);
  ASSERT_TRUE(dashboards_->Revoke(second->token));
  EXPECT_EQ(dashboards_->FindShare(second->token).error().code, Code::kNotFound);
  EXPECT_EQ(dashboards_->FindShare(first->token)->state, "last=1h&var-service=shop");
  ASSERT_TRUE(dashboards_->Delete(made->id, 1));
  EXPECT_EQ(dashboards_->FindShare(first->token).error().code, Code::kNotFound);
}

TEST_F(DashboardsTest, WhatWasDeletedIsRestoredAsItWasWithItsLinks) {
  Open();
  const auto made = dashboards_->Create(Titled("a"));
  const auto share = dashboards_->Share(std::to_string(made->id), "last=1h");
  ASSERT_TRUE(share);
  EXPECT_EQ(dashboards_->Restore(made->id)->version, 1) << "it is there";
  ASSERT_TRUE(dashboards_->Delete(made->id, 1));
  EXPECT_THAT(Titles(), ElementsAre());
  EXPECT_EQ(dashboards_->Update(made->id, 1, Titled("b")).error().code, Code::kNotFound);
  Open();
  const auto restored = dashboards_->Restore(made->id);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->id, made->id);
  EXPECT_EQ(restored->version, 1);
  EXPECT_EQ(restored->document.json, Titled("a"));
  EXPECT_THAT(Titles(), ElementsAre("a"));
  EXPECT_EQ(dashboards_->FindShare(share->token)->dashboard, std::to_string(made->id));
  EXPECT_EQ(dashboards_->Restore(999).error().code, Code::kNotFound);
}

TEST_F(DashboardsTest, WhatWasDeletedLongAgoOrBeforeManyOthersIsThrownAway) {
  Open();
  const auto old = dashboards_->Create(Titled("old"));
  const auto share = dashboards_->Share(std::to_string(old->id), "");
  ASSERT_TRUE(dashboards_->Delete(old->id, 1));
  clock_.Advance(kDeletedKeptNanos + 1);
  std::vector<int64_t> ids;
  for (size_t i = 0; i <= kDeletedDashboardsMax; ++i) {
    ids.push_back(dashboards_->Create(Titled("x"))->id);
    ASSERT_TRUE(dashboards_->Delete(ids.back(), 1));
  }
  EXPECT_EQ(dashboards_->Restore(old->id).error().code, Code::kNotFound);
  EXPECT_EQ(dashboards_->FindShare(share->token).error().code, Code::kNotFound);
  EXPECT_EQ(dashboards_->Restore(ids[0]).error().code, Code::kNotFound);
  EXPECT_TRUE(dashboards_->Restore(ids[1]));
}

TEST_F(DashboardsTest, OneThatNoLongerFitsDoesNotHideTheOthers) {
  Open();
  ASSERT_TRUE(dashboards_->Create(Titled("a")));
  Execute(
      R"(INSERT INTO dashboards (title, document, version, created_unix_nanos, updated_unix_nanos) VALUES ('b', '{"schema":2,"title":"b","panels":[]}', 1, 1, 1))");
  EXPECT_THAT(Titles(), ElementsAre("a", "b"));
}

// What the first version of the program left.
TEST_F(DashboardsTest, AFileOfTheFirstVersionIsBroughtUpToDate) {
  Execute(
      "CREATE TABLE saved_views (id INTEGER PRIMARY KEY AUTOINCREMENT, signal TEXT NOT NULL, name TEXT NOT NULL, query "
      "TEXT NOT "
      "NULL, page TEXT NOT NULL, version INTEGER NOT NULL, created_unix_nanos INTEGER NOT NULL, updated_unix_nanos "
      "INTEGER NOT "
      "NULL, UNIQUE (signal, name)) STRICT; INSERT INTO saved_views VALUES (7, 'traces', 'kept', '', '', 1, 1, 1);"
      "PRAGMA application_id = 1397519220; PRAGMA user_version = 1;");
  Open();
  ASSERT_TRUE(dashboards_->Create(Titled("a")));
  int64_t views = 0;
  ASSERT_TRUE(database_->Transaction([&](Session& session) {
    return session.Run("SELECT count(*) FROM saved_views", {}, [&](const Row& row) { views = row.Int(0); });
  }));
  EXPECT_EQ(views, 1);
}

TEST_F(DashboardsTest, FilesAreReadAgainWhenTheyChangeAndBrokenOnesAreNamed) {
  DashboardFiles files(directory_);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  };
  write("one.json", Titled("One"));
  write("broken.json", "{");
  write("not a name!.json", Titled("x"));
  write("other.txt", "no dashboard");
  auto list = files.List();
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->files.size(), 1u);
  EXPECT_EQ(list->files[0].name, "one");
  ASSERT_EQ(list->broken.size(), 2u);
  EXPECT_EQ(list->broken[0].file, "broken.json");
  EXPECT_THAT(list->broken[0].error, HasSubstr("no JSON"));
  write("one.json", Titled("Changed"));
  write("broken.json", Titled("Mended now"));
  EXPECT_EQ(files.Get("one")->document.title, "Changed");
  EXPECT_EQ(files.Get("broken")->document.title, "Mended now");
  std::filesystem::remove(directory_ + "/one.json");
  EXPECT_EQ(files.Get("one").error().code, Code::kNotFound);
}

TEST_F(DashboardsTest, ADirectoryThatIsNotThereIsAnError) {
  EXPECT_EQ(DashboardFiles(directory_ + "/none").List().error().code, Code::kUnavailable);
  EXPECT_TRUE(DashboardFiles("").List()->files.empty());
}

}  // namespace
}  // namespace sightline::state
