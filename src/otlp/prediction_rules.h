// Which spans are predictions of a model, and which of their attributes say what. Configured as `predictions`;
// docs/predictions.md is for users.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace sightline::otlp {

struct PredictionRule {
  std::string span_name;       // "model.predict"; "chat *" for names that begin with "chat "
  std::string with_attribute;  // only spans that have it; "": all
  // Keys of attributes; the first that the span has counts.
  std::vector<std::string> model, version, score, confidence, prediction_id, rank;
  std::string features;  // attributes whose keys begin so are features; "": none
  bool operator==(const PredictionRule&) const = default;
};

// The recommender's and plain services' `model.predict`; OpenTelemetry's gen_ai spans of inference, by the names and
// attributes of its conventions.
const std::vector<PredictionRule>& DefaultPredictionRules();

// Tells at a glance that a span is none: that is what nearly all are. Borrows the rules. Thread: any.
class PredictionNames {
 public:
  explicit PredictionNames(const std::vector<PredictionRule>& rules);

  // Whether some rule's span_name is met.
  [[gnu::always_inline]] bool Match(std::string_view name) const {
    return !name.empty() && begins_[static_cast<unsigned char>(name.front())] && MatchRule(name);
  }
  static bool Meets(const PredictionRule& rule, std::string_view name);

 private:
  bool MatchRule(std::string_view name) const;

  const std::vector<PredictionRule>& rules_;
  std::array<bool, 256> begins_{};  // by first byte: some rule's names begin so
};

}  // namespace sightline::otlp
