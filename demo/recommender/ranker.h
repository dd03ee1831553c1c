// Puts together what index, model and Wikipedia say.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "demo/model/model.h"
#include "demo/recommender/wikipedia_client.h"
#include "demo/search/search_index.h"

namespace demo::recommender {

inline constexpr double kSearchWeight = 0.5;
inline constexpr double kRecommendationWeight = 0.3;
inline constexpr double kExternalWeight = 0.2;

struct RankedDocument {
  search::Candidate document;
  std::optional<model::Prediction> prediction;
  double external_score = 0;
  double final_score = 0;
};

// The best first. What is missing counts nothing: documents without prediction and searches without signal are ranked
// by the rest. `predictions` has one for each candidate, or none at all. Makes the span ranker.rank.
std::vector<RankedDocument> Rank(std::vector<search::Candidate> candidates,
                                 std::span<const std::optional<model::Prediction>> predictions,
                                 const std::optional<Signal>& signal);

}  // namespace demo::recommender
