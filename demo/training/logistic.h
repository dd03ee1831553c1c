// Logistic regression, fitted by Newton's method.
#pragma once

#include <span>
#include <vector>

#include "demo/model/model.h"

namespace demo::training {

struct Example {
  model::FeatureVector features;
  bool clicked;
  double weight = 1;  // of its error
};

struct Fit {
  double bias;
  std::vector<model::Weights::Term> terms;  // in the order of `features`
};

// `features`: indexes of those to use. `ridge` holds weights small; the bias is free.
Fit FitLogistic(std::span<const Example> examples, const std::vector<size_t>& features, double ridge);

}  // namespace demo::training
