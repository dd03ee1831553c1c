// The endpoint on numbers over time that TraceQL calculates from spans.
#pragma once

#include "query/span_series.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class QueryApi {
 public:
  // `reader` must outlive it.
  explicit QueryApi(query::SpanSeriesReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> GetSeries(ApiCall& call);

  query::SpanSeriesReader& reader_;
};

}  // namespace sightline::serve
