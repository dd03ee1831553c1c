// One search from the words to the ranked answer. A part that fails makes the answer poorer, never an error.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "demo/recommender/ranker.h"
#include "demo/recommender/recommendation_engine.h"
#include "demo/recommender/wikipedia_client.h"
#include "demo/search/search_index.h"
#include "demo/sqlite/database.h"

namespace demo::recommender {

struct SearchRequest {
  std::string query;
  std::string user_id;
  size_t limit = 10;
};

struct SearchAnswer {
  search::ParsedQuery query;
  std::vector<RankedDocument> results;
  std::string_view model_version;  // "" where the model was not asked
  size_t predictions_successful = 0;
  size_t predictions_failed = 0;
  std::optional<Signal> signal;
  std::vector<std::string_view> components_called;  // in their order
  std::vector<std::string> failures;                // "wikipedia_client: TimeoutError"
};

// What the flows of all threads share. It must outlive them.
struct SharedParts {
  const model::Models& models;
  SignalCache& signals;
  Chaos& chaos;
  WikipediaOptions wikipedia;
  std::string database_path;
};

// Thread: one at a time.
class SearchFlow {
 public:
  static Result<std::unique_ptr<SearchFlow>> Open(const SharedParts& shared);

  SearchAnswer Run(const SearchRequest& request);

 private:
  SearchFlow(const SharedParts& shared, sqlite::Database database, search::SearchIndex index,
             model::FeatureReader reader);
  Result<std::vector<search::Candidate>> Search(const search::ParsedQuery& query, size_t limit);

  Chaos& chaos_;
  sqlite::Database database_;  // before those that read it
  search::SearchIndex index_;
  RecommendationEngine engine_;
  WikipediaClient wikipedia_;
};

}  // namespace demo::recommender
