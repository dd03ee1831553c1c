// The fuzzer's seeds, and every input that once broke something.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "journal/testing/fuzz_body.h"

namespace sightline::journal {
namespace {

TEST(FuzzReplay, Regressions) {
  int inputs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/fuzz/regressions/journal_journal_fuzz")) {
    SCOPED_TRACE(entry.path().filename());
    std::ifstream file(entry.path(), std::ios::binary);
    testing::FuzzJournal(std::string(std::istreambuf_iterator<char>(file), {}));
    ++inputs;
  }
  EXPECT_GT(inputs, 10);
}

}  // namespace
}  // namespace sightline::journal
