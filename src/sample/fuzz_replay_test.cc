// The fuzzer's seeds, every input that once broke something, and seeded mutations of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "sample/testing/fuzz_body.h"

namespace sightline::sample {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/fuzz/regressions/sample_policies_fuzz")) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::ranges::sort(seeds);
  return seeds;
}

TEST(FuzzReplay, Seeds) {
  int understood = 0;
  for (const std::string& seed : Seeds()) understood += testing::FuzzPolicies(seed);
  EXPECT_GE(understood, 3);
}

TEST(FuzzReplay, MutatedPoliciesAreRefusedOrCompiled) {
  const std::vector<std::string> seeds = Seeds();
  std::mt19937_64 random(20261126);
  int understood = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    const std::string& other = seeds[random() % seeds.size()];
    for (auto changes = random() % 2 + 1; changes > 0; --changes) {
      const size_t at = random() % (text.size() + 1), from = random() % (other.size() + 1);
      text.replace(at, random() % 8, other.substr(from, random() % 16));
      if (random() % 4 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    }
    understood += testing::FuzzPolicies(text);
  }
  EXPECT_GT(understood, 20);
}

}  // namespace
}  // namespace sightline::sample
