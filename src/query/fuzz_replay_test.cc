// The fuzzer's seeds, every input that once broke something, and seeded mutations of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "query/testing/fuzz_body.h"

namespace sightline::query {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/fuzz/regressions/query_sql_gate_fuzz")) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::ranges::sort(seeds);
  return seeds;
}

TEST(FuzzReplay, Seeds) {
  int served = 0;
  const std::vector<std::string> seeds = Seeds();
  for (const std::string& seed : seeds) served += testing::FuzzSqlGate(seed);
  EXPECT_GE(served, 10);
  EXPECT_LE(served + 10, static_cast<int>(seeds.size()));
}

// Pieces of one text or tree in another, mostly whole lines or words, so that trees stay trees.
TEST(FuzzReplay, NothingUnlistedPassesInMutatedTrees) {
  const std::vector<std::string> seeds = Seeds();
  std::mt19937_64 random(20261127);
  const auto piece = [&random](const std::string& text) {
    const size_t from = random() % text.size();
    const size_t end = text.find_first_of(random() % 2 == 0 ? " \n" : "\n", from);
    return std::pair(from, std::min(end, text.size()) - from);
  };
  int served = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    const std::string& other = seeds[random() % seeds.size()];
    for (auto changes = random() % 2 + 1; changes > 0 && !text.empty(); --changes) {
      const auto [at, size] = piece(text);
      const auto [from, length] = piece(other);
      text.replace(at, size, other.substr(from, length));
      if (random() % 8 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    }
    served += testing::FuzzSqlGate(text);
  }
  EXPECT_GT(served, 200);
}

}  // namespace
}  // namespace sightline::query
