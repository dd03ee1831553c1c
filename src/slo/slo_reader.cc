#include "slo/slo_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/units.h"
#include "slo/budget.h"

namespace sightline::slo {
namespace {

BurnRate BurnOf(const SloDocument& slo, const Tally& tally) {
  BurnRate burn{.rate = BurnRateOf(tally, slo.objective), .events = tally.total, .measured = true, .reason = ""};
  if (tally.total <= 0) {
    burn.reason = "there were no events";
  } else if (tally.total < slo.minimum_events) {
    burn.reason = fmt::format("{:.6g} events are fewer than {:.6g}", tally.total, slo.minimum_events);
  }
  burn.measured = burn.reason.empty();
  return burn;
}

std::optional<int64_t> Seconds(std::optional<int64_t> minutes) {
  return minutes ? std::optional(*minutes * kMinuteSeconds) : std::nullopt;
}

struct Steps {
  int64_t from = 0, to = 0, step = 1;  // minutes, [from, to)
  int64_t last = 0;                    // the last one that was asked for
};

Result<Steps> StepsOf(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds) {
  if (from_unix_nanos >= to_unix_nanos || from_unix_nanos < 0) {
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", from_unix_nanos, to_unix_nanos);
  }
  Steps steps;
  steps.step = std::max<int64_t>(1, (step_seconds + kMinuteSeconds - 1) / kMinuteSeconds);
  steps.from = MinuteOf(from_unix_nanos) / steps.step * steps.step;
  steps.last = MinuteOf(to_unix_nanos - 1);
  steps.to = (steps.last / steps.step + 1) * steps.step;
  const int64_t count = (steps.to - steps.from) / steps.step;
  if (count <= kHistoryStepsMax) return steps;
  return Fail(Code::kInvalidArgument, "the range has {} steps of {} s, at most {} are answered", count,
              steps.step * kMinuteSeconds, kHistoryStepsMax);
}

Result<SloHistory> HistoryOf(const SloDocument& slo, const SloCounts& counts, const Steps& steps) {
  SloHistory history{.from_unix_nanos = steps.from * kMinuteNanos,
                     .to_unix_nanos = steps.to * kMinuteNanos,
                     .step_seconds = steps.step * kMinuteSeconds,
                     .counted = {},
                     .budget_remaining = {}};
  for (int64_t begin = steps.from; begin < steps.to; begin += steps.step) {
    const int64_t last = std::min(begin + steps.step - 1, steps.last);
    const auto period = PeriodAt(slo.window, last);
    if (!period) return std::unexpected(period.error());
    history.counted.push_back(counts.Sum(begin, last + 1));
    const Tally whole = counts.Sum(period->begin, last + 1);
    history.budget_remaining.push_back(whole.total > 0 ? BudgetRemaining(whole, slo.objective, period->Passed(last))
                                                       : std::numeric_limits<double>::quiet_NaN());
  }
  return history;
}

}  // namespace

Tally SloCounts::Sum(int64_t from_minute, int64_t to_minute) const {
  if (parts_.size() == 1) return parts_.front().first.Sum(from_minute, to_minute);
  double events = 0, weights = 0, good = 0;
  for (const auto& [series, weight] : parts_) {
    const Tally sum = series.Sum(from_minute, to_minute);
    if (sum.total <= 0) continue;
    events += sum.total;
    weights += weight;
    good += weight * sum.good / sum.total;
  }
  return {weights > 0 ? events * good / weights : 0, events};
}

Result<SloReader::Extent> SloReader::ExtentOfCounted(const Slo& slo, int64_t minute) {
  Extent extent;
  const auto progress = rollups_.Progress(slo.id);
  if (!progress) return std::unexpected(progress.error());
  if (!*progress || (*progress)->sli != slo.document.sli_json) {
    extent.problem = "its history is not counted yet";
    return extent;
  }
  const auto first = rollups_.FirstMinute(slo.id);
  if (!first) return std::unexpected(first.error());
  extent.first_minute = *first;
  extent.end_minute = (*progress)->end_minute;
  if (extent.end_minute >= minute - kStaleMinutes) return extent;
  if (!(*progress)->error.empty()) {
    extent.problem = fmt::format("it could not be counted: {}", (*progress)->error);
  } else {
    extent.problem =
        fmt::format("it is counted up to {} ago only", PrintDuration((minute - extent.end_minute) * kMinuteNanos));
  }
  return extent;
}

Result<SloReader::Extent> SloReader::ExtentOf(const Slo& slo, int64_t minute) {
  const auto* composite = std::get_if<CompositeSli>(&slo.document.sli);
  if (composite == nullptr) return ExtentOfCounted(slo, minute);
  Extent all{.problem = "", .end_minute = std::numeric_limits<int64_t>::max(), .first_minute = std::nullopt};
  for (const std::string& id : composite->of) {
    auto component = slos_.Get(id);
    if (!component && component.error().code != Code::kNotFound) return std::unexpected(component.error());
    auto one = component
                   ? ExtentOfCounted(*component, minute)
                   : Result<Extent>(Extent{.problem = component.error().message, .end_minute = 0, .first_minute = {}});
    if (!one) return one;
    if (all.problem.empty() && !one->problem.empty()) all.problem = fmt::format("{}: {}", id, one->problem);
    all.end_minute = std::min(all.end_minute, one->end_minute);
    if (one->first_minute) all.first_minute = std::max(all.first_minute.value_or(0), *one->first_minute);
  }
  return all;
}

Result<SloCounts> SloReader::Read(const Slo& slo, int64_t from_minute, int64_t to_minute) {
  SloCounts counts;
  const auto* composite = std::get_if<CompositeSli>(&slo.document.sli);
  if (composite == nullptr) {
    auto series = rollups_.Read(slo.id, from_minute, to_minute);
    if (!series) return std::unexpected(series.error());
    counts.Add(*std::move(series), 1);
    return counts;
  }
  for (size_t i = 0; i < composite->of.size(); ++i) {
    auto series = rollups_.Read(composite->of[i], from_minute, to_minute);
    if (!series) return std::unexpected(series.error());
    counts.Add(*std::move(series), composite->weights.at(i));
  }
  return counts;
}

Result<BurnRate> SloReader::Burn(const std::string& id, int64_t window_seconds, int64_t at_unix_nanos) {
  const auto slo = slos_.Get(id);
  if (!slo) return std::unexpected(slo.error());
  const int64_t at = MinuteOf(at_unix_nanos);
  const auto extent = ExtentOf(*slo, at);
  if (!extent) return std::unexpected(extent.error());
  if (!extent->problem.empty()) return BurnRate{.reason = extent->problem};
  const int64_t end = std::min(at, extent->end_minute);
  const int64_t minutes = std::max<int64_t>(1, (window_seconds + kMinuteSeconds - 1) / kMinuteSeconds);
  const auto counts = Read(*slo, end - minutes, end);
  if (!counts) return std::unexpected(counts.error());
  BurnRate burn = BurnOf(slo->document, counts->Sum(end - minutes, end));
  if (burn.events > 0 && burn.events < slo->document.minimum_events) {
    burn.rate = 0;
    burn.measured = true;
  }
  return burn;
}

Result<SloStatus> SloReader::Status(const Slo& slo, int64_t now_unix_nanos) {
  SloStatus status;
  const int64_t now = MinuteOf(now_unix_nanos);
  status.now_minute = now;
  const auto period = PeriodAt(slo.document.window, now);
  if (!period) return std::unexpected(period.error());
  status.period = *period;
  status.passed = period->Passed(now);
  const auto extent = ExtentOf(slo, now);
  if (!extent) return std::unexpected(extent.error());
  status.not_measured_because = extent->problem;
  if (extent->first_minute) status.valid_from_unix_nanos = *extent->first_minute * kMinuteNanos;
  if (extent->end_minute > 0)
    status.counted_to_unix_nanos = std::min(extent->end_minute * kMinuteNanos, now_unix_nanos);
  const int64_t longest = now + 1 - 30 * kDayMinutes;
  const auto counts = Read(slo, std::min(period->begin, longest), now + 1);
  if (!counts) return std::unexpected(counts.error());
  // What another SLI counted is no answer about this one.
  const bool counts_this = extent->end_minute > 0;
  if (counts_this) status.counted = counts->Sum(period->begin, now + 1);
  status.allowed_bad = AllowedBad(status.counted, slo.document.objective, status.passed);
  if (status.counted.total > 0) {
    status.sli = status.counted.good / status.counted.total;
    status.budget_remaining = BudgetRemaining(status.counted, slo.document.objective, status.passed);
  } else if (status.not_measured_because.empty()) {
    status.not_measured_because = "there were no events in its window";
  }
  status.measured = status.not_measured_because.empty();
  const BudgetOutlook outlook{.objective = slo.document.objective,
                              .period_minutes = period->minutes(),
                              .passed_minutes = now + 1 - period->begin,
                              .rolls = period->rolls,
                              .counted = status.counted};
  const auto bad_since = [&](int64_t minutes) { return counts->Sum(now + 1 - minutes, now + 1).bad(); };
  const int64_t end = std::min(now, extent->end_minute);
  for (const BurnWindow& window : kBurnWindows) {
    BurnOfWindow one{.window = window, .burn = {}, .exhausted_in_seconds = {}};
    if (extent->problem.empty()) {
      one.burn = BurnOf(slo.document, counts->Sum(end - window.seconds / kMinuteSeconds, end));
    } else {
      one.burn.reason = extent->problem;
    }
    if (one.burn.measured) {
      one.exhausted_in_seconds = Seconds(MinutesToExhaustion(outlook, one.burn.rate, bad_since));
    }
    if (window.name == kForecastWindow) status.exhausted_in_seconds = one.exhausted_in_seconds;
    status.burn_rates.push_back(std::move(one));
  }
  return status;
}

Result<SloHistory> SloReader::History(const Slo& slo, int64_t from_unix_nanos, int64_t to_unix_nanos,
                                      int64_t step_seconds) {
  const auto steps = StepsOf(from_unix_nanos, to_unix_nanos, step_seconds);
  if (!steps) return std::unexpected(steps.error());
  const auto extent = ExtentOf(slo, steps->to);
  if (!extent) return std::unexpected(extent.error());
  // What another SLI counted is no answer about this one.
  if (extent->end_minute == 0) return HistoryOf(slo.document, SloCounts(), *steps);
  const auto counts = Read(slo, std::max<int64_t>(0, steps->from - kWindowSecondsMax / kMinuteSeconds), steps->to);
  if (!counts) return std::unexpected(counts.error());
  return HistoryOf(slo.document, *counts, *steps);
}

Result<SloHistory> SloReader::Preview(const SloDocument& slo, SliCounter& counter, int64_t from_unix_nanos,
                                      int64_t to_unix_nanos, int64_t step_seconds, int64_t now_unix_nanos,
                                      store::Cancellation* cancellation) {
  const auto steps = StepsOf(from_unix_nanos, to_unix_nanos, step_seconds);
  if (!steps) return std::unexpected(steps.error());
  if (std::holds_alternative<CompositeSli>(slo.sli)) {
    const auto counts = Read({.id = "", .document = slo}, steps->from, steps->to);
    if (!counts) return std::unexpected(counts.error());
    return HistoryOf(slo, *counts, *steps);
  }
  if (steps->to - steps->from > kPreviewMinutesMax) {
    return Fail(Code::kInvalidArgument, "a preview looks at {} days at most", kPreviewMinutesMax / kDayMinutes);
  }
  SloSeries series(steps->from, steps->to);
  const int64_t begin = steps->from / kHourMinutes * kHourMinutes;
  for (int64_t from = begin; from < steps->to; from += kDayMinutes) {
    const auto stored = counter.NextStoredDay(from / kDayMinutes, cancellation);
    if (!stored) return std::unexpected(stored.error());
    // Chunks begin at any hour, so that the day in which one ends may have something.
    if (*stored > from / kDayMinutes + 1) continue;
    const int64_t to = std::min(from + kDayMinutes, steps->to);
    const auto counted = counter.Count(slo, from, to, MinuteOf(now_unix_nanos), cancellation);
    if (!counted) return std::unexpected(counted.error());
    series.Add(from, *counted);
  }
  series.Finish();
  SloCounts counts;
  counts.Add(std::move(series), 1);
  return HistoryOf(slo, counts, *steps);
}

}  // namespace sightline::slo
