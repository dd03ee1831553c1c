// The endpoints on exceptions in groups: list them, decide about one.
#pragma once

#include "query/exceptions.h"
#include "serve/api_call.h"
#include "serve/router.h"
#include "state/exception_decisions.h"

namespace sightline::serve {

// Thread: any.
class ExceptionsApi {
 public:
  // What is borrowed must outlive it. Without `decisions` none can be made.
  ExceptionsApi(query::ExceptionReader& reader, state::ExceptionDecisions* decisions)
      : reader_(reader), decisions_(decisions) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> Decide(ApiCall& call);

  query::ExceptionReader& reader_;
  state::ExceptionDecisions* const decisions_;
};

}  // namespace sightline::serve
