#include "demo/catalog/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "demo/catalog/vocabulary.h"
#include "demo/common/random.h"

namespace demo::catalog {
namespace {

constexpr int64_t kAgeDaysMax = 2000;

// {0} the topic, {1} {2} words of the topic, {3} of its category, {4} of the aspect.
constexpr auto kSentences = std::to_array<std::string_view>({
    "{0} begins with {1} and {2}.",
    "Whoever works with {1} soon meets {2}, and the {3} decides which matters more.",
    "There is no {3} without {1}.",
    "This part is about {4} and shows {1} beside {2}.",
    "Good {2} makes {1} easier.",
    "Most of what is said about {1} holds for any {3}.",
    "Its {4} are told by way of {1}.",
    "In the end {0} is a question of {2} and {3}.",
    "An example follows {1} from the first {3} to the last.",
    "People who know {2} tend to forget about {1}.",
});

std::string Capitalized(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string WriteText(const Topic& topic, const Category& category, const Aspect& aspect, Random& random) {
  constexpr size_t kSentencesMin = 4, kSentencesMore = 5;
  std::string text;
  const size_t sentences = kSentencesMin + random.Below(kSentencesMore);
  for (size_t i = 0; i < sentences; ++i) {
    const size_t first = random.Below(topic.words.size());
    const size_t second = (first + 1 + random.Below(topic.words.size() - 1)) % topic.words.size();
    // One draw a statement: arguments of a call are evaluated in any order.
    const auto form = random.Pick(kSentences);
    const auto& common = random.Pick(category.words);
    const auto about = random.Pick(aspect.words);
    const std::string sentence =
        fmt::format(fmt::runtime(form), topic.name, topic.words[first], topic.words[second], common, about);
    text += (text.empty() ? "" : " ") + Capitalized(sentence);
  }
  return text;
}

// Another topic of the category, which is not what the document is about.
const Topic& Neighbour(size_t topic, Random& random) {
  const auto& topics = TheVocabulary().topics;
  for (;;) {
    const Topic& other = random.Pick(topics);
    if (other.category == topics[topic].category && &other != &topics[topic]) return other;
  }
}

std::string Prefix(const std::string& category) {
  std::string prefix = category.substr(0, 3);
  std::ranges::transform(prefix, prefix.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  return prefix;
}

}  // namespace

std::vector<Document> GenerateDocuments(uint64_t seed) {
  const Vocabulary& vocabulary = TheVocabulary();
  Random random(seed);
  std::vector<Document> documents;
  std::vector<int> numbers(vocabulary.categories.size());
  for (size_t t = 0; t < vocabulary.topics.size(); ++t) {
    const Topic& topic = vocabulary.topics[t];
    const Category& category = vocabulary.categories[topic.category];
    for (size_t a = 0; a < kAspects.size(); ++a) {
      std::string text = WriteText(topic, category, kAspects[a], random);
      const Topic& neighbour = Neighbour(t, random);
      text += fmt::format(" See also {} and {}.", neighbour.name, Neighbour(t, random).name);
      const double quality = random.Uniform();
      const double popularity = std::clamp(quality + 0.2 * random.Normal(), 0.0, 1.0);
      documents.push_back({.id = fmt::format("{}{:03}", Prefix(category.name), ++numbers[topic.category]),
                           .title = fmt::format(fmt::runtime(kAspects[a].title), topic.name),
                           .text = text,
                           .topic = t,
                           .aspect = a,
                           .quality = quality,
                           .popularity = std::round(popularity * 1000) / 1000,
                           .age_days = static_cast<int64_t>(random.Below(kAgeDaysMax))});
    }
  }
  return documents;
}

const std::string& CategoryOf(const Document& document) {
  const Vocabulary& vocabulary = TheVocabulary();
  return vocabulary.categories[vocabulary.topics[document.topic].category].name;
}

}  // namespace demo::catalog
