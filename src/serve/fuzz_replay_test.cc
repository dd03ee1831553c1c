// The fuzzer's seeds, every input that once broke something, and seeded mutations of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "serve/testing/fuzz_body.h"

namespace sightline::serve {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/fuzz/regressions/serve_params_fuzz")) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::ranges::sort(seeds);
  return seeds;
}

TEST(FuzzReplay, Seeds) {
  int answered = 0;
  for (const std::string& seed : Seeds()) answered += testing::FuzzRequest(seed);
  EXPECT_GE(answered, 6);
}

TEST(FuzzReplay, MutatedRequestsAreAnsweredOrRefusedByName) {
  const std::vector<std::string> seeds = Seeds();
  ASSERT_GT(seeds.size(), 10u);
  std::mt19937_64 random(20261127);
  int answered = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    const std::string& other = seeds[random() % seeds.size()];
    for (auto changes = random() % 3 + 1; changes > 0; --changes) {
      const size_t at = random() % (text.size() + 1), from = random() % (other.size() + 1);
      text.replace(at, random() % 6, other.substr(from, random() % 12));
      if (random() % 4 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    }
    answered += testing::FuzzRequest(text);
  }
  EXPECT_GT(answered, 500);
}

}  // namespace
}  // namespace sightline::serve
