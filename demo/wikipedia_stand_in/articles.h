// What the stand-in for Wikipedia knows: an article for each topic of the vocabulary, and how titles lead to them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace demo::wikipedia_stand_in {

struct Article {
  std::string title;        // "Sourdough bread"
  std::string key;          // "Sourdough_bread", as in URLs
  std::string description;  // "Topic in cooking"
  std::string extract;
  int page_id;
};

// Immutable.
class Articles {
 public:
  Articles();

  // As MediaWiki: the first letter's case and '_' or ' ' make no difference.
  const Article* Find(std::string_view title) const;
  // The article that `title` is another name of: other letters in upper case, or one of the topic's own words.
  const Article* FindRedirect(std::string_view title) const;

 private:
  std::vector<Article> articles_;
  std::unordered_map<std::string, size_t> by_key_;       // "Sourdough_bread"
  std::unordered_map<std::string, size_t> by_redirect_;  // "sourdough_bread", "flour"
};

// Without any of the characters that MediaWiki allows in no title.
bool IsValidTitle(std::string_view title);

}  // namespace demo::wikipedia_stand_in
