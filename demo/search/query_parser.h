// What a person typed -> the words to search for, and what the person probably wants.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace demo::search {

struct ParsedQuery {
  std::string original;
  std::string normalized;
  std::vector<std::string> tokens;  // without stopwords, unless there is nothing else
  size_t raw_token_count = 0;
  size_t stopwords_removed = 0;
  bool fallback_to_raw_tokens = false;  // it has only stopwords, so they are what is searched for
  std::string_view intent;              // one of kIntents
};

// "discovery": the name of a thing; "search": a longer description; "question": begins with how, what, why ...;
// "comparison": one thing against another.
inline constexpr std::string_view kIntents[] = {"discovery", "search", "question", "comparison"};

ParsedQuery ParseQuery(std::string_view text);

// "neural,networks", as attributes of telemetry have it.
std::string JoinTokens(const std::vector<std::string>& tokens);

}  // namespace demo::search
