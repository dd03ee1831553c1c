#include "notify/notify_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "notify/silence.h"
#include "notify/store.h"

namespace sightline::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NotifyFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char directory[] = "/tmp/sightline-notify-files-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    std::filesystem::create_directory(directory_ + "/channels");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name, std::ios::binary) << text;
  }
  std::string directory_;
};

constexpr const char* kHook = R"({"schema":1,"name":"Hook","kind":"webhook","url":"http://localhost","secret":"s"})";

TEST_F(NotifyFilesTest, ReadsChannelsAndRoutingAsTheyAreNow) {
  NotifyFiles files(directory_);
  EXPECT_THAT(files.Read().channels, IsEmpty());
  Write("channels/hook.json", kHook);
  Write("channels/notes.txt", "not ours");
  Write("routing.json", R"({"schema":1,"default_channels":["file-hook"]})");
  auto found = files.Read();
  ASSERT_THAT(found.channels, SizeIs(1));
  EXPECT_EQ(found.channels[0].first, "hook");
  EXPECT_EQ(found.channels[0].second.secret, "s");
  EXPECT_EQ(found.routing->default_channels, std::vector<std::string>{"file-hook"});
  Write("channels/hook.json", R"({"schema":1,"name":"Hook","kind":"webhook"})");
  Write("channels/a b.json", kHook);
  std::filesystem::remove(directory_ + "/routing.json");
  found = files.Read();
  EXPECT_THAT(found.channels, IsEmpty());
  EXPECT_FALSE(found.routing);
  ASSERT_THAT(found.broken, SizeIs(2));
  EXPECT_EQ(found.broken[0].file, "a b.json");
  EXPECT_THAT(found.broken[1].error, HasSubstr("url: a channel of kind webhook wants it"));
}

TEST_F(NotifyFilesTest, WhatComesFromFilesCannotBeChangedOtherwise) {
  Write("channels/hook.json", kHook);
  Write("routing.json", R"({"schema":1,"default_channels":["file-hook"]})");
  NotifyFiles files(directory_);
  auto database = state::Database::Open(directory_ + "/state.sqlite");
  ASSERT_TRUE(database) << database.error().message;
  NotifyStore store(**database, files);
  const auto channel = store.FindChannel("file-hook");
  ASSERT_TRUE(channel) << channel.error().message;
  EXPECT_TRUE(channel->is_file);
  EXPECT_EQ(store.UpdateChannel("file-hook", 1, kHook).error().code, Code::kAlreadyExists);
  EXPECT_EQ(store.DeleteChannel("file-hook", 1).error().code, Code::kAlreadyExists);
  EXPECT_EQ(store.SetRouting(1, R"({"schema":1})").error().code, Code::kAlreadyExists);
  std::filesystem::remove(directory_ + "/routing.json");
  EXPECT_TRUE(store.SetRouting(0, R"({"schema":1,"default_channels":["file-hook"]})"));
}

TEST(Silence, IsOnWithinItsTimeAndItsRecurrence) {
  constexpr int64_t kHour = 3'600'000'000'000, kMidnight = 1'782'950'400'000'000'000;  // 2026-07-02 00:00 UTC
  const auto silence = ReadSilence(
      R"({"matchers":[{"label":"a","op":"=","value":"b"}],"starts_unix_nano":"1782950400000000000",)"
      R"("ends_unix_nano":"1783296000000000000","recurrence":{"every":"day","from":"22:00","to":"23:00","timezone":"UTC"}})");
  ASSERT_TRUE(silence) << silence.error().message;
  EXPECT_FALSE(IsActive(*silence, kMidnight - 2 * kHour + 1)) << "before it begins";
  EXPECT_FALSE(IsActive(*silence, kMidnight + 21 * kHour));
  EXPECT_TRUE(IsActive(*silence, kMidnight + 22 * kHour));
  EXPECT_FALSE(IsActive(*silence, kMidnight + 23 * kHour));
  EXPECT_TRUE(IsActive(*silence, kMidnight + (3 * 24 + 22) * kHour));
  EXPECT_FALSE(IsActive(*silence, kMidnight + (4 * 24 + 22) * kHour)) << "after its end";
}

TEST(Silence, SaysWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"matchers":[],"starts_unix_nano":"1","ends_unix_nano":"2"})", "matchers: it is empty"},
      {R"({"matchers":[{"label":"a","op":"=","value":"b"}],"starts_unix_nano":"2","ends_unix_nano":"2"})",
       "ends_unix_nano: it is not after"},
      {R"({"matchers":[{"label":"a","op":"=","value":"b"}],"starts_unix_nano":1,"ends_unix_nano":"2"})",
       "starts_unix_nano: a text is wanted"},
      {R"({"matchers":[{"label":"a","op":"=","value":"b"}],"starts_unix_nano":"1x","ends_unix_nano":"2"})",
       "starts_unix_nano: \"1x\" is no time"},
      {R"({"matchers":[{"label":"a","op":"=","value":"b"}],"starts_unix_nano":"1","ends_unix_nano":"2","recurrence":{"every":"day","from":"1","to":"2","timezone":"UTC"}})",
       "recurrence.from: "},
  };
  for (const auto& [document, problem] : cases) {
    const auto silence = ReadSilence(document);
    ASSERT_FALSE(silence) << document;
    EXPECT_THAT(silence.error().message, HasSubstr(problem));
  }
}

}  // namespace
}  // namespace sightline::notify
