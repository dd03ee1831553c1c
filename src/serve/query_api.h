// The endpoints on many spans at once: numbers over time, groups, heatmaps, lists, explanations.
#pragma once

#include "query/explain.h"
#include "query/span_groups.h"
#include "query/span_heatmap.h"
#include "query/span_list.h"
#include "query/span_series.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class QueryApi {
 public:
  // They must outlive it.
  struct Readers {
    query::SpanSeriesReader& series;
    query::GroupReader& groups;
    query::HeatmapReader& heatmap;
    query::SpanListReader& spans;
    query::Explainer& explainer;
  };
  explicit QueryApi(Readers readers) : readers_(readers) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> GetSeries(ApiCall& call);
  Result<void> GetGroups(ApiCall& call);
  Result<void> GetHeatmap(ApiCall& call);
  Result<void> GetSpans(ApiCall& call);
  Result<void> GetExplanation(ApiCall& call);

  const Readers readers_;
};

}  // namespace sightline::serve
