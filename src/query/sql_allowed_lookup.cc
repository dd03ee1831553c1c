// Lookups in the lists of sql_allowed.cc.
#include <cctype>
#include <string>
#include <unordered_set>
#include <vector>

#include "query/sql_allowed.h"

namespace sightline::query {
namespace {

std::vector<std::string> Words(const char* list) {
  std::vector<std::string> words;
  std::string word;
  for (const char* p = list;; ++p) {
    if (*p != '\0' && std::isspace(static_cast<unsigned char>(*p)) == 0) {
      word += *p;
      continue;
    }
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
    if (*p == '\0') return words;
  }
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

using Names = std::unordered_set<std::string>;

Names Exact(const char* list) {
  auto words = Words(list);
  return {words.begin(), words.end()};
}

Names LowerCase(const char* list) {
  Names names;
  for (const auto& word : Words(list)) names.insert(Lower(word));
  return names;
}

}  // namespace

bool IsAllowedAggregate(std::string_view name) {
  static const Names names = LowerCase(kAggregateFunctions);
  static const std::vector<std::string> combinators = Words(kAggregateCombinators);
  // A name has a handful of combinators at most; each round cuts one.
  for (int rounds = 0; rounds < 8; ++rounds) {
    if (names.contains(Lower(name))) return true;
    bool cut = false;
    for (const auto& combinator : combinators) {
      if (name.size() <= combinator.size() || !name.ends_with(combinator)) continue;
      name.remove_suffix(combinator.size());
      cut = true;
      break;
    }
    if (!cut) return false;
  }
  return false;
}

bool IsAllowedFunction(std::string_view name) {
  static const Names names = LowerCase(kScalarFunctions);
  return names.contains(Lower(name)) || IsAllowedAggregate(name);
}

bool IsAllowedTableFunction(std::string_view name) {
  static const Names names = LowerCase(kTableFunctions);
  return names.contains(Lower(name));
}

bool IsAllowedTable(std::string_view name) {
  static const Names names = Exact(kTables);
  return names.contains(std::string(name));
}

const std::vector<std::string>& AllowedTables() {
  static const std::vector<std::string> tables = Words(kTables);
  return tables;
}

bool IsAllowedFormat(std::string_view name) {
  static const Names names = LowerCase(kFormats);
  return names.contains(Lower(name));
}

}  // namespace sightline::query
