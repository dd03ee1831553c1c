// What is particular to libchdb in this process. What both adapters do is in contract_test.cc.
#include "store/embedded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "store/testing/stores.h"

namespace sightline::store {
namespace {

using ::testing::HasSubstr;
using testing::TempDirectory;

#ifndef SIGHTLINE_SANITIZED

TEST(Embedded, DirectoryInUseByAnotherProgramIsRefused) {
  const TempDirectory directory;
  testing::ChildServer server(directory.path());
  ASSERT_NE(server.address(), "") << server.errors();
  auto second = OpenEmbedded({.data_directory = directory.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(second.error().message, HasSubstr(directory.path()));
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_TRUE(OpenEmbedded({.data_directory = directory.path()}));
}

TEST(Embedded, SecondDirectoryInTheSameProcessIsRefusedUntilTheFirstIsClosed) {
  const TempDirectory one, two;
  auto first = OpenEmbedded({.data_directory = one.path()});
  ASSERT_TRUE(first) << first.error().message;
  auto second = OpenEmbedded({.data_directory = two.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  first->reset();
  EXPECT_TRUE(OpenEmbedded({.data_directory = two.path()}));
}

TEST(Embedded, RelativeDirectoryIsRefused) {
  auto store = OpenEmbedded({.data_directory = "data"});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kInvalidArgument);
}

TEST(Embedded, MakesItsDirectoryForItsOwnerOnly) {
  const TempDirectory parent;
  const std::string path = parent.path() + "/a/b";
  ASSERT_TRUE(OpenEmbedded({.data_directory = path}));
  struct stat status = {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST(Embedded, TakesNoSignalFromTheProgram) {
  const TempDirectory directory;
  auto store = OpenEmbedded({.data_directory = directory.path()});
  ASSERT_TRUE(store);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGPIPE), 0) << "children would inherit it";
  struct sigaction action = {};
  sigaction(SIGSEGV, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

TEST(Embedded, FreshPartsAreFastAndSettingsAreOurs) {
  const TempDirectory directory;
  auto store = OpenEmbedded({.data_directory = directory.path(), .server_memory_bytes_max = 1'000'000'000});
  ASSERT_TRUE(store);
  auto rows = (*store)->Rows(
      "SELECT name, value FROM system.server_settings WHERE name IN ('max_server_memory_usage', 'mark_cache_size', "
      "'background_pool_size') ORDER BY name");
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, ::testing::ElementsAre(::testing::ElementsAre("background_pool_size", "2"),
                                            ::testing::ElementsAre("mark_cache_size", "33554432"),
                                            ::testing::ElementsAre("max_server_memory_usage", "1000000000")));
}

// In a process of its own, in which the library is not loaded yet.
TEST(EmbeddedDeathTest, MissingLibraryIsNamedWithThePlacesThatWereTried) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const TempDirectory directory;
  EXPECT_EXIT(
      {
        setenv("SIGHTLINE_LIBCHDB", "/nowhere/libchdb.so", 1);
        auto store = OpenEmbedded({.data_directory = directory.path(), .library = "/not/here.so"});
        if (!store) std::fprintf(stderr, "%s\n", store.error().message.c_str());
        _exit(store ? 0 : 7);
      },
      ::testing::ExitedWithCode(7), "not found(.|\n)*/not/here.so");
}

#endif

}  // namespace
}  // namespace sightline::store
