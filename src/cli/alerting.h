// Everything that alerts are made of, put together.
#pragma once

#include <memory>
#include <string>

#include "alert/burn_source.h"
#include "alert/evaluator.h"
#include "alert/rule_enricher.h"
#include "alert/rule_files.h"
#include "alert/rule_queries.h"
#include "alert/rule_store.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "notify/alert_event.h"
#include "serve/alerts_api.h"
#include "state/database.h"
#include "store/clickhouse.h"

namespace sightline::cli {

// Thread: main.
class Alerting {
 public:
  struct Options {
    std::string directory;  // of files; "": there are none
    int64_t query_nanos_max = 30'000'000'000;
    alert::QueryOptions queries;
    notify::EventSink* sink = nullptr;   // null: nobody is told
    alert::BurnSource* burns = nullptr;  // null: there are no objectives
    serve::AlertMarks* marks = nullptr;  // null: nothing was done about any
  };
  // What is borrowed must outlive it. The rules are evaluated from Start on.
  static Result<std::unique_ptr<Alerting>> Open(Options options, store::ClickHouse& clickhouse,
                                                state::Database& database, MetricsRegistry& metrics,
                                                const Clock& clock);
  void Start() { evaluator_.Start(); }
  void Stop() { evaluator_.Stop(); }

  serve::AlertParts parts();
  notify::Enricher& enricher() { return enricher_; }

 private:
  Alerting(Options options, store::ClickHouse& clickhouse, state::Database& database, MetricsRegistry& metrics,
           const Clock& clock);

  const Options options_;
  state::Database& database_;
  alert::RuleStore rules_;
  alert::RuleFiles files_;
  alert::RuleQueries queries_;
  alert::RuleEnricher enricher_;
  alert::Evaluator evaluator_;
};

}  // namespace sightline::cli
