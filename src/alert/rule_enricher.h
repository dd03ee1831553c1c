// What helps to understand an alert about spans: in which they differ from others, and traces of them.
#pragma once

#include <optional>

#include "alert/rule_files.h"
#include "alert/rule_queries.h"
#include "alert/rule_store.h"
#include "notify/alert_event.h"
#include "query/explain.h"
#include "query/span_list.h"
#include "query/traces.h"

namespace sightline::alert {

inline constexpr size_t kDifferencesMax = 5, kSampleTracesMax = 5;

// Thread: any, one call at a time.
class RuleEnricher final : public notify::Enricher {
 public:
  // What is borrowed must outlive it.
  RuleEnricher(RuleStore& rules, RuleFiles& files, store::ClickHouse& clickhouse, const QueryOptions& options);

  std::optional<notify::Enrichment> Enrich(const notify::AlertEvent& event, int seconds_max) override;

 private:
  std::optional<RuleDocument> Find(const std::string& rule_id);
  Result<notify::Enrichment> Ask(const RuleDocument& rule, const notify::AlertEvent& event,
                                 store::Cancellation* cancellation);

  RuleStore& rules_;
  RuleFiles& files_;
  query::ItemSource items_;
  query::TraceReader traces_;
  query::SpanListReader spans_;
  query::Explainer explainer_;
};

}  // namespace sightline::alert
