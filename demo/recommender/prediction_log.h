// The predictions of the last while, so that feedback finds the one it is about.
#pragma once

#include <otel/span_context.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace demo::recommender {

struct LoggedPrediction {
  std::string query;
  std::string user_id;
  std::string doc_id;
  std::string category;
  std::string model_version;
  size_t rank = 0;  // from 1, in the answer
  std::optional<double> score;
  otel::SpanContext request;  // of the request that it was made for
};

// Thread: any.
class PredictionLog {
 public:
  PredictionLog(size_t predictions_max, uint64_t seed) : ring_(predictions_max), seed_(seed) {}

  // The id of each, under which it can be found until `predictions_max` others have come.
  std::vector<std::string> Add(std::vector<LoggedPrediction> predictions);
  std::optional<LoggedPrediction> Find(std::string_view id) const;

 private:
  struct Entry {
    uint64_t id = 0;
    LoggedPrediction prediction;
  };

  mutable std::mutex mutex_;
  std::vector<Entry> ring_;                     // guarded by mutex_
  std::unordered_map<uint64_t, size_t> by_id_;  // place in ring_; guarded by mutex_
  uint64_t added_ = 0;                          // guarded by mutex_
  const uint64_t seed_;
};

}  // namespace demo::recommender
