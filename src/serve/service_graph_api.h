// The endpoint on the service graph: who calls whom, how often and how well.
#pragma once

#include "query/service_graph.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class ServiceGraphApi {
 public:
  // `reader` must outlive it.
  explicit ServiceGraphApi(query::ServiceGraphReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Read(ApiCall& call);

  query::ServiceGraphReader& reader_;
};

}  // namespace sightline::serve
