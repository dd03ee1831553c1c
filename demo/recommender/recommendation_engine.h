// Asks the model about each candidate.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "demo/model/feature_store.h"
#include "demo/model/model.h"
#include "demo/recommender/chaos.h"
#include "demo/search/query_parser.h"
#include "demo/search/search_index.h"

namespace demo::recommender {

struct Recommendation {
  std::string_view model_version;
  std::vector<std::optional<model::Prediction>> predictions;  // one a candidate; nothing where it failed
  size_t successful = 0;
  size_t failed = 0;
};

// Thread: one at a time; models and chaos are shared and must outlive it.
class RecommendationEngine {
 public:
  RecommendationEngine(const model::Models& models, model::FeatureReader reader, Chaos& chaos)
      : models_(models), reader_(std::move(reader)), chaos_(chaos) {}

  // Makes the span recommendation_engine, and model.predict for each candidate.
  Recommendation Recommend(const search::ParsedQuery& query, std::string_view user_id,
                           std::span<const search::Candidate> candidates);

 private:
  // Of one candidate, while its span is the current one.
  Result<model::Prediction> Predict(const model::Model& model, const model::QueryFeatures& query,
                                    const Result<model::DocumentFeatures>& document, const ChaosConfig& chaos);
  // Of each candidate, or why not.
  std::vector<Result<model::DocumentFeatures>> ReadFeatures(std::span<const search::Candidate> candidates,
                                                            std::string_view model_version);

  const model::Models& models_;
  model::FeatureReader reader_;
  Chaos& chaos_;
};

}  // namespace demo::recommender
