// The people behind the traffic: who searches next and for what, and what that person does with the answer.
// Data: seed -> searches; search + answer -> feedback, each with the time it takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "demo/behaviour/population.h"
#include "demo/catalog/document.h"
#include "demo/common/error.h"
#include "demo/common/random.h"
#include "demo/traffic/scenario.h"

namespace demo::traffic {

struct Search {
  std::string target;  // "/search?q=...&user_id=..."
  behaviour::Query query;
};

// What the service answered, as far as people look at it.
struct Answer {
  struct Shown {
    std::string doc_id;
    std::string prediction_id;
  };
  std::vector<Shown> results;
  std::string model_version;
  std::string trace_id;
  size_t failures = 0;
};
Result<Answer> ParseAnswer(const std::string& body);

struct Feedback {
  double after_seconds;  // since the answer
  std::string kind;      // "click"
  std::string body;      // for POST /feedback
};

// Thread: one.
class Searchers {
 public:
  Searchers(const Scenario& scenario, uint64_t seed, size_t users);

  Search Next();
  // Clicks by relevance and place; then how long the document is read, and now and then a vote.
  std::vector<Feedback> React(const behaviour::Need& need, const Answer& answer);

 private:
  const Scenario scenario_;
  std::optional<size_t> category_;  // the scenario's
  Random random_;
  const std::vector<behaviour::User> users_;
  std::vector<double> activity_;
  const std::vector<catalog::Document> documents_;
  std::unordered_map<std::string_view, const catalog::Document*> by_id_;
};

}  // namespace demo::traffic
