#include "demo/recommender/search_flow.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "demo/recommender/telemetry.h"

namespace demo::recommender {
namespace {

search::ParsedQuery Parse(const std::string& text) {
  const Work work(TheTelemetry().query_parser, {{"query.original", text}});
  const auto& span = work.span();
  search::ParsedQuery query = search::ParseQuery(text);
  if (span.IsRecording()) {
    const std::vector<std::string_view> tokens(query.tokens.begin(), query.tokens.end());
    span.SetAttributes({{"query.length", text.size()},
                        {"query.normalized", query.normalized},
                        {"query.raw_token_count", query.raw_token_count},
                        {"query.stopwords_removed", query.stopwords_removed},
                        {"query.fallback_to_raw_tokens", query.fallback_to_raw_tokens},
                        {"query.final_tokens", tokens},
                        {"query.final_token_count", tokens.size()},
                        {"query.intent", query.intent}});
  }
  TheTelemetry().search_queries.Add(1, query.intent);
  return query;
}

void DescribeFound(const otel::SpanRef& span, const std::vector<search::Candidate>& found) {
  span.SetAttribute("search.results_found", found.size());
  if (found.empty()) return;
  double sum = 0;
  for (const auto& candidate : found) sum += candidate.base_score;
  span.SetAttributes({{"search.avg_base_score", sum / static_cast<double>(found.size())},
                      {"search.max_base_score", found.front().base_score},
                      {"search.min_base_score", found.back().base_score},
                      {"search.top_doc_id", found.front().doc_id},
                      {"search.top_doc_title", found.front().title}});
}

}  // namespace

SearchFlow::SearchFlow(const SharedParts& shared, sqlite::Database database, search::SearchIndex index,
                       model::FeatureReader reader)
    : chaos_(shared.chaos),
      database_(std::move(database)),
      index_(std::move(index)),
      engine_(shared.models, std::move(reader), shared.chaos),
      wikipedia_(shared.wikipedia, shared.signals, shared.chaos) {}

Result<std::unique_ptr<SearchFlow>> SearchFlow::Open(const SharedParts& shared) {
  auto database = sqlite::Database::OpenImmutable(shared.database_path);
  if (!database) return std::unexpected(database.error());
  auto index = search::SearchIndex::Open(*database);
  if (!index) return std::unexpected(index.error());
  auto reader = model::FeatureReader::Open(*database);
  if (!reader) return std::unexpected(reader.error());
  return std::unique_ptr<SearchFlow>(
      new SearchFlow(shared, *std::move(database), *std::move(index), *std::move(reader)));
}

SearchAnswer SearchFlow::Run(const SearchRequest& request) {
  SearchAnswer answer;
  const auto fails = [&](std::string_view component, const Error& error) {
    answer.failures.push_back(fmt::format("{}: {}", component, error.type));
    TheTelemetry().logger.Emit(
        {.severity = otel::Severity::kWarn,
         .body = "A component failed, the search goes on without it",
         .attributes = {
             {"component", component}, {"exception.type", error.type}, {"exception.message", error.message}}});
  };
  answer.components_called.emplace_back("query_parser");
  answer.query = Parse(request.query);

  answer.components_called.emplace_back("search_index");
  auto candidates = Search(answer.query, request.limit);
  if (!candidates) {
    fails("search_index", candidates.error());
    candidates.emplace();
  }
  std::vector<std::optional<model::Prediction>> predictions;
  if (!candidates->empty()) {
    answer.components_called.emplace_back("recommendation_engine");
    auto recommendation = engine_.Recommend(answer.query, request.user_id, *candidates);
    answer.model_version = recommendation.model_version;
    answer.predictions_successful = recommendation.successful;
    answer.predictions_failed = recommendation.failed;
    if (recommendation.failed > 0) fails("recommendation_engine", {"ModelError", ""});
    predictions = std::move(recommendation.predictions);
  }
  answer.components_called.emplace_back("wikipedia_client");
  if (auto signal = wikipedia_.GetSignal(answer.query)) {
    answer.signal = *std::move(signal);
  } else {
    fails("wikipedia_client", signal.error());
  }
  answer.components_called.emplace_back("ranker");
  answer.results = Rank(*std::move(candidates), predictions, answer.signal);
  return answer;
}

Result<std::vector<search::Candidate>> SearchFlow::Search(const search::ParsedQuery& query, size_t limit) {
  const Work work(TheTelemetry().search_index, {{"search.limit", limit}, {"search.query_intent", query.intent}});
  const auto& span = work.span();
  if (span.IsRecording()) {
    span.SetAttributes({{"search.query_tokens", search::JoinTokens(query.tokens)},
                        {"search.token_count", query.tokens.size()},
                        {"search.fts_query", search::FtsQuery(query.tokens)}});
  }
  const ChaosConfig chaos = chaos_.config();
  if (chaos_.Strikes(chaos.slow_search_rate)) {
    RecordChaos("slow_search");
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(chaos.slow_search_ms));
  }
  auto found = index_.Search(query.tokens, limit);
  if (!found) {
    RecordError(span, found.error());
  } else if (span.IsRecording()) {
    DescribeFound(span, *found);
  }
  return found;
}

}  // namespace demo::recommender
