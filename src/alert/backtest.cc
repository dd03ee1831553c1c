#include "alert/backtest.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "alert/burn_reading.h"
#include "alert/due.h"
#include "alert/expectations.h"

namespace sightline::alert {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStepsMax = 5000;  // of a question
constexpr int64_t kFitsMax = 1000;   // of models of groups, about a millisecond each

// Thread: of its owner.
class Simulation {
 public:
  Simulation(RuleQueries& queries, BurnSource* burns, const RuleDocument& rule, int64_t now,
             store::Cancellation* cancellation)
      : queries_(queries), burns_(burns), rule_(rule), now_(now), cancellation_(cancellation) {}

  Result<Backtest> Run(int64_t from, int64_t to) {
    ChooseTimes(from, to);
    if (times_.empty()) return std::move(backtest_);
    if (rule_.condition.kind != ConditionKind::kBurnRate) {
      SIGHTLINE_TRY(AskAll(0, values_));
      if (rule_.condition.kind == ConditionKind::kChange) {
        SIGHTLINE_TRY(AskAll(rule_.condition.against_seconds, before_));
      }
      if (rule_.condition.kind == ConditionKind::kAnomaly) SIGHTLINE_TRY(ReadHistory());
    }
    for (size_t i = 0; i < times_.size(); ++i) {
      auto reading = ReadingAt(i);
      if (!reading) return std::unexpected(reading.error());
      Advance(i, *reading);
    }
    Finish();
    return std::move(backtest_);
  }

 private:
  using Values = std::map<Labels, std::vector<double>>;

  int64_t Phases(int64_t step) const { return rule_.window_seconds / std::gcd(rule_.window_seconds, step); }

  // The rule's due times, or every so many of them.
  void ChooseTimes(int64_t from, int64_t to) {
    const bool singly = !AnswersSteps(rule_) || rule_.condition.kind == ConditionKind::kBurnRate;
    const int64_t times_max = singly ? static_cast<int64_t>(kSingleStepsMax) : kBacktestTimesMax;
    const int64_t range = (to - from) / kSecond;
    int64_t every = std::max<int64_t>(1, (range / rule_.interval_seconds + times_max - 1) / times_max);
    while (!singly && Phases(every * rule_.interval_seconds) > kBacktestPhasesMax) ++every;
    backtest_.interval_seconds = rule_.interval_seconds;
    backtest_.step_seconds = every * rule_.interval_seconds;
    int64_t first = DueAtOrBefore(rule_, from);
    if (first < from) first += rule_.interval_seconds * kSecond;
    for (int64_t at = first; at < std::min(to, now_); at += backtest_.step_seconds * kSecond) times_.push_back(at);
    backtest_.from_unix_nanos = first;
  }

  int64_t WindowBegin(size_t index, int64_t ago_seconds) const {
    return times_[index] - (rule_.delay_seconds + rule_.window_seconds + ago_seconds) * kSecond;
  }

  // Windows that stand whole windows apart are steps of one grid.
  Result<void> AskAll(int64_t ago_seconds, Values& values) {
    const int64_t window = rule_.window_seconds * kSecond;
    std::map<int64_t, std::vector<size_t>> phases;
    const bool singly = !AnswersSteps(rule_);
    for (size_t i = 0; i < times_.size(); ++i) {
      const int64_t begin = WindowBegin(i, ago_seconds);
      phases[singly ? begin : begin % window].push_back(i);
    }
    for (const auto& [phase, indexes] : phases) {
      for (auto first = indexes.begin(); first != indexes.end();) {
        const int64_t from = WindowBegin(*first, ago_seconds);
        const auto last = std::find_if(
            first, indexes.end(), [&](size_t i) { return WindowBegin(i, ago_seconds) - from >= kStepsMax * window; });
        const int64_t to = WindowBegin(*(last - 1), ago_seconds) + window;
        auto groups = queries_.Ask(rule_, {from, to, rule_.window_seconds}, now_, cancellation_);
        if (!groups) return std::unexpected(groups.error());
        for (const Group& group : groups->groups) {
          auto& row = values[group.labels];
          row.resize(times_.size(), kNone);
          for (auto at = first; at != last; ++at) {
            row[*at] = group.values.at(static_cast<size_t>((WindowBegin(*at, ago_seconds) - from) / window));
          }
        }
        counts_ = groups->counts;
        is_cut_ |= groups->is_cut;
        backtest_.unit = groups->unit;
        backtest_.scanned.rows_read += groups->scanned.rows_read;
        backtest_.scanned.bytes_read += groups->scanned.bytes_read;
        backtest_.scanned.elapsed_seconds += groups->scanned.elapsed_seconds;
        first = last;
      }
    }
    return {};
  }

  Result<Reading> ReadingAt(size_t index) {
    if (rule_.condition.kind == ConditionKind::kBurnRate) {
      return ReadBurns(burns_, rule_, times_[index] - rule_.delay_seconds * kSecond);
    }
    Reading reading{.counts = counts_, .is_cut = is_cut_};
    for (const auto& [labels, row] : values_) {
      // An answer for this window alone would not have named it.
      if (std::isnan(row[index]) || (counts_ && row[index] == 0 && !labels.empty())) continue;
      Observation observation{.value = row[index], .before = counts_ ? 0 : kNone};
      if (const auto then = before_.find(labels); then != before_.end() && !std::isnan(then->second[index])) {
        observation.before = then->second[index];
      }
      reading.groups.emplace_back(labels, observation);
    }
    std::ranges::sort(reading.groups, [](const auto& a, const auto& b) {
      return a.second.value != b.second.value ? a.second.value > b.second.value : a.first < b.first;
    });
    if (history_) AddBands(index, reading);
    return reading;
  }

  // What came before the first window.
  Result<void> ReadHistory() {
    history_.emplace(rule_, WindowBegin(0, 0));
    const int64_t most = AnswersSteps(rule_) ? kHistoryStepsMax : static_cast<int64_t>(kSingleStepsMax);
    const int64_t steps = std::min(rule_.condition.history_seconds / rule_.window_seconds, most);
    SIGHTLINE_TRY(history_->ReadOlder(queries_, rule_, steps, now_, cancellation_));
    models_ = FitAll(rule_, *history_);
    fitted_at_ = WindowBegin(0, 0);
    // As often as while it runs, unless that would be too often.
    const int64_t range = (times_.back() - times_.front()) / kSecond;
    const auto groups = static_cast<int64_t>(std::max<size_t>(models_.size(), 1));
    refit_seconds_ = std::max(kRefitSeconds, range * groups / kFitsMax);
    return {};
  }

  // As Evaluator::AddBands.
  void AddBands(size_t index, Reading& reading) {
    const int64_t from = WindowBegin(index, 0);
    std::set<Labels> present;
    for (const auto& [labels, observation] : reading.groups) present.insert(labels);
    for (const auto& [labels, model] : models_) {
      if (counts_ && !present.contains(labels)) reading.groups.push_back({labels, {.value = 0}});
    }
    std::map<Labels, double> values;
    for (auto& [labels, observation] : reading.groups) {
      observation.band = BandOf(models_, labels, from, observation.value);
      LearnOne(models_, labels, from, observation.value);
      values.emplace(labels, observation.value);
      auto& band = lives_[labels].band;
      band.resize(times_.size());
      if (observation.band) band[index] = *observation.band;
    }
    // The next whole window is part of what the next fit knows.
    if (from != history_->end_unix_nanos()) return;
    history_->Append(values, counts_);
    if (from - fitted_at_ < refit_seconds_ * kSecond) return;
    fitted_at_ = from;
    history_->KeepNewest(static_cast<size_t>(rule_.condition.history_seconds / rule_.window_seconds));
    models_ = FitAll(rule_, *history_);
  }

  void Advance(size_t index, const Reading& reading) {
    const auto outcome = instances_.Advance(rule_, reading, times_[index]);
    backtest_.has_more_groups |= outcome.is_over_max;
    for (const Changed& one : outcome.changed) {
      backtest_.notifications += one.change.notice == Notice::kNone ? 0 : 1;
      const bool fires = one.change.to == State::kFiring && one.change.from != State::kFiring;
      backtest_.times_fired += fires ? 1 : 0;
      const auto instance = instances_.instances().find(one.labels);
      if (fires && instance != instances_.instances().end()) backtest_.flaps += instance->second.memory.flaps > 0;
    }
    for (const auto& [labels, instance] : instances_.instances()) {
      auto& lived = lives_[labels];
      lived.values.resize(times_.size(), kNone);
      lived.states.resize(times_.size(), State::kInactive);
      lived.levels.resize(times_.size(), Level::kNone);
      lived.values[index] = instance.value;
      lived.states[index] = instance.memory.state;
      lived.levels[index] = instance.memory.level;
    }
  }

  void Finish() {
    backtest_.has_more_groups |= is_cut_;
    for (auto& [labels, lived] : lives_) {
      if (lived.states.empty()) continue;  // expected, but never there
      BacktestSeries series{.labels = labels, .values = std::move(lived.values), .band = std::move(lived.band)};
      for (size_t begin = 0; begin < times_.size();) {
        size_t end = begin + 1;
        while (end < times_.size() && lived.states[end] == lived.states[begin] &&
               lived.levels[end] == lived.levels[begin]) {
          ++end;
        }
        const int64_t to = end < times_.size() ? times_[end] : times_.back() + backtest_.step_seconds * kSecond;
        const BacktestSpan span{times_[begin], std::min(to, now_), lived.levels[begin]};
        if (lived.states[begin] == State::kFiring) {
          series.firing.push_back(span);
          backtest_.seconds_firing += static_cast<double>(span.to_unix_nanos - span.from_unix_nanos) / 1e9;
        }
        if (lived.states[begin] == State::kPending) series.pending.push_back(span);
        if (lived.states[begin] == State::kNoData) series.no_data.push_back(span);
        begin = end;
      }
      backtest_.series.push_back(std::move(series));
    }
  }

  struct Life {
    std::vector<double> values;
    std::vector<State> states;
    std::vector<Level> levels;
    std::vector<Bounds> band;
  };

  RuleQueries& queries_;
  BurnSource* const burns_;
  const RuleDocument& rule_;
  const int64_t now_;
  store::Cancellation* const cancellation_;
  std::vector<int64_t> times_;
  Values values_, before_;
  bool counts_ = false, is_cut_ = false;
  std::optional<WindowHistory> history_;
  AnomalyModels models_;
  int64_t fitted_at_ = 0, refit_seconds_ = kRefitSeconds;
  InstanceSet instances_;
  std::map<Labels, Life> lives_;
  Backtest backtest_;
};

}  // namespace

Result<Backtest> RunBacktest(RuleQueries& queries, BurnSource* burns, const RuleDocument& rule, int64_t from,
                             int64_t to, int64_t now, store::Cancellation* cancellation) {
  if (from >= to) return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", from, to);
  return Simulation(queries, burns, rule, now, cancellation).Run(from, to);
}

}  // namespace sightline::alert
