// What Wikipedia said, by topic.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "demo/model/features.h"

namespace demo::recommender {

// An article about what is searched for. Immutable.
struct Article {
  std::string title;
  std::string type;     // "standard", "disambiguation"
  std::string extract;  // its first sentences
  model::StemHashes stems;
};

// Keeps the most recently used topics for a while, those without an article (nullptr) too.
// Thread: any.
class SignalCache {
 public:
  using Clock = std::chrono::steady_clock;

  SignalCache(size_t topics_max, Clock::duration keep) : topics_max_(topics_max), keep_(keep) {}

  // Nothing: it is not known, or not any more.
  std::optional<std::shared_ptr<const Article>> Find(const std::string& topic, Clock::time_point now);
  void Put(const std::string& topic, std::shared_ptr<const Article> article, Clock::time_point now);

 private:
  struct Entry {
    std::string topic;
    std::shared_ptr<const Article> article;
    Clock::time_point until;
  };

  const size_t topics_max_;
  const Clock::duration keep_;
  std::mutex mutex_;
  std::list<Entry> entries_;                                              // the last used first; guarded by mutex_
  std::unordered_map<std::string, std::list<Entry>::iterator> by_topic_;  // guarded by mutex_
};

}  // namespace demo::recommender
