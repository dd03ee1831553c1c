#include "demo/training/logistic.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace demo::training {
namespace {

constexpr int kIterations = 20;
constexpr double kStepMin = 1e-9;  // further steps would change nothing

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

std::vector<model::Weights::Term> Standardize(std::span<const Example> examples, const std::vector<size_t>& features) {
  std::vector<model::Weights::Term> terms;
  const auto count = static_cast<double>(examples.size());
  for (const size_t feature : features) {
    double sum = 0, square = 0;
    for (const auto& example : examples) sum += example.features[feature];
    const double mean = sum / count;
    for (const auto& example : examples) square += std::pow(example.features[feature] - mean, 2);
    const double deviation = std::sqrt(square / count);
    terms.push_back({feature, mean, deviation > 0 ? deviation : 1.0, 0.0});
  }
  return terms;
}

// Solves a * x = b by Gauss with pivots; a is symmetric and, with a ridge, never singular.
Vector Solve(Matrix a, Vector b) {
  const size_t size = b.size();
  for (size_t column = 0; column < size; ++column) {
    size_t pivot = column;
    for (size_t row = column + 1; row < size; ++row) {
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    }
    std::swap(a[column], a[pivot]);
    std::swap(b[column], b[pivot]);
    for (size_t row = column + 1; row < size; ++row) {
      const double factor = a[row][column] / a[column][column];
      for (size_t i = column; i < size; ++i) a[row][i] -= factor * a[column][i];
      b[row] -= factor * b[column];
    }
  }
  for (size_t row = size; row-- > 0;) {
    for (size_t i = row + 1; i < size; ++i) b[row] -= a[row][i] * b[i];
    b[row] /= a[row][row];
  }
  return b;
}

// The first and second derivatives of the loss; the bias is the last weight.
std::pair<Vector, Matrix> Derivatives(const Matrix& inputs, std::span<const Example> examples, const Vector& weights,
                                      double ridge) {
  const size_t size = weights.size();
  Vector first(size);
  Matrix second(size, Vector(size));
  for (size_t e = 0; e < inputs.size(); ++e) {
    const Vector& input = inputs[e];
    double raw = 0;
    for (size_t i = 0; i < size; ++i) raw += weights[i] * input[i];
    const double score = 1.0 / (1.0 + std::exp(-raw));
    const double error = examples[e].weight * (score - (examples[e].clicked ? 1.0 : 0.0));
    const double curvature = examples[e].weight * score * (1.0 - score);
    for (size_t i = 0; i < size; ++i) {
      first[i] += error * input[i];
      for (size_t j = 0; j < size; ++j) second[i][j] += curvature * input[i] * input[j];
    }
  }
  for (size_t i = 0; i + 1 < size; ++i) {
    first[i] += ridge * weights[i];
    second[i][i] += ridge;
  }
  return {std::move(first), std::move(second)};
}

}  // namespace

Fit FitLogistic(std::span<const Example> examples, const std::vector<size_t>& features, double ridge) {
  Fit fit{.bias = 0, .terms = Standardize(examples, features)};
  Matrix inputs;
  for (const auto& example : examples) {
    Vector input;
    for (const auto& term : fit.terms) input.push_back((example.features[term.feature] - term.mean) / term.deviation);
    input.push_back(1.0);
    inputs.push_back(std::move(input));
  }
  Vector weights(features.size() + 1);
  for (int i = 0; i < kIterations; ++i) {
    auto [first, second] = Derivatives(inputs, examples, weights, ridge);
    const Vector step = Solve(std::move(second), std::move(first));
    double largest = 0;
    for (size_t w = 0; w < weights.size(); ++w) {
      weights[w] -= step[w];
      largest = std::max(largest, std::abs(step[w]));
    }
    if (largest < kStepMin) break;
  }
  for (size_t t = 0; t < fit.terms.size(); ++t) fit.terms[t].weight = weights[t];
  fit.bias = weights.back();
  return fit;
}

}  // namespace demo::training
