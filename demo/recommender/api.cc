#include "demo/recommender/api.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "demo/common/text.h"

namespace demo::recommender {
namespace {

namespace json = boost::json;

constexpr size_t kQueryCharactersMax = 500;
constexpr size_t kUserIdCharactersMax = 100;
constexpr size_t kLimitMax = 100;
constexpr double kDwellSecondsMax = 24 * 3600;

constexpr auto kFeedbackNames =
    std::to_array<std::string_view>({"click", "dismiss", "thumbs_up", "thumbs_down", "dwell"});

std::expected<std::string, Invalid> TextParameter(const http::Request& request, const char* name,
                                                  size_t characters_max) {
  const auto value = request.Query(name);
  if (!value) return std::unexpected(Invalid{"query", name, "Field required"});
  const auto characters = CountCharacters(*value);
  if (!characters) return std::unexpected(Invalid{"query", name, "Text should be UTF-8"});
  if (*characters == 0) return std::unexpected(Invalid{"query", name, "String should have at least 1 character"});
  if (*characters > characters_max) {
    return std::unexpected(
        Invalid{"query", name, fmt::format("String should have at most {} characters", characters_max)});
  }
  return std::string(*value);
}

std::string TextOf(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

json::object DescribeResult(const RankedDocument& result, size_t rank, const std::string& prediction_id) {
  json::object object = {{"rank", rank},
                         {"doc_id", result.document.doc_id},
                         {"title", result.document.title},
                         {"text", result.document.text},
                         {"category", result.document.category},
                         {"final_score", result.final_score},
                         {"search_score", result.document.base_score},
                         {"recommendation_score", nullptr},
                         {"external_score", result.external_score},
                         {"prediction_id", prediction_id}};
  if (result.prediction) object["recommendation_score"] = result.prediction->score;
  return object;
}

}  // namespace

std::expected<SearchRequest, Invalid> ParseSearchRequest(const http::Request& request) {
  auto query = TextParameter(request, "q", kQueryCharactersMax);
  if (!query) return std::unexpected(std::move(query.error()));
  auto user_id = TextParameter(request, "user_id", kUserIdCharactersMax);
  if (!user_id) return std::unexpected(std::move(user_id.error()));
  SearchRequest parsed{.query = *std::move(query), .user_id = *std::move(user_id)};
  if (const auto limit = request.Query("limit")) {
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), parsed.limit);
    if (error != std::errc() || end != limit->data() + limit->size() || parsed.limit < 1 || parsed.limit > kLimitMax) {
      return std::unexpected(
          Invalid{"query", "limit", fmt::format("Input should be an integer from 1 to {}", kLimitMax)});
    }
  }
  return parsed;
}

std::string_view FeedbackName(FeedbackKind kind) {
  return kFeedbackNames[static_cast<size_t>(kind)];
}

std::expected<Feedback, Invalid> ParseFeedback(std::string_view body) {
  json::error_code error;
  const json::value parsed = json::parse(body, error);
  if (error || !parsed.is_object()) return std::unexpected(Invalid{"body", "", "Input should be a JSON object"});
  const json::object& object = parsed.get_object();
  Feedback feedback{.prediction_id = TextOf(object, "prediction_id"), .kind = FeedbackKind::kClick};
  if (feedback.prediction_id.empty()) return std::unexpected(Invalid{"body", "prediction_id", "Field required"});
  const auto* kind = std::ranges::find(kFeedbackNames, TextOf(object, "kind"));
  if (kind == kFeedbackNames.end()) {
    return std::unexpected(
        Invalid{"body", "kind", fmt::format("Input should be one of {}", fmt::join(kFeedbackNames, ", "))});
  }
  feedback.kind = static_cast<FeedbackKind>(kind - kFeedbackNames.begin());
  if (feedback.kind == FeedbackKind::kDwell) {
    const auto* seconds = object.if_contains("seconds");
    feedback.dwell_seconds = seconds != nullptr && seconds->is_number() ? seconds->to_number<double>(error) : -1;
    if (!(feedback.dwell_seconds >= 0 && feedback.dwell_seconds <= kDwellSecondsMax)) {
      return std::unexpected(
          Invalid{"body", "seconds", fmt::format("Input should be a number from 0 to {}", kDwellSecondsMax)});
    }
  }
  return feedback;
}

http::Response UnprocessableEntity(const Invalid& invalid) {
  json::array location = {invalid.where};
  if (!invalid.field.empty()) location.emplace_back(invalid.field);
  const json::object body = {{"detail", json::array{json::object{{"loc", location}, {"msg", invalid.message}}}}};
  return {.status = 422, .body = json::serialize(body)};
}

http::Response AnswerSearch(const SearchRequest& request, const SearchAnswer& answer,
                            const std::vector<std::string>& prediction_ids, double latency_ms,
                            std::string_view trace_id) {
  json::array results;
  for (size_t i = 0; i < answer.results.size(); ++i) {
    results.push_back(DescribeResult(answer.results[i], i + 1, prediction_ids[i]));
  }
  json::object body = {
      {"query", request.query},
      {"user_id", request.user_id},
      {"intent", answer.query.intent},
      {"results", std::move(results)},
      {"result_count", answer.results.size()},
      {"model_version", answer.model_version},
      {"external_signal", nullptr},
      {"components_called", json::array(answer.components_called.begin(), answer.components_called.end())},
      {"failures", json::array(answer.failures.begin(), answer.failures.end())},
      {"latency_ms", latency_ms},
      {"trace_id", trace_id}};
  if (answer.signal) {
    body["external_signal"] = {{"title", answer.signal->article->title},
                               {"relevance_score", answer.signal->relevance_score}};
  }
  return {.body = json::serialize(body)};
}

}  // namespace demo::recommender
