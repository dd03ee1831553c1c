#include "demo/traffic/searcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "demo/catalog/vocabulary.h"
#include "demo/common/text.h"

namespace demo::traffic {
namespace {

namespace json = boost::json;

constexpr double kLookSeconds = 1.5;  // at a result
constexpr double kReadSeconds = 25;   // a document that is just right
constexpr double kVoteShare = 0.15;   // of what was read
constexpr double kDismissShare = 0.03;
constexpr double kGood = 0.5;  // relevance that gets a thumb up

std::string TextOf(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string FeedbackBody(const std::string& prediction_id, std::string_view kind) {
  return json::serialize(json::object{{"prediction_id", prediction_id}, {"kind", kind}});
}

}  // namespace

Result<Answer> ParseAnswer(const std::string& body) {
  json::error_code error;
  const json::value parsed = json::parse(body, error);
  const auto* object = error ? nullptr : parsed.if_object();
  const auto* results = object == nullptr ? nullptr : object->if_contains("results");
  if (results == nullptr || !results->is_array()) return Fail("ValueError", "the answer has no results");
  Answer answer{.model_version = TextOf(*object, "model_version"), .trace_id = TextOf(*object, "trace_id")};
  for (const auto& result : results->get_array()) {
    if (!result.is_object()) return Fail("ValueError", "a result is no object");
    answer.results.push_back({TextOf(result.get_object(), "doc_id"), TextOf(result.get_object(), "prediction_id")});
  }
  const auto* failures = object->if_contains("failures");
  answer.failures = failures != nullptr && failures->is_array() ? failures->get_array().size() : 0;
  return answer;
}

Searchers::Searchers(const Scenario& scenario, uint64_t seed, size_t users)
    : scenario_(scenario),
      random_(seed),
      users_(behaviour::MakeUsers(seed, users)),
      documents_(catalog::GenerateDocuments()) {
  for (const auto& user : users_) activity_.push_back(user.activity);
  for (const auto& document : documents_) by_id_[document.id] = &document;
  const auto& categories = catalog::TheVocabulary().categories;
  const auto found = std::ranges::find(categories, scenario.category, &catalog::Category::name);
  if (found != categories.end()) category_ = static_cast<size_t>(found - categories.begin());
}

Search Searchers::Next() {
  const auto& user = users_[random_.Weighted(activity_)];
  const bool kept_to_category = category_ && random_.Chance(scenario_.category_share);
  auto query = behaviour::MakeQuery(user, random_, kept_to_category ? category_ : std::nullopt);
  std::string target = fmt::format("/search?q={}&user_id={}", PercentEncode(query.text), PercentEncode(user.id));
  return {.target = std::move(target), .query = std::move(query)};
}

std::vector<Feedback> Searchers::React(const behaviour::Need& need, const Answer& answer) {
  std::vector<Feedback> feedback;
  double seconds = 0;
  for (size_t place = 0; place < answer.results.size(); ++place) {
    if (!random_.Chance(behaviour::Attention(place))) continue;  // not looked at
    seconds += random_.LogNormal(kLookSeconds, 0.5);
    const auto& [doc_id, prediction_id] = answer.results[place];
    const auto found = by_id_.find(doc_id);
    if (found == by_id_.end()) continue;
    const double relevance = behaviour::Relevance(need, *found->second);
    if (!random_.Chance(relevance)) {
      if (random_.Chance(kDismissShare))
        feedback.push_back({seconds, "dismiss", FeedbackBody(prediction_id, "dismiss")});
      continue;
    }
    feedback.push_back({seconds, "click", FeedbackBody(prediction_id, "click")});
    const double dwell = random_.LogNormal(kReadSeconds * relevance, 0.6);
    seconds += dwell;
    feedback.push_back(
        {seconds, "dwell",
         json::serialize(json::object{{"prediction_id", prediction_id}, {"kind", "dwell"}, {"seconds", dwell}})});
    if (random_.Chance(kVoteShare)) {
      const std::string kind = relevance >= kGood ? "thumbs_up" : "thumbs_down";
      feedback.push_back({seconds, kind, FeedbackBody(prediction_id, kind)});
    }
  }
  return feedback;
}

}  // namespace demo::traffic
