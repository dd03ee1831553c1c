// The endpoints on traces: search, scatter, one trace, its outline, one span.
#pragma once

#include "query/traces.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class TracesApi {
 public:
  // `reader` must outlive it.
  explicit TracesApi(query::TraceReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Search(ApiCall& call);
  Result<void> Scatter(ApiCall& call);
  Result<void> Trace(ApiCall& call);
  Result<void> Outline(ApiCall& call);
  Result<void> Span(ApiCall& call);

  query::TraceReader& reader_;
};

}  // namespace sightline::serve
