// The endpoints on services: the list with rates, errors and durations, and what one of them does.
#pragma once

#include "query/services.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class ServicesApi {
 public:
  // `reader` must outlive it.
  explicit ServicesApi(query::ServiceReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> ListOperations(ApiCall& call);

  query::ServiceReader& reader_;
};

}  // namespace sightline::serve
