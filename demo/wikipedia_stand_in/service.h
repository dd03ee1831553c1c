// Answers as Wikipedia's REST API does, on the route that the recommender uses, and goes wrong on demand.
#pragma once

#include "demo/http/server.h"
#include "demo/wikipedia_stand_in/articles.h"
#include "demo/wikipedia_stand_in/faults.h"

namespace demo::wikipedia_stand_in {

// GET /api/rest_v1/page/summary/{title}
//   A fault for one request: header X-Fault or ?fault=, as ParseFault reads them.
// POST /faults?fault=429&share=0.5   a fault for all that follow     GET /health
// Thread: any.
class Service {
 public:
  http::Response Handle(const http::Request& request);

 private:
  http::Response Summary(const http::Request& request);
  http::Response SetFaults(const http::Request& request);

  const Articles articles_;
  FaultPlan faults_;
};

}  // namespace demo::wikipedia_stand_in
