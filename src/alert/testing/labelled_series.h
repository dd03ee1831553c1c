// Series of which it is known what in them is an anomaly, made from a seed: what monitoring sees, by families (names
// below). Data: seed -> history without labels, then days to be judged with labels -> how well scores tell them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alert/anomaly.h"

namespace sightline::alert {

inline constexpr int64_t kLabelledStepSeconds = 300;
inline constexpr size_t kStepsOfHour = 12, kStepsOfDay = 288;

struct LabelledSeries {
  // Steps [begin, end) are wrong.
  struct Event {
    size_t begin = 0, end = 0;
    std::string kind;  // spike, incident, off_season, outage, shift
  };
  std::string family;
  int64_t from_unix_seconds = 0;
  std::vector<double> values;  // NaN: none
  size_t judged_from = 0;      // before is history
  std::vector<Event> events;   // in the order of time
  // A day after the first hour of a shift: whether that is still an anomaly is a matter of taste, so nobody's answer
  // counts there.
  std::vector<bool> is_unscored;
  double event = 0;  // as of AnomalyOptions
  bool is_non_negative = false;

  RegularSeries Range(size_t begin, size_t end) const {
    return {from_unix_seconds + static_cast<int64_t>(begin) * kLabelledStepSeconds, kLabelledStepSeconds,
            std::span(values).subspan(begin, end - begin)};
  }
};

std::vector<std::string> LabelledFamilies();
std::vector<LabelledSeries> MakeLabelledSeries(uint64_t seed, size_t of_each_family);

// ---- detectors: a score for each step from judged_from on; NaN: it says nothing
// ----------------------------------------

using Scores = std::vector<double>;
// The model, fitted to the last `history_days` at each `refit_steps`, judging and learning each step between.
Scores ModelScores(const LabelledSeries& series, size_t refit_steps, size_t history_days = 14);

// ---- how well they do
// ------------------------------------------------------------------------------------------------

struct Tally {
  uint64_t right = 0, wrong = 0, missed = 0;  // true positives, false positives, false negatives
  double precision() const {
    return right + wrong ? static_cast<double>(right) / static_cast<double>(right + wrong) : 1;
  }
  double recall() const {
    return right + missed ? static_cast<double>(right) / static_cast<double>(right + missed) : 1;
  }
  double f1() const {
    const double sum = precision() + recall();
    return sum > 0 ? 2 * precision() * recall() / sum : 0;
  }
  Tally& operator+=(const Tally& other) {
    right += other.right, wrong += other.wrong, missed += other.missed;
    return *this;
  }
};
struct Quality {
  // Of steps. Those within the tolerance after an event are nobody's mistake.
  Tally points;
  // Of events: found if a step in it, or within the tolerance after it, is beyond the threshold. Steps beyond it that
  // touch no event are one false alarm as long as no more than the tolerance lies between them.
  Tally events;
  uint64_t judged_steps = 0;
};
inline constexpr size_t kToleranceSteps = 3;  // 15 minutes
Quality QualityOf(const LabelledSeries& series, const Scores& scores, double threshold);

}  // namespace sightline::alert
