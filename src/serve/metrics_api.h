// The endpoints on metrics: the list, and one metric as series.
#pragma once

#include "query/metrics.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class MetricsApi {
 public:
  // `reader` must outlive it.
  explicit MetricsApi(query::MetricReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> GetSeries(ApiCall& call);

  query::MetricReader& reader_;
};

}  // namespace sightline::serve
