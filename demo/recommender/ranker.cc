#include "demo/recommender/ranker.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "demo/recommender/telemetry.h"

namespace demo::recommender {
namespace {

// An article supports the documents whose titles it speaks of.
double ExternalScore(const search::Candidate& candidate, const std::optional<Signal>& signal) {
  if (!signal) return 0;
  return signal->relevance_score * model::StemOverlap(model::HashStems(candidate.title), signal->article->stems);
}

void Describe(const otel::SpanRef& span, std::span<const RankedDocument> ranked, const std::optional<Signal>& signal) {
  const auto predicted = std::ranges::count_if(ranked, [](const auto& one) { return one.prediction.has_value(); });
  span.SetAttributes({{"ranking.weight_search", kSearchWeight},
                      {"ranking.weight_recommendation", kRecommendationWeight},
                      {"ranking.weight_external", kExternalWeight},
                      {"ranking.num_input_documents", ranked.size()},
                      {"ranking.num_predictions_available", predicted},
                      {"ranking.has_external_signal", signal.has_value()},
                      {"ranking.result_count", ranked.size()}});
  if (signal) {
    span.SetAttributes({{"ranking.external_score", signal->relevance_score}, {"ranking.external_source", "wikipedia"}});
  }
  if (ranked.empty()) return;
  const RankedDocument& top = ranked.front();
  span.SetAttributes(
      {{"ranking.final_score_min", ranked.back().final_score},
       {"ranking.final_score_max", top.final_score},
       {"ranking.top_doc_id", top.document.doc_id},
       {"ranking.top_doc_title", top.document.title},
       {"ranking.top_final_score", top.final_score},
       {"ranking.top_search_score", top.document.base_score},
       {"ranking.top_recommendation_score", top.prediction ? top.prediction->score : 0.0},
       {"ranking.top_external_score", top.external_score},
       {"ranking.prediction_coverage", static_cast<double>(predicted) / static_cast<double>(ranked.size())}});
}

}  // namespace

std::vector<RankedDocument> Rank(std::vector<search::Candidate> candidates,
                                 std::span<const std::optional<model::Prediction>> predictions,
                                 const std::optional<Signal>& signal) {
  const Work work(TheTelemetry().ranker);
  std::vector<RankedDocument> ranked;
  ranked.reserve(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    RankedDocument one{.document = std::move(candidates[i])};
    if (i < predictions.size()) one.prediction = predictions[i];
    one.external_score = ExternalScore(one.document, signal);
    one.final_score = kSearchWeight * one.document.base_score +
                      kRecommendationWeight * (one.prediction ? one.prediction->score : 0.0) +
                      kExternalWeight * one.external_score;
    ranked.push_back(std::move(one));
  }
  std::ranges::sort(ranked, [](const auto& a, const auto& b) {
    return std::tie(b.final_score, a.document.doc_id) < std::tie(a.final_score, b.document.doc_id);
  });
  if (work.span().IsRecording()) Describe(work.span(), ranked, signal);
  return ranked;
}

}  // namespace demo::recommender
