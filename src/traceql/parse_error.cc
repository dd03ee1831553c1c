#include "traceql/parse_error.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace sightline::traceql {
namespace {

bool BeginsCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// Insertions, deletions, changes and swaps of neighbours that make one of the other, case left aside.
size_t Distance(std::string_view a, std::string_view b) {
  auto same = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  };
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

}  // namespace

ParseError MakeParseError(std::string_view text, size_t offset, std::string message, std::vector<std::string> expected,
                          std::string suggestion) {
  ParseError error;
  error.offset = std::min(offset, text.size());
  for (const char c : text.substr(0, error.offset)) {
    if (c == '\n') {
      ++error.line;
      error.column = 1;
    } else if (BeginsCharacter(c)) {
      ++error.column;
    }
  }
  error.message = std::move(message);
  error.expected = std::move(expected);
  error.suggestion = std::move(suggestion);
  return error;
}

std::string DescribeParseError(std::string_view text, const ParseError& error) {
  std::string lines =
      "line " + std::to_string(error.line) + ", column " + std::to_string(error.column) + ": " + error.message;
  const size_t begin = error.offset == 0 ? 0 : text.rfind('\n', error.offset - 1) + 1;
  lines += "\n" + std::string(text.substr(begin, text.find('\n', begin) - begin));
  lines += "\n" + std::string(error.column - 1, ' ') + "^";
  for (size_t i = 0; i < error.expected.size(); ++i) lines += (i == 0 ? "\nexpected " : ", ") + error.expected[i];
  if (!error.suggestion.empty()) lines += "\ndid you mean `" + error.suggestion + "`?";
  return lines;
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr size_t kWordMax = 64;
  if (word.empty() || word.size() > kWordMax) return "";
  std::string_view nearest;
  size_t least = word.size() / 3 + 1;  // above it, it is another word
  for (const std::string_view candidate : candidates) {
    const size_t distance = Distance(word, candidate);
    if (distance < least || (distance == least && nearest.empty() && distance < candidate.size())) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace sightline::traceql
