#include "alert/anomaly.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sightline::alert {
namespace {

constexpr int64_t kDay = 86'400;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kScoreMax = 1e6;  // of a constant series everything else is infinitely far
// Of a series that never scattered: less than a thousandth of the value is no deviation.
constexpr double kRelativeDeviationMin = 1e-3;
constexpr double kDriftGains[] = {0.05, 0.15, 0.4};
constexpr double kDriftWorth = 0.95;                // what of the errors may remain
constexpr double kDriftStepMax = 2, kDriftMax = 2;  // deviations
constexpr size_t kHours = 24;
constexpr size_t kHourSamplesMin = 60;

size_t AdaptSteps(int64_t step_seconds) {
  return std::clamp(static_cast<size_t>(kAdaptSeconds / step_seconds), kAdaptStepsMin, kAdaptStepsMax);
}

// A count so transformed has the deviation 1, whatever is expected (Anscombe, for counts by chance).
double Anscombe(double count) {
  return 2 * std::sqrt(std::max(count, 0.0) + 0.375);
}

}  // namespace

AnomalyModel::AnomalyModel(const AnomalyOptions& options) : options_(options) {}

AnomalyModel AnomalyModel::Fit(const RegularSeries& history, const AnomalyOptions& options) {
  AnomalyModel model(options);
  if (history.step_seconds <= 0 || history.values.empty()) return model;
  model.step_seconds_ = history.step_seconds;
  model.next_unix_seconds_ = history.from_unix_seconds;
  model.basis_ = BasisOf(history, options.utc_offset_seconds);
  if (model.basis_ == Basis::kNotEnough) return model;
  model.season_ = Season::Fit(history, model.basis_, options.utc_offset_seconds);
  // A level follows a shift when that is half of its window.
  model.level_ = TrailingMedian(2 * AdaptSteps(history.step_seconds));

  // How far values lie is reckoned from the model's own forecasts, each from the steps before it.
  std::vector<double> errors(history.values.size(), kNone);
  for (size_t i = 0; i < errors.size(); ++i) {
    if (std::isnan(history.values[i])) continue;
    const double rest = history.values[i] - model.season_.At(history.TimeOf(i));
    if (model.level_.size() >= kAdaptStepsMin) errors[i] = rest - model.level_.value();
    model.level_.Add(rest);
  }
  model.next_unix_seconds_ = history.TimeOf(errors.size());
  model.FitDrift(errors);
  model.FitDeviations(history, errors);
  return model;
}

// Values that wander within hours are told better by those just before. How fast to follow is chosen by what would have
// forecast the history best; not at all, unless that is worth it. No farther than values lie from the level usually,
// so that what is unusual is not taken for drift.
void AnomalyModel::FitDrift(std::vector<double>& errors) {
  std::vector<double> sizes;
  const auto median_size = [&](const std::vector<double>& of) {
    sizes.clear();
    for (const double error : of) {
      if (!std::isnan(error)) sizes.push_back(std::abs(error));
    }
    return Median(sizes);
  };
  const double size = median_size(errors);
  if (!(size > 0)) return;
  double best = size * kDriftWorth;
  std::vector<double> of_best;
  for (const double gain : kDriftGains) {
    Drift drift(gain, kDriftStepMax * kSigmaOfMad * best, kDriftMax * kSigmaOfMad * size);
    std::vector<double> rests = errors;
    for (double& rest : rests) {
      if (std::isnan(rest)) {
        drift.Skip(1);
      } else {
        drift.Add(rest -= drift.value());
      }
    }
    const double so_far = median_size(rests);
    if (so_far >= best) continue;
    best = so_far;
    of_best = std::move(rests);
    drift_ = drift;
  }
  if (drift_.gain() > 0) errors = std::move(of_best);
}

void AnomalyModel::Drift::Skip(int64_t steps) {
  value_ *= std::pow(1 - gain_, static_cast<double>(steps));
}

void AnomalyModel::Drift::Add(double error) {
  value_ = std::clamp(value_ + gain_ * std::clamp(error, -step_max_, step_max_), -max_, max_);
}

void AnomalyModel::FitDeviations(const RegularSeries& history, const std::vector<double>& errors) {
  std::vector<double> all, in_deviations[2];
  std::vector<std::vector<double>> hours(kHours);
  for (size_t i = 0; i < errors.size(); ++i) {
    if (std::isnan(errors[i])) continue;
    all.push_back(errors[i]);
    hours[HourOf(history.TimeOf(i))].push_back(errors[i]);
  }
  const auto either = [](const Spread& spread, const Spread& otherwise) {
    return Spread{spread.above > 0 ? spread.above : otherwise.above, spread.below > 0 ? spread.below : otherwise.below};
  };
  const Spread whole = either(SpreadOf(all), SpreadOfOccasions(all));
  std::vector<Spread> spreads(kHours, whole);
  if (basis_ == Basis::kDay || basis_ == Basis::kWeek) {
    // What is quiet at night may be wild by day. The neighbours' samples make it steady.
    for (size_t hour = 0; hour < kHours; ++hour) {
      std::vector<double> near = hours[hour];
      for (const size_t other : {(hour + 1) % kHours, (hour + kHours - 1) % kHours}) {
        near.insert(near.end(), hours[other].begin(), hours[other].end());
      }
      if (near.size() >= kHourSamplesMin) spreads[hour] = either(SpreadOf(near), whole);
    }
  }
  for (size_t i = 0; i < errors.size(); ++i) {
    if (std::isnan(errors[i])) continue;
    const Spread& spread = spreads[HourOf(history.TimeOf(i))];
    const double side = errors[i] >= 0 ? spread.above : spread.below;
    if (side > 0) in_deviations[errors[i] < 0].push_back(std::abs(errors[i]) / side);
  }
  const double above = TailFactor(in_deviations[0]), below = TailFactor(in_deviations[1]);
  for (const Spread& spread : spreads) {
    deviations_.push_back({static_cast<float>(spread.above * above), static_cast<float>(spread.below * below)});
  }
}

size_t AnomalyModel::HourOf(int64_t from_unix_seconds) const {
  const int64_t local = from_unix_seconds + step_seconds_ / 2 + options_.utc_offset_seconds;
  return static_cast<size_t>((local % kDay + kDay) % kDay / 3600);
}

AnomalyModel::Deviation AnomalyModel::DeviationAt(int64_t from_unix_seconds, double expected) const {
  const auto least = static_cast<float>(kRelativeDeviationMin * std::abs(expected));
  const Deviation& deviation = deviations_[HourOf(from_unix_seconds)];
  return {std::max(deviation.above, least), std::max(deviation.below, least)};
}

double AnomalyModel::Score(double expected, const Deviation& deviation, double value) const {
  if (value == expected) return 0;
  const double side = value > expected ? deviation.above : deviation.below;
  double score = side > 0 ? (value - expected) / side : std::copysign(kScoreMax, value - expected);
  if (options_.event > 0) {
    const double by_chance = Anscombe(value / options_.event) - Anscombe(expected / options_.event);
    if (std::abs(by_chance) < std::abs(score)) score = by_chance;
  }
  return std::clamp(score, -kScoreMax, kScoreMax);
}

// Where the score is `score`.
double AnomalyModel::Edge(double expected, const Deviation& deviation, double score) const {
  double edge = expected + score * (score > 0 ? deviation.above : deviation.below);
  if (options_.event > 0) {
    const double root = std::max(Anscombe(expected / options_.event) + score, 0.0) / 2;
    const double by_chance = (root * root - 0.375) * options_.event;
    edge = score > 0 ? std::max(edge, by_chance) : std::min(edge, by_chance);
  }
  return options_.is_non_negative ? std::max(edge, 0.0) : edge;
}

Judgement AnomalyModel::Judge(int64_t from_unix_seconds, double value) const {
  if (basis_ == Basis::kNotEnough) return {kNone, kNone, kNone, kNone};
  double expected = level_.value() + drift_.value() + season_.At(from_unix_seconds);
  if (options_.is_non_negative) expected = std::max(expected, 0.0);
  const Deviation deviation = DeviationAt(from_unix_seconds, expected);
  Judgement judgement = {expected, Edge(expected, deviation, -options_.sensitivity),
                         Edge(expected, deviation, options_.sensitivity), kNone};
  if (std::isnan(value)) return judgement;
  judgement.score = Score(expected, deviation, value);
  judgement.is_anomaly = Breaches(options_.direction, {judgement.lower, judgement.upper}, value);
  return judgement;
}

void AnomalyModel::Learn(int64_t from_unix_seconds, double value) {
  if (basis_ == Basis::kNotEnough || from_unix_seconds < next_unix_seconds_ || std::isnan(value)) return;
  const double rest = value - season_.At(from_unix_seconds);
  drift_.Skip((from_unix_seconds - next_unix_seconds_) / step_seconds_);
  drift_.Add(rest - level_.value() - drift_.value());
  level_.Add(rest);
  next_unix_seconds_ = from_unix_seconds + step_seconds_;
}

size_t AnomalyModel::bytes() const {
  return sizeof(*this) + season_.bytes() + level_.bytes() + deviations_.capacity() * sizeof(Deviation);
}

}  // namespace sightline::alert
