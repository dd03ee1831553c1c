#include "state/saved_views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace sightline::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SavedViewsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char directory[] = "/tmp/sightline-state-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    Open();
  }
  void TearDown() override {
    Close();
    std::filesystem::remove_all(directory_);
  }
  void Open() {
    auto opened = Database::Open(path());
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = *std::move(opened);
    views_ = std::make_unique<SavedViews>(*database_, clock_);
  }
  void Close() {
    views_.reset();
    database_.reset();
  }
  // As another program would.
  void Execute(const char* sql) { Execute(std::string(sql)); }
  void Execute(const std::string& sql) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection);
    sqlite3_close(connection);
  }
  int UserVersion() {
    sqlite3* connection = nullptr;
    EXPECT_EQ(sqlite3_open(path().c_str(), &connection), SQLITE_OK);
    int version = 0;
    const auto read = [](void* target, int, char** values, char**) {
      *static_cast<int*>(target) = std::stoi(values[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(connection, "PRAGMA user_version", read, &version, nullptr), SQLITE_OK);
    sqlite3_close(connection);
    return version;
  }
  std::string path() const { return directory_ + "/state.sqlite"; }

  SavedView MustCreate(const std::string& name, const std::string& signal = "traces") {
    auto view = views_->Create({signal, name, "", ""});
    EXPECT_TRUE(view) << view.error().message;
    return view.value_or(SavedView());
  }
  std::vector<std::string> Names(const std::string& signal = "") {
    std::vector<std::string> names;
    auto views = views_->List(signal);
    EXPECT_TRUE(views) << views.error().message;
    for (const SavedView& view : views.value_or(std::vector<SavedView>())) names.push_back(view.name);
    return names;
  }

  FakeClock clock_{1'795'333'380'000'000'000};
  std::string directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<SavedViews> views_;
};

TEST_F(SavedViewsTest, AreThereAgainAfterARestart) {
  const ViewContent content{"logs", "Fehler, \"laut\" — 遅い", "{ severity >= error } \"it's\"", "wrap=1&col=log.a"};
  const auto made = views_->Create(content);
  ASSERT_TRUE(made) << made.error().message;
  Close();
  Open();
  const auto read = views_->Get(made->id);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, content.name);
  EXPECT_EQ(read->query, content.query);
  EXPECT_EQ(read->page, content.page);
  EXPECT_EQ(read->signal, "logs");
  EXPECT_EQ(read->version, 1);
  EXPECT_EQ(read->created_unix_nanos, clock_.UnixNanos());
}

TEST_F(SavedViewsTest, AreListedByNameWhateverItsCase) {
  for (const char* name : {"b", "C", "a"}) MustCreate(name);
  MustCreate("a", "logs");
  EXPECT_THAT(Names("traces"), ElementsAre("a", "b", "C"));
  EXPECT_THAT(Names("logs"), ElementsAre("a"));
  EXPECT_THAT(Names(), ElementsAre("a", "a", "b", "C"));
}

TEST_F(SavedViewsTest, ANameIsTakenOnce) {
  MustCreate("slow");
  const SavedView other = MustCreate("other");
  const auto again = views_->Create({"traces", "slow", "", ""});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
  EXPECT_THAT(again.error().message, HasSubstr("slow"));
  EXPECT_EQ(views_->Update(other.id, 1, {"traces", "slow", "", ""}).error().code, Code::kAlreadyExists);
  EXPECT_THAT(Names(), ElementsAre("other", "slow"));
}

TEST_F(SavedViewsTest, AChangeNeedsTheVersionThatWasSeen) {
  const SavedView made = MustCreate("slow");
  const auto changed = views_->Update(made.id, 1, {"traces", "slower", "{ duration > 1s }", "view=spans"});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(changed->version, 2);
  const auto late = views_->Update(made.id, 1, {"traces", "fast", "", ""});
  EXPECT_EQ(late.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(views_->Delete(made.id, 1).error().code, Code::kFailedPrecondition);
  EXPECT_THAT(Names(), ElementsAre("slower"));
  EXPECT_TRUE(views_->Delete(made.id, 2));
  EXPECT_THAT(Names(), ElementsAre());
  EXPECT_EQ(views_->Get(made.id).error().code, Code::kNotFound);
  EXPECT_EQ(views_->Update(made.id, 3, {"traces", "x", "", ""}).error().code, Code::kNotFound);
  EXPECT_GT(MustCreate("new").id, made.id) << "a number is never used again";
}

TEST_F(SavedViewsTest, OfConcurrentChangesOneWins) {
  const SavedView made = MustCreate("contested");
  std::atomic<int> won = 0, lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto changed = views_->Update(made.id, 1, {"traces", "by " + std::to_string(i), "", ""});
      changed ? ++won : ++lost;
      if (!changed) EXPECT_EQ(changed.error().code, Code::kFailedPrecondition) << changed.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
}

TEST_F(SavedViewsTest, RefusesWhatIsNoView) {
  const auto refused = [&](const ViewContent& content) {
    const auto made = views_->Create(content);
    EXPECT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kInvalidArgument);
    return made.error().message;
  };
  EXPECT_THAT(refused({"metrics", "a", "", ""}), HasSubstr("signal"));
  EXPECT_THAT(refused({"traces", "", "", ""}), HasSubstr("name"));
  EXPECT_THAT(refused({"traces", " a", "", ""}), HasSubstr("name"));
  EXPECT_THAT(refused({"traces", "a\nb", "", ""}), HasSubstr("name"));
  EXPECT_THAT(refused({"traces", std::string(kViewNameBytesMax + 1, 'a'), "", ""}), HasSubstr("name"));
  EXPECT_THAT(refused({"traces", "a", "{ status == error }", ""}), HasSubstr("query"));
  EXPECT_THAT(refused({"logs", "a", "{ duration > 1s }", ""}), HasSubstr("query"));
  EXPECT_THAT(refused({"traces", "a", "", std::string(kViewPageBytesMax + 1, 'a')}), HasSubstr("page"));
  EXPECT_THAT(Names(), ElementsAre());
}

TEST_F(SavedViewsTest, ThereAreOnlySoMany) {
  ASSERT_TRUE(database_->Transaction([](Session& session) -> Result<void> {
    for (size_t i = 1; i < kViewsMax; ++i) {
      SIGHTLINE_TRY(
          session.Run("INSERT INTO saved_views VALUES (?1, 'traces', ?1, '', '', 1, 0, 0)", {static_cast<int64_t>(i)}));
    }
    return {};
  }));
  MustCreate("the last");
  EXPECT_EQ(views_->Create({"traces", "one more", "", ""}).error().code, Code::kResourceExhausted);
}

TEST_F(SavedViewsTest, AFailedTransactionLeavesNothing) {
  const auto done = database_->Transaction([](Session& session) -> Result<void> {
    SIGHTLINE_TRY(session.Run("INSERT INTO saved_views VALUES (1, 'traces', 'half', '', '', 1, 0, 0)", {}));
    return Fail(Code::kInternal, "stop");
  });
  EXPECT_FALSE(done);
  EXPECT_THAT(Names(), ElementsAre());
  MustCreate("whole");
}

TEST_F(SavedViewsTest, AFileOfANewerVersionIsRefusedAndKept) {
  MustCreate("kept");
  Close();
  const int version = UserVersion();
  Execute("PRAGMA user_version = 99");
  const auto opened = Database::Open(path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(opened.error().message, HasSubstr("99"));
  Execute(fmt::format("PRAGMA user_version = {}", version));
  Open();
  EXPECT_THAT(Names(), ElementsAre("kept"));
}

TEST_F(SavedViewsTest, AFileThatIsNoneOfOursIsRefused) {
  Close();
  std::filesystem::remove(path());
  Execute("CREATE TABLE other (x)");
  EXPECT_EQ(Database::Open(path()).error().code, Code::kFailedPrecondition);
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(path() + ending);
  std::ofstream(path()) << std::string(8192, 'x');
  EXPECT_EQ(Database::Open(path()).error().code, Code::kDataLoss);
  std::filesystem::remove(path());
  Open();
}

TEST_F(SavedViewsTest, ABackupCanBeTakenMeanwhile) {
  MustCreate("before");
  sqlite3 *from = nullptr, *to = nullptr;
  const std::string copy = directory_ + "/copy.sqlite";
  ASSERT_EQ(sqlite3_open(path().c_str(), &from), SQLITE_OK);
  ASSERT_EQ(sqlite3_open(copy.c_str(), &to), SQLITE_OK);
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  ASSERT_NE(backup, nullptr);
  EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
  MustCreate("meanwhile");
  sqlite3_backup_finish(backup);
  sqlite3_close(from);
  sqlite3_close(to);
  auto opened = Database::Open(copy);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(SavedViews(**opened).List()->size(), 1u);
}

}  // namespace
}  // namespace sightline::state
