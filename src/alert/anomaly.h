// What a value should be, going by its history: a season (time of day, day of week), a level that moves slowly, and how
// far values usually lie from both. Pure functions; docs/anomalies.md says how it is reckoned and how well it does.
// Data: a regular series -> AnomalyModel::Fit, once an hour or so -> Judge and Learn for each new step.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "alert/anomaly_season.h"
#include "alert/condition.h"
#include "alert/robust.h"

namespace sightline::alert {

// With fewer values there is no expectation, but "not enough history".
inline constexpr size_t kHistoryValuesMin = 30;
// What lasts longer becomes the new level; not less than so many steps.
inline constexpr int64_t kAdaptSeconds = 6 * 3600;
inline constexpr size_t kAdaptStepsMin = 6, kAdaptStepsMax = 720;

struct AnomalyOptions {
  double sensitivity = 3;       // deviations that are still expected: more of them, a wider band
  Op direction = Op::kOutside;  // kAbove, kBelow, kOutside
  int64_t utc_offset_seconds = 0;
  // What one event adds to a value: 1 to a count, 1 / step to a rate a second. 0: values do not count events. Counts
  // scatter by chance, however quiet their history was.
  double event = 0;
  bool is_non_negative = false;  // the band ends at 0
};

struct Judgement {
  double expected, lower, upper;  // NaN: not enough history
  double score;                   // deviations above (+) or below (-) what is expected; NaN: without a value too
  bool is_anomaly = false;
};

// Thread: none of its own; const members any.
class AnomalyModel {
 public:
  // An empty model: not enough history.
  explicit AnomalyModel(const AnomalyOptions& options = {});
  // Some milliseconds for 14 days of 5-minute steps (anomaly_bench.cc).
  static AnomalyModel Fit(const RegularSeries& history, const AnomalyOptions& options);

  Basis basis() const { return basis_; }
  // Does not change what is expected of the next: a step can be judged again and again.
  Judgement Judge(int64_t from_unix_seconds, double value) const;
  // Takes a step into the level. One that overlaps with those known is left out, so is one without a value.
  void Learn(int64_t from_unix_seconds, double value);

  size_t bytes() const;

 private:
  struct Deviation {
    float above = 0, below = 0;
  };
  // What is known of the newest steps beyond the level, followed by robust exponential smoothing.
  class Drift {
   public:
    Drift() = default;
    Drift(double gain, double step_max, double max) : gain_(gain), step_max_(step_max), max_(max) {}
    double gain() const { return gain_; }
    double value() const { return value_; }
    void Skip(int64_t steps);
    void Add(double error);  // of a forecast with it

   private:
    double gain_ = 0, step_max_ = 0, max_ = 0, value_ = 0;
  };

  void FitDrift(std::vector<double>& errors);
  void FitDeviations(const RegularSeries& history, const std::vector<double>& errors);
  Deviation DeviationAt(int64_t from_unix_seconds, double expected) const;
  double Score(double expected, const Deviation& deviation, double value) const;
  double Edge(double expected, const Deviation& deviation, double score) const;
  size_t HourOf(int64_t from_unix_seconds) const;

  AnomalyOptions options_;
  Basis basis_ = Basis::kNotEnough;
  Season season_;
  TrailingMedian level_{1};  // of what remains of values without trend and season
  Drift drift_;
  int64_t step_seconds_ = 0, next_unix_seconds_ = 0;
  std::vector<Deviation> deviations_;  // by hour of day
};

}  // namespace sightline::alert
