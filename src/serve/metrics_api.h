// The endpoints on metrics: the list, one metric as series, and single measurements behind it.
#pragma once

#include "query/metric_exemplars.h"
#include "query/metrics.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class MetricsApi {
 public:
  // Both must outlive it.
  MetricsApi(query::MetricReader& reader, query::ExemplarReader& exemplars) : reader_(reader), exemplars_(exemplars) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> GetSeries(ApiCall& call);
  Result<void> GetExemplars(ApiCall& call);

  query::MetricReader& reader_;
  query::ExemplarReader& exemplars_;
};

}  // namespace sightline::serve
