// Trend and season of a series, so that outliers, gaps and shifts of its level do not bend them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sightline::alert {

// Step i begins at from + i * step. NaN: no value.
struct RegularSeries {
  int64_t from_unix_seconds = 0, step_seconds = 0;
  std::span<const double> values;
  int64_t TimeOf(size_t i) const { return from_unix_seconds + static_cast<int64_t>(i) * step_seconds; }
};

// What an expectation rests on.
enum class Basis : uint8_t { kNotEnough, kLevel, kDay, kWeek };
std::string_view BasisName(Basis basis);  // "not_enough_history", "level", "hour_of_day", "day_of_week"

// The longest basis that the history bears: two whole days with values, two whole weeks. An hour of the day (of the
// week) counts as known if two days (weeks) have values of it; three in four must be.
Basis BasisOf(const RegularSeries& history, int64_t utc_offset_seconds);

// A profile of a period: values at regular phases between which it is linear, and what a few slots have beyond it: jobs
// that begin at 03:10, jumps at midnight.
class Profile {
 public:
  struct Beyond {
    uint16_t slot = 0;
    float value = 0;
  };
  Profile() = default;
  // `beyond`: in the order of slots, of which a period has `slots`.
  Profile(int64_t period_seconds, std::vector<float> values, size_t slots, std::vector<Beyond> beyond)
      : period_seconds_(period_seconds), slots_(slots), values_(std::move(values)), beyond_(std::move(beyond)) {}
  bool empty() const { return values_.empty(); }
  // `phase`: seconds from the begin of the period to the middle of a step.
  double At(int64_t phase_seconds) const;
  size_t bytes() const { return values_.capacity() * sizeof(float) + beyond_.capacity() * sizeof(Beyond); }

 private:
  int64_t period_seconds_ = 0;
  size_t slots_ = 0;
  std::vector<float> values_;
  std::vector<Beyond> beyond_;
};

// Thread: any (const after Fit).
class Season {
 public:
  // `basis` as of BasisOf. A season that two halves of the history do not agree about is left out.
  static Season Fit(const RegularSeries& history, Basis basis, int64_t utc_offset_seconds);

  // Trend and season of the step that begins then; without the level.
  double At(int64_t from_unix_seconds) const;
  bool has_day() const { return !day_.empty(); }
  bool has_week() const { return !week_.empty(); }
  size_t bytes() const { return day_.bytes() + week_.bytes(); }

 private:
  friend class SeasonFit;
  int64_t step_seconds_ = 1, utc_offset_seconds_ = 0;
  double slope_ = 0;  // a second
  int64_t slope_from_ = 0;
  Profile day_, week_;
};

}  // namespace sightline::alert
