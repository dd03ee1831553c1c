// One version of the model: text embeddings, and a logistic regression over features. Immutable after it was read.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "demo/common/error.h"
#include "demo/model/features.h"

namespace demo::model {

struct Prediction {
  double score;       // 0 to 1: how probable a click is where the result is looked at
  double confidence;  // 0 to 1: how far the score is from undecided
  double raw_score;   // before the sigmoid
};

// What a weights file holds (demo/training/README.md describes the format).
struct Weights {
  struct Term {
    size_t feature;                  // an index into kFeatureNames
    double mean, deviation, weight;  // of the feature in the training data; of (value - mean) / deviation
  };
  std::string version;
  double bias = 0;
  std::vector<Term> terms;
  size_t dimensions = 0;
  std::vector<std::vector<int>> embedding;  // by bucket; empty where no word of the training texts fell into it
};

Result<Weights> ParseWeights(std::string_view text);
std::string FormatWeights(const Weights& weights);

class Model {
 public:
  static constexpr std::string_view kName = "search-relevance";

  explicit Model(Weights weights);

  const std::string& version() const { return weights_.version; }
  const std::vector<Weights::Term>& terms() const { return weights_.terms; }
  // Of length 1, or 0 where it knows none of the words.
  std::vector<float> Embed(std::span<const uint32_t> stems) const;
  Prediction Predict(const FeatureVector& features) const;

 private:
  const Weights weights_;
};

// The versions in the program: stable ones and the canary, and who gets which.
class Models {
 public:
  static Result<Models> Load();  // v1, stable, and v2, the canary

  const Model& stable() const { return *stable_; }
  const Model& canary() const { return *canary_; }
  // By a hash of the user's id, so that a user always gets the same; `canary_share` of the users the canary.
  const Model& ForUser(std::string_view user_id, double canary_share) const;

 private:
  Models(std::unique_ptr<Model> stable, std::unique_ptr<Model> canary)
      : stable_(std::move(stable)), canary_(std::move(canary)) {}
  std::unique_ptr<Model> stable_;
  std::unique_ptr<Model> canary_;
};

}  // namespace demo::model
