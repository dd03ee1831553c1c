#include "alert/evaluator.h"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "alert/burn_reading.h"
#include "alert/describe.h"
#include "alert/due.h"
#include "base/log.h"
#include "base/units.h"

namespace sightline::alert {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kFilesNanos = 5 * kSecond;    // between two looks at the directory
constexpr int64_t kKeepNanos = 60 * kSecond;    // between two notes of when rules were evaluated
constexpr int64_t kLinkNanos = 3600 * kSecond;  // of the range that a link shows, before it began
constexpr std::chrono::milliseconds kWatchEvery{250};
constexpr int64_t kQueryNanosMin = 10 * kSecond;
constexpr int64_t kWaitNanosMax = 5 * kSecond;

uint64_t Hash(const std::string& text) {
  return XXH3_64bits(text.data(), text.size());
}

int Rank(State state) {
  switch (state) {
    case State::kInactive:
      return 0;
    case State::kPending:
      return 1;
    case State::kNoData:
      return 2;
    case State::kError:
      return 3;
    case State::kFiring:
      return 4;
  }
  return 0;
}

// Of the instance that is the rule itself.
std::string HealthFingerprint(const std::string& rule_id) {
  return Fingerprint(rule_id + "\nhealth", {});
}

std::string LinkTo(const std::string& rule_id, int64_t starts, int64_t at) {
  return fmt::format("/alerts/rules/{}?from={}&to={}", rule_id, starts - kLinkNanos, at);
}

notify::EventState EventStateOf(Notice notice) {
  switch (notice) {
    case Notice::kResolved:
      return notify::EventState::kResolved;
    case Notice::kNoData:
      return notify::EventState::kNoData;
    case Notice::kError:
      return notify::EventState::kError;
    default:
      return notify::EventState::kFiring;
  }
}

}  // namespace

Evaluator::Evaluator(Parts parts)
    : parts_(parts),
      evaluations_(parts.metrics.GetCounter("sightline.alert.evaluations", "{evaluation}", "Evaluations of rules")),
      failures_(parts.metrics.GetCounter("sightline.alert.evaluation_failures", "{evaluation}",
                                         "Evaluations whose query failed, or whose outcome could not be kept")),
      skipped_(parts.metrics.GetCounter("sightline.alert.evaluations_skipped", "{evaluation}",
                                        "Evaluations left out as they were late by an interval")),
      shared_(parts.metrics.GetCounter("sightline.alert.answers_shared", "{answer}",
                                       "Answers that a rule had from another one that asked the same")) {
  parts_.metrics.SetCounter("sightline.alert.evaluation_time", "s", "Time that evaluations took", {},
                            [this] { return static_cast<double>(busy_micros_.load()) / 1e6; });
  parts_.metrics.SetGauge("sightline.alert.rules", "{rule}", "Rules that are evaluated", {}, [this] {
    const std::lock_guard lock(mutex_);
    return static_cast<double>(running_.size());
  });
  for (const State state : {State::kPending, State::kFiring, State::kNoData, State::kError}) {
    parts_.metrics.SetGauge("sightline.alert.instances", "{instance}", "Instances of rules that are not inactive",
                            {{"state", std::string(StateName(state))}},
                            [this, state] { return static_cast<double>(CountInstances(state)); });
  }
}

Evaluator::~Evaluator() {
  Stop();
  parts_.metrics.Unregister("sightline.alert.evaluation_time");
  parts_.metrics.Unregister("sightline.alert.rules");
  for (const State state : {State::kPending, State::kFiring, State::kNoData, State::kError}) {
    parts_.metrics.Unregister("sightline.alert.instances", {{"state", std::string(StateName(state))}});
  }
}

Result<void> Evaluator::Open() {
  std::map<std::string, KeptRule> kept;
  SIGHTLINE_TRY(parts_.database.Transaction([&](state::Session& session) -> Result<void> {
    auto loaded = LoadKept(session);
    if (!loaded) return std::unexpected(loaded.error());
    kept = *std::move(loaded);
    return {};
  }));
  const int64_t now = parts_.clock.UnixNanos();
  const std::lock_guard lock(mutex_);
  for (auto& [id, one] : kept) {
    Running& running = running_[id];
    for (auto& [labels, instance] : one.instances) instance.seen = now;
    running.instances = InstanceSet(std::move(one.instances));
    one.instances.clear();
    Rule rule{.id = id, .version = 0};
    rule.document.name = one.name;
    running.rule = std::make_shared<const Rule>(std::move(rule));
    running.next = INT64_MAX;  // until the rule itself has been read
    running.kept = std::move(one);
  }
  return {};
}

void Evaluator::Start() {
  thread_ = std::thread([this] { Run(); });
  watch_ = std::thread([this] { WatchTime(); });
}

void Evaluator::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (cancellation_) cancellation_->Cancel();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (watch_.joinable()) watch_.join();
}

void Evaluator::WatchTime() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kWatchEvery, [&] { return stopping_; })) {
    if (cancellation_ && parts_.clock.MonotonicNanos() >= cancelled_at_) cancellation_->Cancel();
  }
}

void Evaluator::RulesChanged() {
  {
    const std::lock_guard lock(mutex_);
    changed_ = true;
  }
  wake_.notify_all();
}

void Evaluator::Run() {
  while (true) {
    const int64_t next = RunDue();
    const int64_t now = parts_.clock.UnixNanos();
    const int64_t wait = next == 0 ? kWaitNanosMax : std::clamp<int64_t>(next - now, 0, kWaitNanosMax);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::nanoseconds(wait), [&] { return stopping_ || changed_; });
    if (stopping_) return;
  }
}

int64_t Evaluator::RunDue() {
  const int64_t now = parts_.clock.UnixNanos();
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = std::exchange(changed_, false);
  }
  if (changed || now - files_read_ >= kFilesNanos) {
    const auto taken = TakeRules(changed || !own_read_);
    const std::string problem = taken ? std::string() : taken.error().message;
    if (!taken && problem != rules_problem_) {
      Log(LogLevel::kError, "alert rules cannot be read", {{"error", problem}});
    }
    rules_problem_ = problem;
    if (!taken) own_read_ = false;  // the next look tries again
  }
  struct Due {
    int64_t at = 0;
    uint64_t question = 0;
    std::string id;
    auto operator<=>(const Due&) const = default;
  };
  std::set<Due> due;
  for (const auto& [id, running] : running_) {
    if (running.next <= now) due.insert({running.next, running.question, id});
  }
  for (const Due& one : due) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return 0;
    }
    Evaluate(one.id, one.at);
  }
  if (now - kept_ >= kKeepNanos) KeepEvaluated(now);
  int64_t next = 0;
  for (const auto& [id, running] : running_) next = next == 0 ? running.next : std::min(next, running.next);
  return next;
}

Result<void> Evaluator::TakeRules(bool read_own) {
  files_read_ = parts_.clock.UnixNanos();
  if (read_own) {
    auto own = parts_.rules.List();
    if (!own) return std::unexpected(own.error());
    own_.clear();
    for (Rule& rule : *own) {
      if (!rule.document.enabled) continue;
      own_.insert(rule.id);
      TakeRule(std::move(rule));
    }
    own_read_ = true;
  }
  auto files = parts_.files.List();
  if (!files) return std::unexpected(files.error());
  std::set<std::string> there = own_;
  for (Rule& rule : files->rules) {
    if (!rule.document.enabled) continue;
    there.insert(rule.id);
    TakeRule(std::move(rule));
  }
  // A file that does not read for a moment ends nothing: its rule goes on as it was.
  for (const state::BrokenFile& broken : files->broken) there.insert(RuleIdOfFile(broken.file));
  std::vector<std::string> gone;
  for (const auto& [id, running] : running_) {
    if (!there.contains(id)) gone.push_back(id);
  }
  for (const std::string& id : gone) {
    EndRule(id, running_.at(id));
    const std::lock_guard lock(mutex_);
    running_.erase(id);
  }
  return {};
}

void Evaluator::TakeRule(Rule rule) {
  const auto known = running_.find(rule.id);
  const bool is_new = known == running_.end();
  if (!is_new && known->second.rule->version == rule.version &&
      known->second.rule->updated_unix_nanos == rule.updated_unix_nanos) {
    return;
  }
  const std::string id = rule.id;
  const uint64_t meaning = Hash(rule.document.meaning);
  if (!is_new && known->second.kept.meaning != meaning) EndRule(id, known->second);
  const std::lock_guard lock(mutex_);
  Running& running = running_[id];
  running.rule = std::make_shared<const Rule>(std::move(rule));
  running.question = Hash(running.rule->document.question);
  running.kept.name = running.rule->document.name;
  running.kept.meaning = meaning;
  const int64_t interval = running.rule->document.interval_seconds * kSecond;
  running.next = DueAtOrBefore(running.rule->document, parts_.clock.UnixNanos()) + interval;
  running.next = std::max(running.next, DueAtOrBefore(running.rule->document, running.kept.evaluated) + interval);
  running.status.next_unix_nanos = running.next;
}

// What goes on has ended.
void Evaluator::EndRule(const std::string& id, Running& running) {
  const int64_t now = parts_.clock.UnixNanos();
  Running after = running;
  const auto outcome = after.instances.EndAll(now);
  const auto health = End(now, after.kept.health);
  const auto done = parts_.database.Transaction([&](state::Session& session) -> Result<void> {
    for (const Changed& one : outcome.changed) {
      SIGHTLINE_TRY(Tell(session, running, one.labels, one.change, one.level_before, one.value, now, ""));
    }
    if (health) {
      SIGHTLINE_TRY(Tell(session, running, {}, *health, Level::kNone, std::nan(""), now, running.status.error));
    }
    return DeleteKept(session, id);
  });
  if (!done) Log(LogLevel::kError, "the end of alerts cannot be kept", {{"rule", id}, {"error", done.error().message}});
  if (done && parts_.sink != nullptr) parts_.sink->Wake();
  after.kept = {};
  after.status = {};
  const std::lock_guard lock(mutex_);
  running = std::move(after);
}

std::shared_ptr<const Result<Groups>> Evaluator::Ask(const Running& running, int64_t to_unix_nanos) {
  const RuleDocument& rule = running.rule->document;
  const std::pair key(rule.question, to_unix_nanos);
  if (const auto known = answers_.find(key); known != answers_.end()) {
    shared_.Add(1);
    return known->second;
  }
  const Steps steps{to_unix_nanos - rule.window_seconds * kSecond, to_unix_nanos, rule.window_seconds};
  Groups groups;
  const auto asked = WithinTime(rule, [&](store::Cancellation* cancellation) -> Result<void> {
    auto read = parts_.queries.Ask(rule, steps, parts_.clock.UnixNanos(), cancellation);
    if (!read) return std::unexpected(read.error());
    groups = *std::move(read);
    return {};
  });
  auto answer = asked ? std::make_shared<const Result<Groups>>(std::move(groups))
                      : std::make_shared<const Result<Groups>>(std::unexpected(asked.error()));
  answers_.emplace(key, answer);
  return answer;
}

Result<void> Evaluator::WithinTime(const RuleDocument& rule,
                                   const std::function<Result<void>(store::Cancellation* cancellation)>& ask) {
  // What takes longer than its interval would hold up all others for good.
  const int64_t nanos_max = std::min(parts_.query_nanos_max, std::max(kQueryNanosMin, rule.interval_seconds * kSecond));
  store::Cancellation cancellation;
  {
    const std::lock_guard lock(mutex_);
    cancellation_ = &cancellation;
    cancelled_at_ = parts_.clock.MonotonicNanos() + nanos_max;
    if (stopping_) cancellation.Cancel();
  }
  auto done = ask(&cancellation);
  const std::lock_guard lock(mutex_);
  cancellation_ = nullptr;
  // What the stop of the program ended says nothing of the rule.
  if (done || !cancellation.cancelled() || stopping_) return done;
  return Fail(Code::kDeadlineExceeded, "it took more than {}", PrintDuration(nanos_max));
}

// What is expected of each group; of what counts, of those too that are not in the answer.
Result<void> Evaluator::AddBands(Running& running, int64_t window_from, Reading& reading) {
  const RuleDocument& rule = running.rule->document;
  if (!running.expectations) running.expectations = std::make_shared<Expectations>(rule, window_from);
  SIGHTLINE_TRY(WithinTime(rule, [&](store::Cancellation* cancellation) {
    return running.expectations->Extend(parts_.queries, rule, window_from, parts_.clock.UnixNanos(), cancellation);
  }));
  AnomalyModels& models = running.expectations->models();
  std::set<Labels> present;
  for (const auto& [labels, observation] : reading.groups) present.insert(labels);
  for (const auto& [labels, model] : models) {
    if (reading.counts && !present.contains(labels)) reading.groups.push_back({labels, {.value = 0}});
  }
  for (auto& [labels, observation] : reading.groups) {
    observation.band = BandOf(models, labels, window_from, observation.value);
    LearnOne(models, labels, window_from, observation.value);
  }
  return {};
}

Result<Reading> Evaluator::Read(Running& running, int64_t now) {
  const RuleDocument& rule = running.rule->document;
  const int64_t to = now - rule.delay_seconds * kSecond;
  if (rule.condition.kind == ConditionKind::kBurnRate) return ReadBurns(parts_.burns, rule, to);
  const auto answer = Ask(running, to);
  if (!*answer) return std::unexpected(answer->error());
  const Groups& groups = **answer;
  Reading reading{.counts = groups.counts, .is_cut = groups.is_cut, .unit = groups.unit};
  std::map<Labels, double> before;
  if (rule.condition.kind == ConditionKind::kChange) {
    const auto then = Ask(running, to - rule.condition.against_seconds * kSecond);
    if (!*then) return std::unexpected(then->error());
    for (const Group& group : (*then)->groups) before.emplace(group.labels, group.values.back());
  }
  for (const Group& group : groups.groups) {
    Observation observation{.value = group.values.back()};
    if (const auto then = before.find(group.labels); then != before.end()) {
      observation.before = then->second;
    } else if (groups.counts) {
      observation.before = 0;
    }
    reading.groups.emplace_back(group.labels, observation);
  }
  if (rule.condition.kind == ConditionKind::kAnomaly) {
    SIGHTLINE_TRY(AddBands(running, to - rule.window_seconds * kSecond, reading));
  }
  return reading;
}

void Evaluator::Evaluate(const std::string& id, int64_t now) {
  Running& running = running_.at(id);
  if (answers_at_ != now) answers_.clear();
  answers_at_ = now;
  const int64_t begin = parts_.clock.MonotonicNanos();
  auto reading = Read(running, now);
  if (!reading && reading.error().code == Code::kCancelled) return;  // it stops
  evaluations_.Add(1);
  if (!reading) failures_.Add(1);
  Running after = running;
  // Nobody knows of a breach whether it went on while the program did not run.
  if (!after.is_evaluated && now - after.kept.evaluated > kOutageNanos) after.instances.ForgetPending(now);
  after.is_evaluated = true;
  const Patience patience = PatienceOf(after.rule->document);
  const std::string error = reading ? std::string() : reading.error().message;
  const auto health = AdvanceHealth(patience, !reading, now, after.kept.health);
  InstanceSet::Outcome outcome;
  if (reading) after.unit = reading->unit;
  if (reading) outcome = after.instances.Advance(after.rule->document, *reading, now);
  after.kept.evaluated = now;
  const auto done = Keep(after, outcome, health, now, error.empty() ? running.status.error : error);
  const auto is_told = [](const Changed& one) { return one.change.notice != Notice::kNone; };
  if (done && parts_.sink != nullptr && (health || std::ranges::any_of(outcome.changed, is_told))) parts_.sink->Wake();
  const int64_t took = parts_.clock.MonotonicNanos() - begin;
  busy_micros_ += static_cast<uint64_t>(took / 1000);
  const int64_t interval = after.rule->document.interval_seconds * kSecond;
  int64_t next = now + interval;
  if (const int64_t late = parts_.clock.UnixNanos() - next; late >= interval) {
    skipped_.Add(static_cast<uint64_t>(late / interval));
    next += late / interval * interval;
  }
  const std::lock_guard lock(mutex_);
  if (done) {
    running = std::move(after);
  } else {
    failures_.Add(1);
    Log(LogLevel::kError, "what an alert rule came to cannot be kept", {{"rule", id}, {"error", done.error().message}});
  }
  running.next = next;
  running.status.next_unix_nanos = next;
  running.status.evaluated_unix_nanos = now;
  running.status.seconds = static_cast<double>(took) / 1e9;
  running.status.error = done ? error : done.error().message;
  running.status.is_over_max = outcome.is_over_max;
}

Result<void> Evaluator::Keep(Running& after, const InstanceSet::Outcome& outcome, const std::optional<Change>& health,
                             int64_t now, const std::string& error) {
  if (outcome.changed.empty() && outcome.to_save.empty() && outcome.to_delete.empty() && !health) return {};
  const std::string& id = after.rule->id;
  return parts_.database.Transaction([&](state::Session& session) -> Result<void> {
    SIGHTLINE_TRY(SaveRule(session, id, after.kept));
    for (const Labels& labels : outcome.to_delete) SIGHTLINE_TRY(DeleteInstance(session, id, labels));
    for (const Labels& labels : outcome.to_save) {
      const auto instance = after.instances.instances().find(labels);
      if (instance != after.instances.instances().end()) SIGHTLINE_TRY(SaveInstance(session, id, instance->second));
    }
    for (const Changed& one : outcome.changed) {
      SIGHTLINE_TRY(Tell(session, after, one.labels, one.change, one.level_before, one.value, now, ""));
    }
    if (health) SIGHTLINE_TRY(Tell(session, after, {}, *health, Level::kNone, std::nan(""), now, error));
    return {};
  });
}

Result<void> Evaluator::Tell(state::Session& session, const Running& running, const Labels& labels,
                             const Change& change, Level before, double value, int64_t now,
                             const std::string& message) {
  const RuleDocument& rule = running.rule->document;
  const bool is_health = change.from == State::kError || change.to == State::kError;
  const std::string fingerprint =
      is_health ? HealthFingerprint(running.rule->id) : Fingerprint(running.rule->id, labels);
  std::string severity(LevelName(change.level));
  if (severity.empty()) severity = LevelName(PatienceOf(rule).lowest);
  const Labels all = AllLabels(rule.labels, labels);
  if (change.is_transition(before)) {
    SIGHTLINE_TRY(AddTransition(session, {.at_unix_nanos = now,
                                          .rule_id = running.rule->id,
                                          .rule_name = rule.name,
                                          .fingerprint = fingerprint,
                                          .labels = all,
                                          .from = change.from,
                                          .to = change.to,
                                          .severity = std::string(LevelName(change.level)),
                                          .value = value,
                                          .message = message}));
  }
  if (change.notice == Notice::kNone || parts_.sink == nullptr) return {};
  notify::AlertEvent event;
  event.rule_id = running.rule->id;
  event.rule_name = rule.name;
  event.fingerprint = fingerprint;
  event.labels = all;
  for (const auto& [key, text] : rule.annotations) event.annotations[key] = ExpandTemplate(text, all, value);
  event.state = EventStateOf(change.notice);
  event.severity = severity;
  event.value = value;
  event.unit = running.unit;
  event.condition = is_health ? "" : DescribeCondition(rule, change.level);
  if (is_health) event.problem = message;
  event.starts_unix_nanos = change.starts;
  event.ends_unix_nanos = change.ends;
  event.at_unix_nanos = now;
  event.link = LinkTo(running.rule->id, change.starts, change.ends != 0 ? change.ends : now);
  return parts_.sink->Add(session, event);
}

// How long the program did not run is told from this after a start.
void Evaluator::KeepEvaluated(int64_t now) {
  kept_ = now;
  const auto done = parts_.database.Transaction([&](state::Session& session) -> Result<void> {
    for (const auto& [id, running] : running_) {
      if (running.is_evaluated) SIGHTLINE_TRY(SaveRule(session, id, running.kept));
    }
    return {};
  });
  if (!done) Log(LogLevel::kWarning, "when rules were evaluated cannot be kept", {{"error", done.error().message}});
}

std::optional<RuleStatus> Evaluator::StatusOf(const std::string& rule_id) const {
  const std::lock_guard lock(mutex_);
  const auto known = running_.find(rule_id);
  if (known == running_.end()) return std::nullopt;
  RuleStatus status = known->second.status;
  State worst = known->second.kept.health.state;
  for (const auto& [labels, instance] : known->second.instances.instances()) {
    const State state = instance.memory.state;
    if (Rank(state) > Rank(worst)) worst = state;
    ++status.instances;
    status.firing += state == State::kFiring ? 1 : 0;
    status.pending += state == State::kPending ? 1 : 0;
  }
  status.worst = StateName(worst);
  return status;
}

size_t Evaluator::CountInstances(State state) const {
  size_t count = 0;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, running] : running_) {
    if (state == State::kError && running.kept.health.state == state) ++count;
    for (const auto& [labels, instance] : running.instances.instances()) count += instance.memory.state == state;
  }
  return count;
}

std::vector<Alert> Evaluator::Alerts() const {
  std::vector<Alert> alerts;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, running] : running_) {
    const RuleDocument& rule = running.rule->document;
    const auto add = [&](const Labels& labels, const Memory& memory, double value) -> Alert& {
      Alert& alert = alerts.emplace_back();
      alert.rule_id = id;
      alert.rule_name = rule.name;
      alert.fingerprint = Fingerprint(id, labels);
      alert.labels = AllLabels(rule.labels, labels);
      for (const auto& [key, text] : rule.annotations) {
        alert.annotations[key] = ExpandTemplate(text, alert.labels, value);
      }
      alert.state = memory.state;
      alert.level = memory.level;
      alert.since_unix_nanos = memory.since;
      alert.value = value;
      alert.flaps = memory.flaps;
      return alert;
    };
    if (running.kept.health.state == State::kError) {
      Alert& alert = add({}, running.kept.health, std::nan(""));
      alert.fingerprint = HealthFingerprint(id);
      alert.message = running.status.error;
    }
    for (const auto& [labels, instance] : running.instances.instances()) {
      if (instance.memory.state != State::kInactive) add(labels, instance.memory, instance.value);
    }
  }
  return alerts;
}

}  // namespace sightline::alert
