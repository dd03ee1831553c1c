#include "demo/recommender/signal_cache.h"

#include <utility>

namespace demo::recommender {

std::optional<std::shared_ptr<const Article>> SignalCache::Find(const std::string& topic, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto found = by_topic_.find(topic);
  if (found == by_topic_.end()) return std::nullopt;
  if (found->second->until <= now) {
    entries_.erase(found->second);
    by_topic_.erase(found);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->article;
}

void SignalCache::Put(const std::string& topic, std::shared_ptr<const Article> article, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_topic_.find(topic); found != by_topic_.end()) {
    entries_.erase(found->second);
    by_topic_.erase(found);
  }
  entries_.push_front({topic, std::move(article), now + keep_});
  by_topic_[topic] = entries_.begin();
  if (entries_.size() > topics_max_) {
    by_topic_.erase(entries_.back().topic);
    entries_.pop_back();
  }
}

}  // namespace demo::recommender
