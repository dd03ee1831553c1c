#include "alert/expectations.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "query/span_series.h"

namespace sightline::alert {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// What one span or record adds to the watched value; 0: it counts none.
double EventOf(const RuleDocument& rule) {
  const auto watched = std::ranges::find(rule.queries, rule.watch, &RuleQuery::name);
  if (watched == rule.queries.end()) return 0;
  if (watched->source == Source::kLogs) return 1;
  if (watched->source != Source::kTraceQl) return 0;
  const auto parsed = query::SpanSeriesQuery::Parse(watched->query);
  if (!parsed) return 0;
  const auto* pipeline = std::get_if<traceql::MetricsPipeline>(&(*parsed)->expression().node);
  if (pipeline == nullptr) return 0;
  if (pipeline->function == traceql::MetricsFunction::kCountOverTime) return 1;
  if (pipeline->function != traceql::MetricsFunction::kRate) return 0;
  return 1 / static_cast<double>(rule.window_seconds);
}

}  // namespace

WindowHistory::WindowHistory(const RuleDocument& rule, int64_t end)
    : step_(rule.window_seconds * kSecond), from_(end), end_(end) {}

double WindowHistory::none() const {
  return counts_ ? 0 : std::numeric_limits<double>::quiet_NaN();
}

Result<void> WindowHistory::Read(RuleQueries& queries, const RuleDocument& rule, int64_t from, int64_t to, int64_t now,
                                 store::Cancellation* cancellation, Groups& groups) {
  auto read = queries.Ask(rule, {from, to, rule.window_seconds}, now, cancellation);
  if (!read) return std::unexpected(read.error());
  counts_ = read->counts;
  groups = *std::move(read);
  if (groups.groups.size() > rule.groups_max) groups.groups.resize(rule.groups_max);  // the largest stand first
  return {};
}

Result<void> WindowHistory::ReadOlder(RuleQueries& queries, const RuleDocument& rule, int64_t steps, int64_t now,
                                      store::Cancellation* cancellation) {
  steps = std::min(steps, from_ / step_);
  if (steps <= 0) return {};
  Groups groups;
  SIGHTLINE_TRY(Read(queries, rule, from_ - steps * step_, from_, now, cancellation, groups));
  const size_t known = this->steps();
  for (Group& group : groups.groups) {
    auto& row = values_.try_emplace(group.labels, known, none()).first->second;
    row.insert(row.begin(), group.values.begin(), group.values.end());
  }
  from_ -= steps * step_;
  for (auto& [labels, row] : values_) row.insert(row.begin(), this->steps() - row.size(), none());
  return {};
}

Result<void> WindowHistory::ReadNewer(RuleQueries& queries, const RuleDocument& rule, int64_t until, int64_t now,
                                      store::Cancellation* cancellation) {
  const int64_t steps = (until - end_) / step_;
  if (steps <= 0) return {};
  Groups groups;
  SIGHTLINE_TRY(Read(queries, rule, end_, end_ + steps * step_, now, cancellation, groups));
  const size_t known = this->steps();
  for (Group& group : groups.groups) {
    auto& row = values_.try_emplace(group.labels, known, none()).first->second;
    row.insert(row.end(), group.values.begin(), group.values.end());
  }
  end_ += steps * step_;
  for (auto& [labels, row] : values_) row.resize(this->steps(), none());
  return {};
}

void WindowHistory::Append(const std::map<Labels, double>& next, bool counts) {
  counts_ = counts;
  for (const auto& [labels, value] : next) values_.try_emplace(labels, steps(), none()).first->second.push_back(value);
  end_ += step_;
  for (auto& [labels, row] : values_) row.resize(steps(), none());
}

void WindowHistory::KeepNewest(size_t steps) {
  if (this->steps() <= steps) return;
  const size_t gone = this->steps() - steps;
  for (auto& [labels, row] : values_) row.erase(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(gone));
  from_ += static_cast<int64_t>(gone) * step_;
}

AnomalyModels FitAll(const RuleDocument& rule, const WindowHistory& history) {
  AnomalyOptions options{.sensitivity = rule.condition.sensitivity, .direction = rule.condition.direction};
  options.event = EventOf(rule);
  AnomalyModels models;
  for (const auto& [labels, values] : history.values()) {
    options.is_non_negative = std::ranges::none_of(values, [](double value) { return value < 0; });
    // Nothing was counted before there was anything to count: that is no history.
    const auto first = std::ranges::find_if(
        values, [&](double value) { return !std::isnan(value) && !(history.counts() && value == 0); });
    const std::span<const double> known(first, values.end());
    const int64_t from = history.from_unix_nanos() / kSecond + (first - values.begin()) * rule.window_seconds;
    models[labels] = AnomalyModel::Fit({from, rule.window_seconds, known}, options);
  }
  return models;
}

std::optional<Bounds> BandOf(const AnomalyModels& models, const Labels& labels, int64_t window_from, double value) {
  const auto model = models.find(labels);
  if (model == models.end()) return std::nullopt;
  const Judgement judgement = model->second.Judge(window_from / kSecond, value);
  if (std::isnan(judgement.expected)) return std::nullopt;
  return Bounds{judgement.lower, judgement.upper};
}

void LearnOne(AnomalyModels& models, const Labels& labels, int64_t window_from, double value) {
  if (const auto model = models.find(labels); model != models.end()) model->second.Learn(window_from / kSecond, value);
}

Result<void> Expectations::Extend(RuleQueries& queries, const RuleDocument& rule, int64_t window_end, int64_t now,
                                  store::Cancellation* cancellation) {
  const int64_t wanted = std::min(rule.condition.history_seconds / rule.window_seconds, kHistoryStepsMax);
  const auto missing = wanted - static_cast<int64_t>(history_.steps());
  const bool is_due = window_end - history_.end_unix_nanos() >= kRefitSeconds * kSecond;
  const int64_t at_once = AnswersSteps(rule) ? kStepsAtOnce : kSingleStepsAtOnce;
  if (missing > 0 && history_.from_unix_nanos() > 0) {
    SIGHTLINE_TRY(history_.ReadOlder(queries, rule, std::min(missing, at_once), now, cancellation));
  } else if (is_due) {
    const int64_t until = std::min(window_end, history_.end_unix_nanos() + at_once * rule.window_seconds * kSecond);
    SIGHTLINE_TRY(history_.ReadNewer(queries, rule, until, now, cancellation));
    history_.KeepNewest(static_cast<size_t>(wanted));
  } else {
    return {};
  }
  models_ = FitAll(rule, history_);
  return {};
}

}  // namespace sightline::alert
