// The endpoints on traces: search, scatter, one trace, its outline, one span.
#pragma once

#include "query/logs.h"
#include "query/traces.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class TracesApi {
 public:
  // Both must outlive it.
  TracesApi(query::TraceReader& reader, query::LogReader& log_reader) : reader_(reader), log_reader_(log_reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Search(ApiCall& call);
  Result<void> Scatter(ApiCall& call);
  Result<void> Trace(ApiCall& call);
  Result<void> Outline(ApiCall& call);
  Result<void> Span(ApiCall& call);

  query::TraceReader& reader_;
  query::LogReader& log_reader_;
};

}  // namespace sightline::serve
