#include "demo/behaviour/population.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "demo/catalog/vocabulary.h"
#include "demo/common/text.h"

namespace demo::behaviour {
namespace {

using catalog::TheVocabulary;

constexpr size_t kFavouriteTopics = 4;
constexpr double kFavouriteShare = 0.5;
constexpr double kComparisonShare = 0.05;
constexpr double kNonsenseShare = 0.02;

size_t PickTopic(size_t category, Random& random) {
  const auto& topics = TheVocabulary().topics;
  const size_t each = topics.size() / TheVocabulary().categories.size();
  size_t topic = category * each + random.Below(each);
  while (topics[topic].category < category) ++topic;  // categories need not have the same number
  while (topics[topic].category > category) --topic;
  return topic;
}

// The name, or some of the words that stand in its documents.
std::string TopicWords(size_t topic, Random& random) {
  const catalog::Topic& known = TheVocabulary().topics[topic];
  std::string name = NormalizeText(known.name);
  switch (random.Below(5)) {
    case 0:
      return random.Pick(known.words) + " " + name;
    case 1: {
      const std::string& first = random.Pick(known.words);  // before the other: operands are evaluated in any order
      return first + " " + random.Pick(known.words);
    }
    case 2:
      return Words(name).front() + " " + random.Pick(known.words);
    default:
      return name;
  }
}

std::string Sentence(const std::string& topic, const catalog::Aspect& aspect, Random& random) {
  if (aspect.name == "introduction") {
    return random.Chance(0.5) ? fmt::format("what are the basics of {}", topic)
                              : fmt::format("{} explained for beginners", topic);
  }
  if (aspect.name == "practice") {
    return random.Chance(0.5) ? fmt::format("how to use {} in practice", topic)
                              : fmt::format("step by step guide to {}", topic);
  }
  if (aspect.name == "history") {
    return random.Chance(0.5) ? fmt::format("where does {} come from history", topic)
                              : fmt::format("origins and evolution of {}", topic);
  }
  return random.Chance(0.5) ? fmt::format("how to avoid mistakes in {}", topic)
                            : fmt::format("{} problems troubleshooting", topic);
}

}  // namespace

std::vector<User> MakeUsers(uint64_t seed, size_t count) {
  Random random(seed);
  std::vector<User> users;
  users.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    User user{.id = fmt::format("user_{:04}", i), .activity = random.LogNormal(1.0, 1.0)};
    // Few categories that interest a lot, some a little.
    for (size_t c = 0; c < TheVocabulary().categories.size(); ++c) {
      user.category_interest.push_back(random.LogNormal(1.0, 1.2));
    }
    for (size_t f = 0; f < kFavouriteTopics; ++f) {
      user.favourite_topics.push_back(PickTopic(random.Weighted(user.category_interest), random));
    }
    user.question_share = 0.6 * random.Uniform();
    users.push_back(std::move(user));
  }
  return users;
}

Query MakeQuery(const User& user, Random& random, std::optional<size_t> category) {
  Need need{};
  if (category) {
    need.topic = PickTopic(*category, random);
  } else if (random.Chance(kFavouriteShare)) {
    need.topic = random.Pick(user.favourite_topics);
  } else {
    need.topic = PickTopic(random.Weighted(user.category_interest), random);
  }
  const std::string words = TopicWords(need.topic, random);
  if (random.Chance(kNonsenseShare)) return {fmt::format("qwx{}", random.Below(1000)), need};
  if (random.Chance(kComparisonShare)) {
    need.other_topic = PickTopic(TheVocabulary().topics[need.topic].category, random);
    return {fmt::format("{} vs {}", words, NormalizeText(TheVocabulary().topics[*need.other_topic].name)), need};
  }
  if (random.Chance(user.question_share)) {
    need.aspect = random.Below(catalog::kAspects.size());
    return {Sentence(words, catalog::kAspects[*need.aspect], random), need};
  }
  return {words, need};
}

double Relevance(const Need& need, const catalog::Document& document) {
  const auto& topics = TheVocabulary().topics;
  double topic = 0.01;
  if (document.topic == need.topic || document.topic == need.other_topic) {
    topic = 1.0;
  } else if (topics[document.topic].category == topics[need.topic].category) {
    topic = 0.12;
  }
  const double aspect = !need.aspect ? 0.8 : document.aspect == *need.aspect ? 1.0 : 0.4;
  return topic * aspect * (0.3 + 0.7 * document.quality);
}

double Attention(size_t place) {
  return 1.0 / (1.0 + 0.4 * static_cast<double>(place));
}

bool Clicks(const Need& need, const catalog::Document& document, size_t place, Random& random) {
  return random.Chance(Attention(place) * Relevance(need, document));
}

}  // namespace demo::behaviour
