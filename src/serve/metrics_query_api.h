// The endpoints that compute with metrics: several in one answer, heatmaps, cardinality.
#pragma once

#include <string>

#include "query/metrics.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class MetricsQueryApi {
 public:
  // What is borrowed must outlive it.
  MetricsQueryApi(query::MetricReader& reader, store::ClickHouse& clickhouse, std::string database)
      : reader_(reader), clickhouse_(clickhouse), database_(std::move(database)) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Query(ApiCall& call);
  Result<void> Heatmap(ApiCall& call);
  Result<void> Cardinality(ApiCall& call);

  query::MetricReader& reader_;
  store::ClickHouse& clickhouse_;
  const std::string database_;
};

}  // namespace sightline::serve
