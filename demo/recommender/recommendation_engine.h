// Asks the model about each candidate.
#pragma once

#include <otel/metrics.h>

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
  RecommendationEngine(const model::Models& models, model::FeatureReader reader, Chaos& chaos);

  // Makes the span recommendation_engine, and model.predict for each candidate.
  Recommendation Recommend(const search::ParsedQuery& query, std::string_view user_id,
                           std::span<const search::Candidate> candidates);

 private:
  struct Candidate {
    const search::Candidate& document;
    const Result<model::DocumentFeatures>& features;
    size_t rank, count;
  };
  // What is measured of predictions, by model.
  struct Measures {
    explicit Measures(const model::Model& model);
    otel::BoundRecorder<double> inference_duration, scores;
  };

  Result<model::Prediction> Predict(const model::Model& model, const model::FeatureVector& features,
                                    const ChaosConfig& chaos);
  // Predicts, and says all about it on the current span.
  std::optional<model::Prediction> TellOfPrediction(const model::Model& model, const model::QueryFeatures& query,
                                                    const Candidate& candidate, const ChaosConfig& chaos);
  // Of each candidate, or why not.
  std::vector<Result<model::DocumentFeatures>> ReadFeatures(std::span<const search::Candidate> candidates,
                                                            std::string_view model_version);

  const model::Models& models_;
  model::FeatureReader reader_;
  Chaos& chaos_;
  const Measures stable_measures_, canary_measures_;
};

}  // namespace demo::recommender
