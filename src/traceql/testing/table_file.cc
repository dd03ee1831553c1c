#include "traceql/testing/table_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <vector>

namespace sightline::traceql::testing {
namespace {

struct Case {
  size_t line = 0;
  std::string comments, input, expected;  // lines with their ends
};

std::vector<Case> ReadCases(std::istream& file) {
  std::vector<Case> cases;
  Case current;
  bool in_input = true;
  size_t number = 0;
  auto finish = [&] {
    if (!current.comments.empty() || !current.input.empty()) cases.push_back(current);
    current = Case{};
    in_input = true;
  };
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() && !in_input) {
      finish();
    } else if (line.empty() && current.input.empty()) {
      finish();  // a comment of its own
    } else if (in_input && line == "----") {
      in_input = false;
    } else if (in_input && current.input.empty() && line.starts_with("# ")) {
      current.comments += line + "\n";
    } else {
      if (current.line == 0) current.line = number;
      (in_input ? current.input : current.expected) += line + "\n";
    }
  }
  finish();
  return cases;
}

std::string WithoutEnd(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

void RunTableFile(const std::string& file, const std::function<std::string(const std::string&)>& run) {
  const std::string path = SIGHTLINE_SOURCE_DIR "/src/" + file;
  std::ifstream stream(path);
  const std::vector<Case> cases = ReadCases(stream);
  EXPECT_FALSE(cases.empty()) << path;
  std::string written;
  for (const Case& each : cases) {
    written += (written.empty() ? "" : "\n") + each.comments;
    if (each.input.empty()) continue;
    const std::string output = run(WithoutEnd(each.input)) + "\n";
    written += each.input + "----\n" + output;
    if (std::getenv("SIGHTLINE_UPDATE_TESTDATA") == nullptr) {
      EXPECT_EQ(output, each.expected) << path << ":" << each.line << "\n" << each.input;
    }
  }
  if (std::getenv("SIGHTLINE_UPDATE_TESTDATA") != nullptr) std::ofstream(path) << written;
}

}  // namespace sightline::traceql::testing
