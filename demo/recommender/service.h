// The recommender: its data, its shared parts, and a flow for each thread that answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "demo/http/server.h"
#include "demo/recommender/api.h"
#include "demo/recommender/chaos.h"
#include "demo/recommender/prediction_log.h"
#include "demo/recommender/search_flow.h"

namespace demo::recommender {

struct ServiceOptions {
  std::string database_path;  // made anew
  size_t workers = 32;
  WikipediaOptions wikipedia;
  uint64_t seed = 1;  // of chaos and of prediction ids
};

// Routes: GET /search, GET /health, GET and POST /chaos/config, POST /feedback, GET / (the search page).
// Thread: Handle from the worker that it is told, at the same time as others.
class Service {
 public:
  static Result<std::unique_ptr<Service>> Create(const ServiceOptions& options);
  ~Service();  // removes the database

  http::Response Handle(const http::Request& request, size_t worker);

 private:
  Service(const ServiceOptions& options, model::Models models);
  Result<void> Prepare();

  http::Response Answer(const http::Request& request, size_t worker);
  http::Response Search(const http::Request& request, size_t worker);
  http::Response TakeFeedback(const http::Request& request);
  http::Response SetChaos(const http::Request& request);
  std::vector<std::string> LogPredictions(const SearchRequest& request, const SearchAnswer& answer);

  const ServiceOptions options_;
  const model::Models models_;
  SignalCache signals_;
  Chaos chaos_;
  PredictionLog predictions_;
  std::vector<std::unique_ptr<SearchFlow>> flows_;  // by worker
};

}  // namespace demo::recommender
