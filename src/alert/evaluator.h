// Asks each rule's question when it is due, and keeps what comes of it. Data: rules -> questions to the store ->
// samples -> instances; their transitions and what is told of them in one transaction of the state.
//
// A rule is due at whole intervals from an offset that its question decides, so that rules are spread over time, and
// those that ask the same are due together and share the answer. What a rule is evaluated for is its due time, not the
// clock's: a backtest asks the same. An evaluation that is late by an interval is left out and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "alert/burn_source.h"
#include "alert/expectations.h"
#include "alert/instance_set.h"
#include "alert/instance_store.h"
#include "alert/rule_files.h"
#include "alert/rule_queries.h"
#include "alert/rule_store.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "notify/alert_event.h"
#include "state/database.h"

namespace sightline::alert {

// A pending instance waits on over a stop of the program up to so long.
inline constexpr int64_t kOutageNanos = 3'600'000'000'000;

struct RuleStatus {
  int64_t evaluated_unix_nanos = 0;  // 0: not yet
  int64_t next_unix_nanos = 0;
  double seconds = 0;  // that the last one took
  std::string error;   // of the last one; "": it went well
  std::string worst;   // "firing" and so on: the worst state of its instances
  uint64_t instances = 0, firing = 0, pending = 0;
  bool is_over_max = false;  // there are more groups than groups_max
};

// An instance as it is now.
struct Alert {
  std::string rule_id, rule_name, fingerprint;
  Labels labels, annotations;  // all of them, expanded
  State state = State::kInactive;
  Level level = Level::kNone;
  int64_t since_unix_nanos = 0;
  double value = 0;
  uint32_t flaps = 0;
  std::string message;  // of an error
};

// Thread: Start and Stop of the owner; the rest any, RunDue not while it is started.
class Evaluator {
 public:
  struct Parts {
    RuleStore& rules;
    RuleFiles& files;
    RuleQueries& queries;
    state::Database& database;
    MetricsRegistry& metrics;
    notify::EventSink* sink = nullptr;  // null: nobody is told
    BurnSource* burns = nullptr;        // null: there are no objectives
    // A question that takes longer, or longer than its rule's interval and 10 s, is ended, and an error.
    int64_t query_nanos_max = 30'000'000'000;
    const Clock& clock = Clock::System();
  };
  // All must outlive it.
  explicit Evaluator(Parts parts);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  // What was kept is loaded; kDataLoss, kUnavailable: it cannot be.
  Result<void> Open();
  void Start();
  void Stop();

  // Rules were made, changed or deleted.
  void RulesChanged();
  // Takes over the rules as they are, and evaluates all that are due. When the next one is due, or 0.
  int64_t RunDue();

  std::optional<RuleStatus> StatusOf(const std::string& rule_id) const;
  std::vector<Alert> Alerts() const;  // that are not inactive, by rule and labels

 private:
  struct Running {
    std::shared_ptr<const Rule> rule;
    uint64_t question = 0;  // hash
    KeptRule kept;          // but the instances
    InstanceSet instances;
    std::shared_ptr<Expectations> expectations;  // of kind anomaly, from the first evaluation on
    std::string unit;
    int64_t next = 0;
    RuleStatus status;
    bool is_evaluated = false;  // since the start
  };

  void Run();
  size_t CountInstances(State state) const;  // as Alerts has them
  void WatchTime();
  Result<void> TakeRules(bool read_own);
  void TakeRule(Rule rule);
  void EndRule(const std::string& id, Running& running);
  void Evaluate(const std::string& id, int64_t now);
  Result<Reading> Read(Running& running, int64_t now);
  Result<void> AddBands(Running& running, int64_t window_from, Reading& reading);
  Result<void> WithinTime(const RuleDocument& rule,
                          const std::function<Result<void>(store::Cancellation* cancellation)>& ask);
  std::shared_ptr<const Result<Groups>> Ask(const Running& running, int64_t to_unix_nanos);
  Result<void> Keep(Running& after, const InstanceSet::Outcome& outcome, const std::optional<Change>& health,
                    int64_t now, const std::string& error);
  Result<void> Tell(state::Session& session, const Running& running, const Labels& labels, const Change& change,
                    Level before, double value, int64_t now, const std::string& message);
  void KeepEvaluated(int64_t now);

  const Parts parts_;
  Counter& evaluations_;
  Counter& failures_;
  Counter& skipped_;
  Counter& shared_;
  std::atomic<uint64_t> busy_micros_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;                   // guarded by mutex_
  bool changed_ = true;                     // guarded by mutex_
  std::map<std::string, Running> running_;  // by rule id; changed by the evaluating thread under mutex_
  // Of the evaluating thread.
  std::set<std::string> own_;  // ids
  bool own_read_ = false;
  std::string rules_problem_;  // that was logged last
  int64_t files_read_ = 0, kept_ = 0;
  int64_t answers_at_ = 0;
  std::map<std::pair<std::string, int64_t>, std::shared_ptr<const Result<Groups>>> answers_;  // of one due time
  // Of the question that runs; guarded by mutex_.
  store::Cancellation* cancellation_ = nullptr;
  int64_t cancelled_at_ = 0;  // monotonic
  std::thread thread_, watch_;
};

}  // namespace sightline::alert
