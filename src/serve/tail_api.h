// The endpoints that follow what comes in: each call gives what became visible since the one before, whose cursor it
// takes. Nothing is held for a client in between.
#pragma once

#include "query/tail.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class TailApi {
 public:
  // `reader` must outlive it.
  explicit TailApi(query::TailReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Spans(ApiCall& call);
  Result<void> Logs(ApiCall& call);

  query::TailReader& reader_;
};

}  // namespace sightline::serve
