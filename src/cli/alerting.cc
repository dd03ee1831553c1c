#include "cli/alerting.h"

#include <utility>

namespace sightline::cli {

Alerting::Alerting(Options options, store::ClickHouse& clickhouse, state::Database& database, MetricsRegistry& metrics,
                   const Clock& clock)
    : options_(std::move(options)),
      database_(database),
      rules_(database, clock),
      files_(options_.directory.empty() ? "" : options_.directory + "/rules"),
      queries_(clickhouse, options_.queries),
      enricher_(rules_, files_, clickhouse, options_.queries),
      evaluator_({.rules = rules_,
                  .files = files_,
                  .queries = queries_,
                  .database = database,
                  .metrics = metrics,
                  .sink = options_.sink,
                  .burns = options_.burns,
                  .query_nanos_max = options_.query_nanos_max,
                  .clock = clock}) {}

Result<std::unique_ptr<Alerting>> Alerting::Open(Options options, store::ClickHouse& clickhouse,
                                                 state::Database& database, MetricsRegistry& metrics,
                                                 const Clock& clock) {
  std::unique_ptr<Alerting> alerting(new Alerting(std::move(options), clickhouse, database, metrics, clock));
  SIGHTLINE_TRY(alerting->evaluator_.Open());
  return alerting;
}

serve::AlertParts Alerting::parts() {
  return {.rules = rules_,
          .files = files_,
          .queries = queries_,
          .evaluator = evaluator_,
          .database = database_,
          .burns = options_.burns,
          .marks = options_.marks};
}

}  // namespace sightline::cli
