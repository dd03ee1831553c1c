#include "demo/wikipedia_stand_in/articles.h"

#include <fmt/format.h>

#include <algorithm>

#include "demo/catalog/vocabulary.h"
#include "demo/common/text.h"

namespace demo::wikipedia_stand_in {
namespace {

constexpr int kFirstPageId = 40'000;
constexpr size_t kTitleBytesMax = 255;

std::string Key(std::string_view title) {
  std::string key(title);
  std::ranges::replace(key, ' ', '_');
  if (!key.empty() && key[0] >= 'a' && key[0] <= 'z') key[0] = static_cast<char>(key[0] - 'a' + 'A');
  return key;
}

std::string RedirectKey(std::string_view title) {
  std::string key = NormalizeText(title);
  std::ranges::replace(key, ' ', '_');
  return key;
}

std::string WriteExtract(const catalog::Topic& topic, const catalog::Category& category) {
  const auto& words = topic.words;
  return fmt::format(
      "{} is a subject of {}. It is concerned with {}, and is usually described together with {}. Introductions treat "
      "{} "
      "before {}.",
      topic.name, NormalizeText(category.name), fmt::join(words.begin(), words.end() - 1, ", "), words.back(),
      category.words.front(), words.front());
}

}  // namespace

Articles::Articles() {
  const auto& vocabulary = catalog::TheVocabulary();
  for (const auto& topic : vocabulary.topics) {
    const auto& category = vocabulary.categories[topic.category];
    const size_t index = articles_.size();
    articles_.push_back({.title = topic.name,
                         .key = Key(topic.name),
                         .description = fmt::format("Topic in {}", NormalizeText(category.name)),
                         .extract = WriteExtract(topic, category),
                         .page_id = kFirstPageId + static_cast<int>(index)});
    by_key_.emplace(articles_.back().key, index);
    by_redirect_.emplace(RedirectKey(topic.name), index);
    for (const auto& word : topic.words) by_redirect_.emplace(RedirectKey(word), index);
  }
}

const Article* Articles::Find(std::string_view title) const {
  const auto found = by_key_.find(Key(title));
  return found == by_key_.end() ? nullptr : &articles_[found->second];
}

const Article* Articles::FindRedirect(std::string_view title) const {
  const auto found = by_redirect_.find(RedirectKey(title));
  return found == by_redirect_.end() ? nullptr : &articles_[found->second];
}

bool IsValidTitle(std::string_view title) {
  return !title.empty() && title.size() <= kTitleBytesMax &&
         title.find_first_of("#<>[]|{}\n") == std::string_view::npos;
}

}  // namespace demo::wikipedia_stand_in
