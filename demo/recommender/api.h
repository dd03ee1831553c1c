// The recommender's HTTP interface: what a request may be, and what the answers look like.
#pragma once

#include <string>
#include <string_view>

#include "demo/http/server.h"
#include "demo/recommender/chaos.h"
#include "demo/recommender/prediction_log.h"
#include "demo/recommender/search_flow.h"

namespace demo::recommender {

// What is wrong with a request, in FastAPI's words.
struct Invalid {
  std::string where;  // "query", "body"
  std::string field;
  std::string message;
};

// q 1 to 500 characters, user_id 1 to 100, limit 1 to 100 (10 where it is missing).
std::expected<SearchRequest, Invalid> ParseSearchRequest(const http::Request& request);

enum class FeedbackKind { kClick, kDismiss, kThumbsUp, kThumbsDown, kDwell };
std::string_view FeedbackName(FeedbackKind kind);  // "click", "thumbs_up" ...

struct Feedback {
  std::string prediction_id;
  FeedbackKind kind;
  double dwell_seconds = 0;  // of kDwell
};

// {"prediction_id": "...", "kind": "dwell", "seconds": 12.5}
std::expected<Feedback, Invalid> ParseFeedback(std::string_view body);

http::Response UnprocessableEntity(const Invalid& invalid);  // 422
// `prediction_ids` has one for each result.
http::Response AnswerSearch(const SearchRequest& request, const SearchAnswer& answer,
                            const std::vector<std::string>& prediction_ids, double latency_ms,
                            std::string_view trace_id);

}  // namespace demo::recommender
