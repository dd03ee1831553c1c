#include "alert/rule_enricher.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "alert/symptoms.h"

namespace sightline::alert {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr double kNanos = 1e9;

// Cancels when the time is up. Thread: of its owner.
class Deadline {
 public:
  explicit Deadline(int seconds)
      : thread_([this, seconds] {
          std::unique_lock lock(mutex_);
          if (!wake_.wait_for(lock, std::chrono::seconds(seconds), [this] { return done_; })) cancellation_.Cancel();
        }) {}
  ~Deadline() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  store::Cancellation* cancellation() { return &cancellation_; }

 private:
  store::Cancellation cancellation_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace

RuleEnricher::RuleEnricher(RuleStore& rules, RuleFiles& files, store::ClickHouse& clickhouse,
                           const QueryOptions& options)
    : rules_(rules),
      files_(files),
      items_(clickhouse, options.hot_attributes, options.database),
      traces_(clickhouse, options.hot_attributes, options.database),
      spans_(items_, traces_),
      explainer_(items_) {}

std::optional<RuleDocument> RuleEnricher::Find(const std::string& rule_id) {
  int64_t number = 0;
  const char* end = rule_id.data() + rule_id.size();
  if (std::from_chars(rule_id.data(), end, number).ptr == end) {
    auto rule = rules_.Get(number);
    if (!rule) return std::nullopt;
    return std::move(rule->document);
  }
  auto files = files_.List();
  if (!files) return std::nullopt;
  const auto found = std::ranges::find(files->rules, rule_id, &Rule::id);
  if (found == files->rules.end()) return std::nullopt;
  return std::move(found->document);
}

std::optional<notify::Enrichment> RuleEnricher::Enrich(const notify::AlertEvent& event, int seconds_max) {
  if (event.state != notify::EventState::kFiring) return std::nullopt;
  const auto rule = Find(event.rule_id);
  if (!rule) return std::nullopt;
  Deadline deadline(seconds_max);
  auto enrichment = Ask(*rule, event, deadline.cancellation());
  if (!enrichment) return std::nullopt;
  return *std::move(enrichment);
}

Result<notify::Enrichment> RuleEnricher::Ask(const RuleDocument& rule, const notify::AlertEvent& event,
                                             store::Cancellation* cancellation) {
  notify::Enrichment enrichment;
  const auto symptoms = SymptomsOf(rule, event.labels);
  if (!symptoms) return enrichment;
  const int64_t to = event.at_unix_nanos - rule.delay_seconds * kSecond;
  const int64_t from = std::max<int64_t>(event.starts_unix_nanos - (rule.delay_seconds + rule.window_seconds) * kSecond,
                                         to - 3600 * kSecond);
  auto population = query::ParseItemQuery(otlp::Signal::kTraces, symptoms->population, from, to);
  if (!population) return std::unexpected(population.error());
  query::ExplainSearch search{.query = *population, .limit = kDifferencesMax};
  search.selection.condition = symptoms->selection;
  const bool has_duration = symptoms->compares_durations && std::isfinite(event.value) && event.value > 0;
  if (has_duration) search.selection.min_duration_nanos = static_cast<uint64_t>(event.value * kNanos);
  if (symptoms->compares_times) {
    search.baseline_from_unix_nanos = from - (to - from);
    search.baseline_to_unix_nanos = from;
  }
  auto explanation = explainer_.Explain(search, cancellation);
  if (!explanation) return std::unexpected(explanation.error());
  for (const auto& attribute : explanation->attributes) {
    for (const auto& value : attribute.values) {
      if (!value.differs || value.selection <= value.baseline) continue;
      enrichment.differences.push_back({attribute.field, value.literal, value.selection, value.baseline});
      break;
    }
  }
  auto selected = query::ParseItemQuery(otlp::Signal::kTraces, symptoms->selection, from, to);
  if (!selected) return std::unexpected(selected.error());
  // The slowest where it is about durations.
  auto listed = spans_.Read(
      {.query = *selected, .sort = has_duration ? query::TraceSort::kSlowest : query::TraceSort::kNewest, .limit = 50},
      cancellation);
  if (!listed) return std::unexpected(listed.error());
  for (const auto& one : listed->spans) {
    auto& ids = enrichment.trace_ids;
    if (ids.size() < kSampleTracesMax && std::ranges::find(ids, one.span.trace_id) == ids.end()) {
      ids.push_back(one.span.trace_id);
    }
  }
  return enrichment;
}

}  // namespace sightline::alert
