// Makes the weights of a model version from generated clicks, and measures how well a model orders results.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "demo/common/error.h"
#include "demo/model/model.h"

namespace demo::training {

// How a version is made. The same recipe gives the same weights.
struct Recipe {
  std::string version;
  std::vector<std::string> features;
  size_t dimensions;
  // Clicks are weighted by how rarely a result at their place is looked at, so that the model learns what is relevant
  // and not what stood above.
  bool corrects_for_position;
  // The texts that embeddings are made from are an export of the catalogue from before this category was added: a
  // mistake that nobody noticed, as the other categories all gain.
  std::optional<std::string> category_missing_in_texts;
  uint64_t seed;
};
Recipe RecipeV1();
Recipe RecipeV2();

Result<model::Weights> Train(const Recipe& recipe);

// How good the order is that a model gives to the candidates of queries it was not trained on: NDCG@10 by true
// relevance, a mean over `queries` of each category, in the order of the vocabulary's categories. 1 is the best
// possible order.
Result<std::vector<double>> Evaluate(const model::Model& model, size_t queries, uint64_t seed);

}  // namespace demo::training
