#include "alert/anomaly_season.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "alert/anomaly.h"
#include "alert/robust.h"

namespace sightline::alert {
namespace {

constexpr int64_t kHour = 3600, kDay = 24 * kHour, kWeek = 7 * kDay;
constexpr int64_t kSlotSecondsMin = 300;
// 1970-01-01 was a Thursday: weeks begin on Monday.
constexpr int64_t kMondayShift = 3 * kDay;
constexpr double kKnownShareMin = 0.75;
// Correlation of the profiles of two halves of the history: with less it is chance.
constexpr double kAgreementMin = 0.3;
constexpr double kNotableErrors = 3;  // standard errors

int64_t Modulo(int64_t a, int64_t b) {
  return (a % b + b) % b;
}
int64_t FloorDivide(int64_t a, int64_t b) {
  return (a - Modulo(a, b)) / b;
}

struct Period {
  int64_t seconds, shift;  // from 1970-01-01 to the begin of one
  int64_t PhaseOf(int64_t local_seconds) const { return Modulo(local_seconds + shift, seconds); }
};
constexpr Period kDays = {kDay, 0}, kWeeks = {kWeek, kMondayShift};

// Values by bin of a period and by period. What periods can agree about are the medians of each.
class Cells {
 public:
  Cells(int64_t period_seconds, size_t bins, int64_t first_local_seconds, int64_t last_local_seconds)
      : period_(period_seconds), bins_(bins), first_period_(FloorDivide(first_local_seconds, period_seconds)) {
    periods_ = static_cast<size_t>(FloorDivide(last_local_seconds, period_seconds) - first_period_ + 1);
    ends_.resize(bins_ * periods_);
  }
  void Add(int64_t local_seconds, double value) {
    const auto period = static_cast<size_t>(FloorDivide(local_seconds, period_) - first_period_);
    const auto bin = static_cast<size_t>(Modulo(local_seconds, period_) * static_cast<int64_t>(bins_) / period_);
    added_.emplace_back(bin * periods_ + period, value);
    ++ends_[bin * periods_ + period];
  }
  // After the last Add. Sorted by cell, as a vector for each would be thousands of allocations.
  void Finish() {
    std::exclusive_scan(ends_.begin(), ends_.end(), ends_.begin(), size_t{0});
    values_.resize(added_.size());
    for (const auto& [cell, value] : added_) values_[ends_[cell]++] = value;
    medians_.resize(ends_.size());
    for (size_t cell = 0; cell < ends_.size(); ++cell) {
      const size_t begin = cell == 0 ? 0 : ends_[cell - 1];
      medians_[cell] = Median(std::span(values_).subspan(begin, ends_[cell] - begin));
    }
  }
  size_t bins() const { return bins_; }
  size_t periods() const { return periods_; }
  // NaN: the period has no value there.
  double MedianOf(size_t bin, size_t period) const { return medians_[bin * periods_ + period]; }
  std::vector<double> MediansOf(size_t bin) const {
    std::vector<double> medians;
    for (size_t period = 0; period < periods_; ++period) {
      if (!std::isnan(MedianOf(bin, period))) medians.push_back(MedianOf(bin, period));
    }
    return medians;
  }
  // In another order afterwards: medians stay.
  std::span<double> ValuesOf(size_t bin) {
    const size_t first = bin * periods_, begin = first == 0 ? 0 : ends_[first - 1];
    return std::span(values_).subspan(begin, ends_[first + periods_ - 1] - begin);
  }

 private:
  int64_t period_;
  size_t bins_, periods_ = 0;
  int64_t first_period_;
  std::vector<std::pair<size_t, double>> added_;
  std::vector<size_t> ends_;  // of each cell in values_
  std::vector<double> values_, medians_;
};

double KnownShare(const RegularSeries& history, int64_t period, int64_t offset) {
  const auto bins = static_cast<size_t>(std::clamp<int64_t>(period / history.step_seconds, 1, period / kHour));
  Cells cells(period, bins, history.TimeOf(0) + offset, history.TimeOf(history.values.size()) + offset);
  for (size_t i = 0; i < history.values.size(); ++i) {
    if (!std::isnan(history.values[i])) cells.Add(history.TimeOf(i) + offset, 0);
  }
  cells.Finish();
  size_t known = 0;
  for (size_t bin = 0; bin < bins; ++bin) known += cells.MediansOf(bin).size() >= 2;
  return static_cast<double>(known) / static_cast<double>(bins);
}

// How much the profiles of even and odd periods are alike, without the few bins in which one of them is wild.
double Agreement(const Cells& cells) {
  std::vector<double> sums, differences;
  for (size_t bin = 0; bin < cells.bins(); ++bin) {
    std::vector<double> halves[2];
    for (size_t period = 0; period < cells.periods(); ++period) {
      const double median = cells.MedianOf(bin, period);
      if (!std::isnan(median)) halves[period % 2].push_back(median);
    }
    if (halves[0].empty() || halves[1].empty()) continue;
    const double even = Median(halves[0]), odd = Median(halves[1]);
    sums.push_back(even + odd);
    differences.push_back(even - odd);
  }
  // Robust correlation: variances of sum and difference, of which the first holds what both have in common.
  const auto scale = [](std::vector<double> values) {
    const double middle = Median(values);
    for (double& value : values) value = std::abs(value - middle);
    // Seasons may lie in a few bins, which a median of absolute deviations does not see.
    return Quantile(values, 0.9);
  };
  const double common = std::pow(scale(sums), 2), apart = std::pow(scale(differences), 2);
  return common + apart > 0 ? (common - apart) / (common + apart) : 0;
}

// Of each `per` values side by side. NaN: of none.
std::vector<double> MediansOfEach(std::span<const double> values, size_t per) {
  std::vector<double> medians, some;
  for (size_t begin = 0; begin < values.size(); begin += per) {
    some.clear();
    for (size_t i = begin; i < std::min(begin + per, values.size()); ++i) {
      if (!std::isnan(values[i])) some.push_back(values[i]);
    }
    medians.push_back(Median(some));
  }
  return medians;
}

}  // namespace

std::string_view BasisName(Basis basis) {
  switch (basis) {
    case Basis::kLevel:
      return "level";
    case Basis::kDay:
      return "hour_of_day";
    case Basis::kWeek:
      return "day_of_week";
    case Basis::kNotEnough:
      break;
  }
  return "not_enough_history";
}

Basis BasisOf(const RegularSeries& history, int64_t utc_offset_seconds) {
  size_t count = 0, first = 0, last = 0;
  for (size_t i = 0; i < history.values.size(); ++i) {
    if (std::isnan(history.values[i])) continue;
    if (count++ == 0) first = i;
    last = i;
  }
  if (count < kHistoryValuesMin) return Basis::kNotEnough;
  // An hour less than the whole: a series seldom begins with the first second of its history.
  const int64_t span = history.TimeOf(last + 1) - history.TimeOf(first) + kHour;
  const auto bears = [&](int64_t period) {
    return span >= 2 * period && history.step_seconds * 2 <= period &&
           KnownShare(history, period, utc_offset_seconds) >= kKnownShareMin;
  };
  if (bears(kWeek)) return Basis::kWeek;
  return bears(kDay) ? Basis::kDay : Basis::kLevel;
}

double Profile::At(int64_t phase_seconds) const {
  if (values_.empty()) return 0;
  const auto count = static_cast<int64_t>(values_.size());
  // The value i stands in the middle of its slot.
  const double width = static_cast<double>(period_seconds_) / static_cast<double>(count);
  const double position = static_cast<double>(phase_seconds) / width - 0.5;
  const double below = std::floor(position);
  const double fraction = position - below;
  const auto slot = static_cast<uint16_t>(phase_seconds * static_cast<int64_t>(slots_) / period_seconds_);
  const auto at = std::ranges::lower_bound(beyond_, slot, {}, &Beyond::slot);
  const double more = at != beyond_.end() && at->slot == slot ? at->value : 0;
  const auto low = static_cast<size_t>(Modulo(static_cast<int64_t>(below), count));
  const size_t high = low + 1 == values_.size() ? 0 : low + 1;
  return values_[low] + fraction * (values_[high] - values_[low]) + more;
}

double Season::At(int64_t from_unix_seconds) const {
  const int64_t local = from_unix_seconds + step_seconds_ / 2 + utc_offset_seconds_;
  return slope_ * static_cast<double>(from_unix_seconds - slope_from_) + day_.At(kDays.PhaseOf(local)) +
         week_.At(kWeeks.PhaseOf(local));
}

// By turns, as in STL, but of medians: the level without the season, the season without the level.
class SeasonFit {
 public:
  // Both must outlive it.
  SeasonFit(const RegularSeries& history, Season& season)
      : history_(history), season_(season), offset_(season.utc_offset_seconds_ + history.step_seconds / 2) {
    season_.step_seconds_ = history.step_seconds;
  }

  struct Turn {
    int64_t level_seconds;
    bool with_slope, with_week;
    bool is_last;  // what slots have beyond hours is fitted too
  };
  void Take(const Turn& turn) {
    FitLevel(turn.level_seconds);
    if (turn.with_slope) FitSlope();
    season_.day_ = FitProfile(kDays, Rests(season_.week_, kWeeks), turn.is_last);
    if (turn.with_week) season_.week_ = FitProfile(kWeeks, Rests(season_.day_, kDays), turn.is_last);
  }

 private:
  int64_t LocalOf(size_t i) const { return history_.TimeOf(i) + offset_; }
  Cells CellsOf(const Period& period, int64_t bins_max) const {
    const auto bins = static_cast<size_t>(std::clamp<int64_t>(period.seconds / history_.step_seconds, 1, bins_max));
    return {period.seconds, bins, LocalOf(0) + period.shift, LocalOf(history_.values.size()) + period.shift};
  }
  double Trend(size_t i) const {
    return season_.slope_ * static_cast<double>(history_.TimeOf(i) - season_.slope_from_);
  }

  // The median of what changed in the level from one day to the next: outliers and single shifts are not in it.
  void FitSlope() {
    const auto lag = static_cast<size_t>(std::max(kDay / history_.step_seconds, int64_t{1}));
    std::vector<double> changes;
    for (size_t i = lag; i < level_.size(); ++i) {
      const double change = level_[i] - level_[i - lag];
      if (!std::isnan(change)) changes.push_back(change);
    }
    if (changes.empty()) return;
    const double more = Median(changes) / static_cast<double>(static_cast<int64_t>(lag) * history_.step_seconds);
    season_.slope_ += more;
    for (size_t i = 0; i < level_.size(); ++i) {
      level_[i] -= more * static_cast<double>(history_.TimeOf(i) - season_.slope_from_);
    }
  }

  // Running medians, over `length`, of medians of hours.
  void FitLevel(int64_t length) {
    std::vector<double> rests(history_.values.size());
    for (size_t i = 0; i < rests.size(); ++i) rests[i] = history_.values[i] - season_.At(history_.TimeOf(i));
    const auto per = static_cast<size_t>(std::max<int64_t>(kHour / history_.step_seconds, 1));
    const std::vector<double> hours = MediansOfEach(rests, per);
    const auto window = static_cast<size_t>(std::clamp<int64_t>(
        length / (static_cast<int64_t>(per) * history_.step_seconds), 1, static_cast<int64_t>(hours.size())));
    level_.resize(history_.values.size());
    for (size_t hour = 0; hour < hours.size(); ++hour) {
      // Whole windows at both ends too: a part of a week would be taken for the level.
      const size_t begin = std::min(hour - std::min(hour, window / 2), hours.size() - window);
      std::vector<double> values;
      for (size_t i = begin; i < begin + window; ++i) {
        if (!std::isnan(hours[i])) values.push_back(hours[i]);
      }
      const double median = Median(values);
      for (size_t i = hour * per; i < std::min((hour + 1) * per, level_.size()); ++i) level_[i] = median;
    }
  }

  // What is left to the profile of a period when `other` is taken for known.
  std::vector<double> Rests(const Profile& other, const Period& others) const {
    std::vector<double> rests(history_.values.size());
    for (size_t i = 0; i < rests.size(); ++i) {
      rests[i] = history_.values[i] - Trend(i) - level_[i] - other.At(others.PhaseOf(LocalOf(i)));
    }
    return rests;
  }

  // A smooth profile of hours, with the error of an hour's samples, and what single slots have beyond it if that is
  // more than chance: sharp edges stay as sharp as they are.
  Profile FitProfile(const Period& period, std::vector<double> rests, bool is_last) const {
    Cells hours = CellsOf(period, period.seconds / kHour);
    for (size_t i = 0; i < rests.size(); ++i) {
      if (!std::isnan(rests[i])) hours.Add(LocalOf(i) + period.shift, rests[i]);
    }
    hours.Finish();
    std::vector<float> values(hours.bins());
    const bool is_agreed = Agreement(hours) >= kAgreementMin;
    for (size_t hour = 0; is_agreed && hour < values.size(); ++hour) {
      std::vector<double> medians = hours.MediansOf(hour);
      values[hour] = static_cast<float>(Agreed(medians));
    }
    const Profile smooth(period.seconds, values, 1, {});
    Cells slots = CellsOf(period, period.seconds / kSlotSecondsMin);
    std::vector<Profile::Beyond> beyond;
    if (is_last && slots.bins() > hours.bins()) {
      std::vector<double> by_hour[24];
      for (size_t i = 0; i < rests.size(); ++i) {
        if (std::isnan(rests[i])) continue;
        rests[i] -= smooth.At(period.PhaseOf(LocalOf(i)));
        slots.Add(LocalOf(i) + period.shift, rests[i]);
        by_hour[Modulo(LocalOf(i), kDay) / kHour].push_back(std::abs(rests[i]));
      }
      slots.Finish();
      beyond = FitBeyond(period, slots, by_hour);
    }
    if (!is_agreed && beyond.empty()) return {};
    return {period.seconds, std::move(values), slots.bins(), std::move(beyond)};
  }

  static std::vector<Profile::Beyond> FitBeyond(const Period& period, const Cells& slots,
                                                std::span<std::vector<double>, 24> sizes_by_hour) {
    double sigmas[24];
    for (size_t hour = 0; hour < 24; ++hour) sigmas[hour] = kSigmaOfMad * Median(sizes_by_hour[hour]);
    std::vector<Profile::Beyond> beyond;
    for (size_t slot = 0; slot < slots.bins(); ++slot) {
      std::vector<double> medians = slots.MediansOf(slot);
      if (medians.size() < 2) continue;
      const int64_t begin = static_cast<int64_t>(slot) * period.seconds / static_cast<int64_t>(slots.bins());
      const double sigma = sigmas[Modulo(begin - period.shift, kDay) / kHour];
      const double error = kErrorOfMedian * sigma / std::sqrt(static_cast<double>(medians.size()));
      const double value = Agreed(medians);
      if (std::abs(value) <= kNotableErrors * error) continue;
      beyond.push_back({static_cast<uint16_t>(slot), static_cast<float>(value)});
    }
    return beyond;
  }

  const RegularSeries& history_;
  Season& season_;
  const int64_t offset_;
  std::vector<double> level_;
};

Season Season::Fit(const RegularSeries& history, Basis basis, int64_t utc_offset_seconds) {
  Season season;
  season.step_seconds_ = history.step_seconds;
  season.utc_offset_seconds_ = utc_offset_seconds;
  season.slope_from_ = history.TimeOf(history.values.size());
  if (basis != Basis::kDay && basis != Basis::kWeek) return season;
  const bool with_week = basis == Basis::kWeek;
  const int64_t whole = with_week ? kWeek : kDay;

  // Hours are enough, and a tenth of the work, until the last turn.
  const auto per = static_cast<size_t>(std::max<int64_t>(kHour / history.step_seconds, 1));
  const std::vector<double> medians = MediansOfEach(history.values, per);
  const RegularSeries hours{history.from_unix_seconds, history.step_seconds * static_cast<int64_t>(per), medians};
  SeasonFit coarse(hours, season);
  // A level must not follow the season, so it spans a whole one until that is known. Neither is it a trend before.
  coarse.Take({.level_seconds = whole, .with_week = with_week});
  coarse.Take({.level_seconds = whole, .with_week = with_week});
  coarse.Take({.level_seconds = kDay, .with_slope = true, .with_week = with_week});
  SeasonFit(history, season).Take({.level_seconds = kDay, .with_slope = true, .with_week = with_week, .is_last = true});
  return season;
}

}  // namespace sightline::alert
