// The endpoints on silent failures: what failed without the requests showing it, and how many requests of each service.
#pragma once

#include "query/silent_failures.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class SilentFailuresApi {
 public:
  // `reader` must outlive it.
  explicit SilentFailuresApi(query::SilentFailureReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> CountByService(ApiCall& call);

  query::SilentFailureReader& reader_;
};

}  // namespace sightline::serve
