// The fuzzer's seeds, every input that once broke something, and seeded mutations of the queries in testdata.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "traceql/testing/fuzz_body.h"

namespace sightline::traceql {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(FuzzReplay, Regressions) {
  int inputs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/fuzz/regressions/traceql_parse_fuzz")) {
    SCOPED_TRACE(entry.path().filename());
    testing::FuzzParse(ReadFile(entry.path()));
    ++inputs;
  }
  EXPECT_GT(inputs, 5);
}

// Every line of the tables, of which most are queries.
std::vector<std::string> Seeds() {
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/src/traceql/testdata")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  std::ranges::sort(lines);
  return lines;
}

TEST(FuzzReplay, MutatedQueriesAreRefusedOrPrinted) {
  const std::vector<std::string> seeds = Seeds();
  ASSERT_GT(seeds.size(), 300u);
  std::mt19937_64 random(20261126);
  int understood = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    // A piece of another query in place of a piece of this one.
    const std::string& other = seeds[random() % seeds.size()];
    const size_t at = random() % (text.size() + 1), from = random() % (other.size() + 1);
    text.replace(at, random() % 6, other.substr(from, random() % 12));
    if (random() % 4 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    understood += testing::FuzzParse(text);
  }
  EXPECT_GT(understood, 500);
}

}  // namespace
}  // namespace sightline::traceql
