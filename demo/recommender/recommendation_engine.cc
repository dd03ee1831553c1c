#include "demo/recommender/recommendation_engine.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "demo/common/text.h"
#include "demo/recommender/telemetry.h"

namespace demo::recommender {
namespace {

using model::kFeatureCount;
using std::chrono::duration;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using Milliseconds = duration<double, std::milli>;

constexpr std::array<std::string_view, kFeatureCount> kFeatureAttributes = {
    "features.query_length",          "features.query_token_count",
    "features.user_id_hash",          "features.doc_length",
    "features.doc_category_encoded",  "features.query_doc_overlap",
    "features.embedding_dot_product", "features.query_title_overlap",
    "features.doc_popularity",        "features.doc_age_days",
};

// What stands on the span of one prediction, told at once: that costs less than piece by piece.
class PredictionAttributes {
 public:
  void Add(std::string_view key, const otel::AnyValue& value) { attributes_[size_++] = {key, value}; }
  void AddFeatures(const model::Model& model, const model::FeatureVector& features) {
    for (const auto& term : model.terms()) Add(kFeatureAttributes[term.feature], features[term.feature]);
  }
  otel::AttributesView view() const { return std::span<const otel::Attribute>(attributes_.data(), size_); }

 private:
  std::array<otel::Attribute, 5 + kFeatureCount + 4> attributes_;
  size_t size_ = 0;
};

// The spans of a request's predictions. They wait for each other, as only all scores together give a rank.
class PredictionSpans {
 public:
  explicit PredictionSpans(size_t candidates) { spans_.reserve(candidates); }

  const otel::Span& Start() {
    spans_.push_back(TheTelemetry().tracer.StartSpan("model.predict"));
    return spans_.back();
  }

  // Notes when the last one was done.
  void Finish() {
    if (spans_.back().IsRecording()) {
      ends_.push_back(duration_cast<std::chrono::nanoseconds>(system_clock::now().time_since_epoch()).count());
    }
  }

  // Sets model.rank, from 1 for the best score, and ends all.
  void EndWithRanks(std::span<const std::optional<model::Prediction>> predictions) {
    if (ends_.empty()) return;
    std::vector<size_t> order;
    for (size_t i = 0; i < predictions.size(); ++i) {
      if (predictions[i]) order.push_back(i);
    }
    std::ranges::sort(order, std::ranges::greater(), [&](size_t i) { return predictions[i]->score; });
    for (size_t rank = 0; rank < order.size(); ++rank) spans_[order[rank]].SetAttribute("model.rank", rank + 1);
    for (size_t i = 0; i < ends_.size(); ++i) spans_[i].End(ends_[i]);
  }

 private:
  std::vector<otel::Span> spans_;
  std::vector<otel::UnixNanos> ends_;  // of all of them, or of none as they don't record
};

}  // namespace

RecommendationEngine::Measures::Measures(const model::Model& model)
    : inference_duration(TheTelemetry().inference_duration.Bind({{"model.version", model.version()}})),
      scores(TheTelemetry().scores.Bind({{"model.version", model.version()}})) {}

RecommendationEngine::RecommendationEngine(const model::Models& models, model::FeatureReader reader, Chaos& chaos)
    : models_(models),
      reader_(std::move(reader)),
      chaos_(chaos),
      stable_measures_(models.stable()),
      canary_measures_(models.canary()) {}

std::vector<Result<model::DocumentFeatures>> RecommendationEngine::ReadFeatures(
    std::span<const search::Candidate> candidates, std::string_view model_version) {
  std::vector<std::string_view> doc_ids;
  for (const auto& candidate : candidates) doc_ids.push_back(candidate.doc_id);
  const auto read = reader_.Read(doc_ids, model_version);
  std::vector<Result<model::DocumentFeatures>> features;
  for (size_t i = 0; i < doc_ids.size(); ++i) {
    if (!read) {
      features.push_back(std::unexpected(read.error()));
    } else if ((*read)[i]) {
      features.push_back(*(*read)[i]);
    } else {
      features.push_back(Fail("FeatureError", "document {} has no features for model {}", doc_ids[i], model_version));
    }
  }
  return features;
}

Result<model::Prediction> RecommendationEngine::Predict(const model::Model& model, const model::FeatureVector& features,
                                                        const ChaosConfig& chaos) {
  if (chaos_.Strikes(chaos.model_failure_rate)) {
    RecordChaos("model_failure");
    return Fail("ModelError", "Model inference failed: simulated error");
  }
  if (chaos.model_delay_ms > 0) std::this_thread::sleep_for(Milliseconds(chaos.model_delay_ms));
  return model.Predict(features);
}

std::optional<model::Prediction> RecommendationEngine::TellOfPrediction(const model::Model& model,
                                                                        const model::QueryFeatures& query,
                                                                        const Candidate& candidate,
                                                                        const ChaosConfig& chaos) {
  const auto begin = steady_clock::now();
  const auto& span = otel::CurrentSpan();
  PredictionAttributes attributes;
  attributes.Add("doc_id", candidate.document.doc_id);
  attributes.Add("model.name", model::Model::kName);
  attributes.Add("model.version", model.version());
  attributes.Add("model.candidate_rank", candidate.rank);
  attributes.Add("model.candidate_count", candidate.count);
  Result<model::Prediction> prediction;
  if (candidate.features) {
    const model::FeatureVector features = model::ComputeFeatures(query, *candidate.features);
    attributes.AddFeatures(model, features);
    prediction = Predict(model, features, chaos);
  } else {
    prediction = std::unexpected(candidate.features.error());
  }
  if (!prediction) {
    span.SetAttributes(attributes.view());
    RecordError(span, prediction.error());
    return std::nullopt;
  }
  const double milliseconds = Milliseconds(steady_clock::now() - begin).count();
  attributes.Add("model.inference_time_ms", milliseconds);
  attributes.Add("model.raw_score_before_sigmoid", prediction->raw_score);
  attributes.Add("model.score", prediction->score);
  attributes.Add("model.confidence", prediction->confidence);
  span.SetAttributes(attributes.view());
  const Measures& measures = &model == &models_.canary() ? canary_measures_ : stable_measures_;
  measures.inference_duration.Record(milliseconds);
  measures.scores.Record(prediction->score);
  return *prediction;
}

Recommendation RecommendationEngine::Recommend(const search::ParsedQuery& query, std::string_view user_id,
                                               std::span<const search::Candidate> candidates) {
  const ChaosConfig chaos = chaos_.config();
  const model::Model& model = models_.ForUser(user_id, chaos.canary_share);
  const bool is_canary = &model == &models_.canary();
  const Telemetry& telemetry = TheTelemetry();
  const Work work(telemetry.recommendation_engine, {{"model.name", model::Model::kName},
                                                    {"model.version", model.version()},
                                                    {"model.canary", is_canary},
                                                    {"model.candidate_count", candidates.size()}});
  model::QueryFeatures seen{.length = query.original.size(),
                            .token_count = query.tokens.size(),
                            .user_id_hash = model::HashUserId(user_id),
                            .stems = model::HashStems(query.original)};
  seen.embedding = model.Embed(seen.stems);

  Recommendation result{.model_version = model.version()};
  const auto features = ReadFeatures(candidates, model.version());
  PredictionSpans spans(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const otel::Scope scope(spans.Start());
    const auto prediction =
        TellOfPrediction(model, seen, {candidates[i], features[i], i + 1, candidates.size()}, chaos);
    ++(prediction ? result.successful : result.failed);
    result.predictions.push_back(prediction);
    spans.Finish();
  }
  spans.EndWithRanks(result.predictions);
  if (result.successful > 0) telemetry.predictions_successful.Add(static_cast<int64_t>(result.successful));
  if (result.failed > 0) telemetry.predictions_failed.Add(static_cast<int64_t>(result.failed));
  work.span().SetAttributes(
      {{"model.predictions.successful", result.successful}, {"model.predictions.failed", result.failed}});
  return result;
}

}  // namespace demo::recommender
