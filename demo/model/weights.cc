// Reads and writes weights files.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "demo/model/model.h"

namespace demo::model {
namespace {

constexpr size_t kBucketsMax = 1 << 20;
constexpr size_t kDimensionsMax = 1024;

// The words of one line.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  std::string_view Word() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    const auto word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word;
  }
  template <typename Number>
  std::optional<Number> Parse() {
    const auto word = Word();
    Number number{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return number;
  }

 private:
  std::string_view rest_;
};

bool ParseTerm(Line& line, Weights& weights) {
  const auto* name = std::ranges::find(kFeatureNames, line.Word());
  const auto mean = line.Parse<double>(), deviation = line.Parse<double>(), weight = line.Parse<double>();
  if (name == kFeatureNames.end() || !mean || !deviation || *deviation <= 0 || !weight) return false;
  weights.terms.push_back({static_cast<size_t>(name - kFeatureNames.begin()), *mean, *deviation, *weight});
  return true;
}

bool ParseSize(Line& line, Weights& weights) {
  const auto buckets = line.Parse<size_t>(), dimensions = line.Parse<size_t>();
  if (!buckets || *buckets == 0 || *buckets > kBucketsMax || !dimensions || *dimensions > kDimensionsMax) return false;
  weights.dimensions = *dimensions;
  weights.embedding.resize(*buckets);
  return true;
}

bool ParseBucket(Line& line, Weights& weights) {
  const auto bucket = line.Parse<size_t>();
  if (!bucket || *bucket >= weights.embedding.size()) return false;
  auto& row = weights.embedding[*bucket];
  row.resize(weights.dimensions);
  for (int& value : row) {
    const auto number = line.Parse<int>();
    if (!number) return false;
    value = *number;
  }
  return true;
}

bool ParseLine(Line line, Weights& weights) {
  const auto key = line.Word();
  if (key.empty() || key[0] == '#') return true;
  if (key == "bucket") return ParseBucket(line, weights);
  if (key == "feature") return ParseTerm(line, weights);
  if (key == "embedding") return ParseSize(line, weights);
  if (key == "version") return !(weights.version = line.Word()).empty();
  if (key != "bias") return false;
  const auto bias = line.Parse<double>();
  weights.bias = bias.value_or(0);
  return bias.has_value();
}

}  // namespace

Result<Weights> ParseWeights(std::string_view text) {
  Weights weights;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!ParseLine(Line(line), weights)) return Fail("WeightsError", "line {} of the weights: {}", number, line);
  }
  if (weights.version.empty() || weights.terms.empty() || weights.embedding.empty()) {
    return Fail("WeightsError", "the weights have no version, no feature or no embedding");
  }
  return weights;
}

std::string FormatWeights(const Weights& weights) {
  std::string text = "# Made by train-recommender; demo/training/README.md says how.\n";
  auto out = std::back_inserter(text);
  fmt::format_to(out, "version {}\nbias {:.6g}\n", weights.version, weights.bias);
  for (const auto& term : weights.terms) {
    fmt::format_to(out, "feature {} {:.6g} {:.6g} {:.6g}\n", kFeatureNames[term.feature], term.mean, term.deviation,
                   term.weight);
  }
  fmt::format_to(out, "embedding {} {}\n", weights.embedding.size(), weights.dimensions);
  for (size_t bucket = 0; bucket < weights.embedding.size(); ++bucket) {
    const auto& row = weights.embedding[bucket];
    if (!row.empty()) fmt::format_to(out, "bucket {} {}\n", bucket, fmt::join(row, " "));
  }
  return text;
}

}  // namespace demo::model
