#include "demo/recommender/prediction_log.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "demo/common/random.h"

namespace demo::recommender {

std::vector<std::string> PredictionLog::Add(std::vector<LoggedPrediction> predictions) {
  std::vector<std::string> ids;
  ids.reserve(predictions.size());
  const std::lock_guard lock(mutex_);
  for (auto& prediction : predictions) {
    const size_t place = added_ % ring_.size();
    const uint64_t id = Mix(seed_ + ++added_);  // Mix maps different numbers to different ones
    by_id_.erase(ring_[place].id);
    ring_[place] = {id, std::move(prediction)};
    by_id_[id] = place;
    ids.push_back(fmt::format("{:016x}", id));
  }
  return ids;
}

std::optional<LoggedPrediction> PredictionLog::Find(std::string_view id) const {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number, 16);
  if (error != std::errc() || end != id.data() + id.size()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(number);
  if (found == by_id_.end()) return std::nullopt;
  return ring_[found->second].prediction;
}

}  // namespace demo::recommender
