#include "demo/training/lsa.h"

#include <algorithm>
#include <cmath>

#include "demo/common/random.h"

namespace demo::training {
namespace {

constexpr int kIterations = 100;
constexpr double kSteps = 1000;

struct Entry {
  size_t bucket;
  double weight;
};
using Matrix = std::vector<std::vector<double>>;  // rows

std::vector<double> InverseDocumentFrequencies(std::span<const model::StemHashes> texts, size_t buckets) {
  std::vector<double> counts(buckets);
  for (const auto& text : texts) {
    for (const uint32_t stem : text) counts[stem % buckets] += 1;
  }
  for (double& count : counts) count = count > 0 ? std::log(1.0 + static_cast<double>(texts.size()) / count) : 0;
  return counts;
}

// A column a text, of length 1.
std::vector<std::vector<Entry>> Columns(std::span<const model::StemHashes> texts, const std::vector<double>& idf) {
  std::vector<std::vector<Entry>> columns;
  for (const auto& text : texts) {
    std::vector<Entry> column;
    double square = 0;
    for (const uint32_t stem : text) {
      const size_t bucket = stem % idf.size();
      column.push_back({bucket, idf[bucket]});
      square += idf[bucket] * idf[bucket];
    }
    for (Entry& entry : column) entry.weight /= std::sqrt(square);
    columns.push_back(std::move(column));
  }
  return columns;
}

// Gram-Schmidt over the columns.
void Orthonormalize(Matrix& matrix, size_t dimensions) {
  const auto product = [&](size_t a, size_t b) {
    double sum = 0;
    for (const auto& row : matrix) sum += row[a] * row[b];
    return sum;
  };
  for (size_t d = 0; d < dimensions; ++d) {
    for (size_t earlier = 0; earlier < d; ++earlier) {
      const double along = product(d, earlier);
      for (auto& row : matrix) row[d] -= along * row[earlier];
    }
    const double length = std::sqrt(product(d, d));
    for (auto& row : matrix) row[d] /= length;
  }
}

// A * (A^T * x)
Matrix Multiply(const std::vector<std::vector<Entry>>& columns, const Matrix& x, size_t dimensions) {
  Matrix result(x.size(), std::vector<double>(dimensions));
  std::vector<double> along(dimensions);
  for (const auto& column : columns) {
    std::ranges::fill(along, 0.0);
    for (const Entry& entry : column) {
      for (size_t d = 0; d < dimensions; ++d) along[d] += entry.weight * x[entry.bucket][d];
    }
    for (const Entry& entry : column) {
      for (size_t d = 0; d < dimensions; ++d) result[entry.bucket][d] += entry.weight * along[d];
    }
  }
  return result;
}

}  // namespace

std::vector<std::vector<int>> EmbedWords(std::span<const model::StemHashes> texts, size_t buckets, size_t dimensions) {
  const auto idf = InverseDocumentFrequencies(texts, buckets);
  const auto columns = Columns(texts, idf);
  Random random(1);
  Matrix vectors(buckets, std::vector<double>(dimensions));
  for (auto& row : vectors) std::ranges::generate(row, [&] { return random.Normal(); });
  for (int i = 0; i < kIterations; ++i) {
    vectors = Multiply(columns, vectors, dimensions);
    Orthonormalize(vectors, dimensions);
  }
  double largest = 0;
  for (size_t b = 0; b < buckets; ++b) {
    for (double& x : vectors[b]) {
      x *= idf[b];
      largest = std::max(largest, std::abs(x));
    }
  }
  std::vector<std::vector<int>> rows(buckets);
  for (size_t b = 0; b < buckets; ++b) {
    if (idf[b] == 0) continue;
    for (const double x : vectors[b]) rows[b].push_back(static_cast<int>(std::lround(x / largest * kSteps)));
  }
  return rows;
}

}  // namespace demo::training
