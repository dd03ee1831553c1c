#include "demo/search/query_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "demo/common/text.h"

namespace demo::search {
namespace {

constexpr size_t kDiscoveryTokensMax = 2;

std::string_view Intent(const std::vector<std::string>& words, size_t tokens) {
  constexpr auto kQuestions = std::to_array<std::string_view>({"how", "what", "why", "when", "where", "which", "who"});
  const auto is_versus = [](const std::string& word) { return word == "vs" || word == "versus"; };
  if (std::ranges::any_of(words, is_versus)) return "comparison";
  if (!words.empty() && std::ranges::find(kQuestions, words[0]) != kQuestions.end()) return "question";
  return tokens <= kDiscoveryTokensMax ? "discovery" : "search";
}

}  // namespace

ParsedQuery ParseQuery(std::string_view text) {
  ParsedQuery query{.original = std::string(text), .normalized = NormalizeText(text)};
  auto words = Words(query.normalized);
  query.raw_token_count = words.size();
  for (const auto& word : words) {
    if (!IsStopword(word) && word != "vs" && word != "versus") query.tokens.push_back(word);
  }
  query.stopwords_removed = words.size() - query.tokens.size();
  query.intent = Intent(words, query.tokens.size());
  if (query.tokens.empty() && !words.empty()) {
    query.fallback_to_raw_tokens = true;
    query.stopwords_removed = 0;
    query.tokens = std::move(words);
  }
  return query;
}

std::string JoinTokens(const std::vector<std::string>& tokens) {
  return fmt::format("{}", fmt::join(tokens, ","));
}

}  // namespace demo::search
