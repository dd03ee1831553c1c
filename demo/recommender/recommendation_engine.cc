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

// What the model was given.
void DescribeFeatures(const otel::SpanRef& span, const model::Model& model, const model::FeatureVector& features) {
  std::array<otel::Attribute, kFeatureCount> attributes;
  size_t count = 0;
  for (const auto& term : model.terms())
    attributes[count++] = {kFeatureAttributes[term.feature], features[term.feature]};
  span.SetAttributes(otel::AttributesView(std::span<const otel::Attribute>(attributes.data(), count)));
}

// The spans of a request's predictions. They wait for each other, as only all scores together give a rank.
class PredictionSpans {
 public:
  explicit PredictionSpans(size_t candidates) { spans_.reserve(candidates); }

  const otel::Span& Start(const model::Model& model, const search::Candidate& candidate, size_t count) {
    spans_.push_back(
        TheTelemetry().tracer.StartSpan("model.predict", {.attributes = {{"doc_id", candidate.doc_id},
                                                                         {"model.name", model::Model::kName},
                                                                         {"model.version", model.version()},
                                                                         {"model.candidate_rank", spans_.size() + 1},
                                                                         {"model.candidate_count", count}}}));
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

Result<model::Prediction> RecommendationEngine::Predict(const model::Model& model, const model::QueryFeatures& query,
                                                        const Result<model::DocumentFeatures>& document,
                                                        const ChaosConfig& chaos) {
  const auto& span = otel::CurrentSpan();
  if (!document) return std::unexpected(document.error());
  const model::FeatureVector features = model::ComputeFeatures(query, *document);
  if (span.IsRecording()) DescribeFeatures(span, model, features);
  if (chaos_.Strikes(chaos.model_failure_rate)) {
    RecordChaos("model_failure");
    return Fail("ModelError", "Model inference failed: simulated error");
  }
  if (chaos.model_delay_ms > 0) std::this_thread::sleep_for(Milliseconds(chaos.model_delay_ms));
  return model.Predict(features);
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
    const auto begin = steady_clock::now();
    const auto& span = spans.Start(model, candidates[i], candidates.size());
    const otel::Scope scope(span);
    const auto prediction = Predict(model, seen, features[i], chaos);
    const double milliseconds = Milliseconds(steady_clock::now() - begin).count();
    if (prediction) {
      span.SetAttributes({{"model.inference_time_ms", milliseconds},
                          {"model.raw_score_before_sigmoid", prediction->raw_score},
                          {"model.score", prediction->score},
                          {"model.confidence", prediction->confidence}});
      telemetry.inference_duration.Record(milliseconds, {{"model.version", model.version()}});
      telemetry.scores.Record(prediction->score, {{"model.version", model.version()}});
      result.predictions.emplace_back(*prediction);
      ++result.successful;
    } else {
      RecordError(span, prediction.error());
      result.predictions.emplace_back();
      ++result.failed;
    }
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
