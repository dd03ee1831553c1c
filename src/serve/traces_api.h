// The endpoints on traces: search, scatter, one trace, its outline, one span.
#pragma once

#include "query/logs.h"
#include "query/traces.h"
#include "serve/api_call.h"
#include "serve/router.h"
#include "serve/sampling_api.h"

namespace sightline::serve {

// The conditions of a search, and its range.
query::SpanFilter ReadSpanFilter(Params& params);

// Thread: any.
class TracesApi {
 public:
  // What is borrowed must outlive it. `sampling` may be null.
  TracesApi(query::TraceReader& reader, query::LogReader& log_reader, const SamplingControl* sampling)
      : reader_(reader), log_reader_(log_reader), sampling_(sampling) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Search(ApiCall& call);
  Result<void> Scatter(ApiCall& call);
  Result<void> Trace(ApiCall& call);
  Result<void> Outline(ApiCall& call);
  Result<void> Span(ApiCall& call);
  Result<void> NotThere(ApiCall& call, const Error& error, const char* where);

  query::TraceReader& reader_;
  query::LogReader& log_reader_;
  const SamplingControl* const sampling_;
};

}  // namespace sightline::serve
