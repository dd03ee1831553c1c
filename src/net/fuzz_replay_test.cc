// The fuzzer's seeds, and every input that once broke something.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "net/testing/fuzz_body.h"

namespace sightline::net {
namespace {

TEST(FuzzReplay, Regressions) {
  int inputs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/fuzz/regressions/net_compression_fuzz")) {
    SCOPED_TRACE(entry.path().filename());
    std::ifstream file(entry.path(), std::ios::binary);
    testing::FuzzCompression(std::string(std::istreambuf_iterator<char>(file), {}));
    ++inputs;
  }
  EXPECT_GT(inputs, 10);
}

}  // namespace
}  // namespace sightline::net
