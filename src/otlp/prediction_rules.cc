#include "otlp/prediction_rules.h"

#include <algorithm>

namespace sightline::otlp {

const std::vector<PredictionRule>& DefaultPredictionRules() {
  static const std::vector<PredictionRule> rules = [] {
    std::vector<PredictionRule> all = {{.span_name = "model.predict",
                                        .with_attribute = "",
                                        .model = {"model.name", "gen_ai.request.model"},
                                        .version = {"model.version"},
                                        .score = {"model.score", "model.prediction_score"},
                                        .confidence = {"model.confidence"},
                                        .prediction_id = {"model.prediction_id", "prediction.id"},
                                        .rank = {"model.rank"},
                                        .features = "features."}};
    // https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/: a span of inference is named
    // "{gen_ai.operation.name} {gen_ai.request.model}".
    for (const char* operation : {"chat *", "text_completion *", "generate_content *"}) {
      all.push_back({.span_name = operation,
                     .with_attribute = "gen_ai.operation.name",
                     .model = {"gen_ai.request.model"},
                     .version = {"gen_ai.response.model"},
                     .score = {},
                     .confidence = {},
                     .prediction_id = {"gen_ai.response.id"},
                     .rank = {},
                     .features = ""});
    }
    return all;
  }();
  return rules;
}

PredictionNames::PredictionNames(const std::vector<PredictionRule>& rules) : rules_(rules) {
  for (const PredictionRule& rule : rules) {
    if (rule.span_name == "*") begins_.fill(true);
    if (!rule.span_name.empty()) begins_[static_cast<unsigned char>(rule.span_name.front())] = true;
  }
}

bool PredictionNames::Meets(const PredictionRule& rule, std::string_view name) {
  std::string_view wanted = rule.span_name;
  if (!wanted.ends_with('*')) return name == wanted;
  wanted.remove_suffix(1);
  return name.starts_with(wanted);
}

bool PredictionNames::MatchRule(std::string_view name) const {
  return std::ranges::any_of(rules_, [&](const PredictionRule& rule) { return Meets(rule, name); });
}

}  // namespace sightline::otlp
