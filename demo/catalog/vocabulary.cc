#include "demo/catalog/vocabulary.h"

#include <string_view>

namespace demo::embedded {
std::string_view VocabularyText();
}

namespace demo::catalog {
namespace {

std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

Vocabulary Parse(std::string_view text) {
  Vocabulary vocabulary;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      const size_t bar = line.find(" | ");
      vocabulary.categories.push_back(
          {std::string(line.substr(1, bar - 1)), SplitWords(line.substr(bar + 3, line.size() - bar - 4))});
    } else {
      const size_t colon = line.find(": ");
      vocabulary.topics.push_back(
          {std::string(line.substr(0, colon)), SplitWords(line.substr(colon + 2)), vocabulary.categories.size() - 1});
    }
  }
  return vocabulary;
}

}  // namespace

const Vocabulary& TheVocabulary() {
  static const auto* const vocabulary = new Vocabulary(Parse(embedded::VocabularyText()));
  return *vocabulary;
}

}  // namespace demo::catalog
