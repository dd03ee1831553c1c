#include "demo/model/model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "demo/common/random.h"

namespace demo::embedded {
std::string_view StableWeights();
std::string_view CanaryWeights();
}  // namespace demo::embedded

namespace demo::model {

Model::Model(Weights weights) : weights_(std::move(weights)) {}

std::vector<float> Model::Embed(std::span<const uint32_t> stems) const {
  std::vector<float> sum(weights_.dimensions);
  for (const uint32_t stem : stems) {
    const auto& row = weights_.embedding[stem % weights_.embedding.size()];
    for (size_t i = 0; i < row.size(); ++i) sum[i] += static_cast<float>(row[i]);
  }
  float square = 0;
  for (const float x : sum) square += x * x;
  if (square > 0) {
    const float length = std::sqrt(square);
    for (float& x : sum) x /= length;
  }
  return sum;
}

Prediction Model::Predict(const FeatureVector& features) const {
  double raw = weights_.bias;
  for (const auto& term : weights_.terms) raw += term.weight * (features[term.feature] - term.mean) / term.deviation;
  const double score = 1.0 / (1.0 + std::exp(-raw));
  return {.score = score, .confidence = std::abs(2.0 * score - 1.0), .raw_score = raw};
}

Result<Models> Models::Load() {
  auto stable = ParseWeights(embedded::StableWeights());
  if (!stable) return std::unexpected(stable.error());
  auto canary = ParseWeights(embedded::CanaryWeights());
  if (!canary) return std::unexpected(canary.error());
  return Models(std::make_unique<Model>(*std::move(stable)), std::make_unique<Model>(*std::move(canary)));
}

const Model& Models::ForUser(std::string_view user_id, double canary_share) const {
  const double place = static_cast<double>(HashText(user_id) >> 11) * 0x1p-53;
  return place < canary_share ? *canary_ : *stable_;
}

}  // namespace demo::model
