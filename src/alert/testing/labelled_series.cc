#include "alert/testing/labelled_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>

namespace sightline::alert {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kJudgedDays = 7;

enum class Noise { kNormal, kLogNormal, kPoisson, kOverdispersed, kSkewed };

struct Recipe {
  std::string family;
  size_t history_days_min = 14, history_days_max = 14;
  Noise noise = Noise::kNormal;
  double level_min = 10, level_max = 10'000;     // drawn evenly in its logarithm
  double season_min = 0.1, season_max = 0.7;     // amplitude over level
  double scatter_min = 0.02, scatter_max = 0.1;  // deviation over level
  double weekend = 0.6;                          // at most so much of a weekday is missing
  bool has_jobs = false, has_trend = false, has_gaps = false, has_shifts = false, has_dirt = false, is_flat = false;
  double drift = 0;  // deviation of an AR(1) with a memory of some hours, over that of the noise
};

std::vector<Recipe> Recipes() {
  return {
      {.family = "season"},
      {.family = "jobs", .has_jobs = true},
      {.family = "heteroscedastic", .noise = Noise::kLogNormal, .scatter_min = 0.04, .scatter_max = 0.2},
      {.family = "trend", .has_trend = true},
      {.family = "rare_counts", .noise = Noise::kPoisson, .level_min = 0.05, .level_max = 3},
      {.family = "counts", .noise = Noise::kOverdispersed, .level_min = 20, .level_max = 1000},
      {.family = "gaps", .has_gaps = true},
      {.family = "shifts", .has_shifts = true},
      {.family = "dirty_history", .has_dirt = true},
      {.family = "flat", .season_min = 0, .season_max = 0, .weekend = 0, .is_flat = true},
      {.family = "latency", .noise = Noise::kSkewed, .scatter_min = 0.05, .scatter_max = 0.2, .drift = 1},
      {.family = "wander", .season_min = 0, .season_max = 0, .weekend = 0, .drift = 3},
      {.family = "short", .history_days_min = 1, .history_days_max = 7},
  };
}

class Maker {
 public:
  Maker(const Recipe& recipe, uint64_t seed) : recipe_(recipe), random_(seed) {}

  LabelledSeries Make() {
    const size_t history_days =
        recipe_.history_days_min + Below(recipe_.history_days_max - recipe_.history_days_min + 1);
    series_.family = recipe_.family;
    // A Monday at midnight, and some days later.
    series_.from_unix_seconds = 1'790'553'600 + static_cast<int64_t>(Below(7)) * 86'400;
    series_.judged_from = history_days * kStepsOfDay;
    const size_t steps = (history_days + kJudgedDays) * kStepsOfDay;
    series_.values.resize(steps);
    series_.is_unscored.resize(steps);
    series_.event = recipe_.noise == Noise::kPoisson || recipe_.noise == Noise::kOverdispersed ? 1 : 0;
    series_.is_non_negative = recipe_.noise != Noise::kNormal;
    DrawExpected();
    if (recipe_.has_shifts) Shift(series_.judged_from * (1 + Below(3)) / 4);
    PlaceEvents();
    DrawValues();
    if (recipe_.has_dirt) Dirty();
    if (recipe_.has_gaps) Gaps();
    return std::move(series_);
  }

 private:
  double Even(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  size_t Below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  bool Chance(double share) { return Even(0, 1) < share; }
  double Normal() { return normal_(random_); }

  void DrawExpected() {
    level_ = std::exp(Even(std::log(recipe_.level_min), std::log(recipe_.level_max)));
    const double amplitude = level_ * Even(recipe_.season_min, recipe_.season_max);
    const double phase = Even(0, 1), second = Even(0, 0.5), second_phase = Even(0, 1);
    const double weekend = Even(0, recipe_.weekend);
    const double growth = recipe_.has_trend ? Even(0.2, 1.0) * (Chance(0.3) ? -0.6 : 1) : 0;
    scatter_ = Even(recipe_.scatter_min, recipe_.scatter_max);
    std::vector<std::pair<size_t, double>> jobs;
    for (size_t i = 0; recipe_.has_jobs && i < 1 + Below(3); ++i) jobs.emplace_back(Below(kStepsOfDay), Even(10, 20));
    expected_.resize(series_.values.size());
    for (size_t i = 0; i < expected_.size(); ++i) {
      const double day = static_cast<double>(i % kStepsOfDay) / kStepsOfDay;
      const auto wave = [&](double cycles, double at) { return std::sin(2 * std::numbers::pi * (cycles * day + at)); };
      double value = level_ + amplitude * (wave(1, phase) + second * wave(2, second_phase)) / (1 + second);
      const auto weekday = (series_.from_unix_seconds / 86'400 + 3 + static_cast<int64_t>(i / kStepsOfDay)) % 7;
      if (weekday >= 5) value *= 1 - weekend;
      value *= 1 + growth * static_cast<double>(i) / static_cast<double>(expected_.size());
      for (const auto& [slot, size] : jobs) {
        if (i % kStepsOfDay - slot < 2) value += size * scatter_ * level_;
      }
      expected_[i] = value;
    }
  }

  // What a step scatters by.
  double Deviation(size_t i) const {
    switch (recipe_.noise) {
      case Noise::kNormal:
        return scatter_ * level_;
      case Noise::kPoisson:
        return std::sqrt(std::max(expected_[i], 0.05));
      case Noise::kOverdispersed:
        return std::sqrt(expected_[i] + std::pow(scatter_ * expected_[i], 2));
      case Noise::kLogNormal:
      case Noise::kSkewed:
        return scatter_ * expected_[i];
    }
    return 0;
  }

  void Shift(size_t at) {
    const double by = Even(5, 15) * scatter_ * level_ * (Chance(0.3) ? -1 : 1);
    for (size_t i = at; i < expected_.size(); ++i) expected_[i] += by;
  }

  bool IsFree(size_t begin, size_t end) const {
    constexpr size_t kApart = 6 * kStepsOfHour;
    if (begin < series_.judged_from + kApart || end + kApart > expected_.size()) return false;
    if (series_.is_unscored[begin] || series_.is_unscored[end + kApart - 1]) return false;
    return std::ranges::none_of(series_.events, [&](const LabelledSeries::Event& event) {
      return begin < event.end + kApart && event.begin < end + kApart;
    });
  }

  void PlaceEvents() {
    added_.resize(expected_.size());
    if (recipe_.has_shifts) {
      const size_t begin = series_.judged_from + kStepsOfDay + Below(5 * kStepsOfDay);
      Shift(begin);
      series_.events.push_back({begin, begin + kStepsOfHour, "shift"});
      std::fill_n(series_.is_unscored.begin() + static_cast<ptrdiff_t>(begin + kStepsOfHour), kStepsOfDay, true);
    }
    if (Chance(0.2)) return;  // some have no more
    const size_t wanted = 2 + Below(5);
    for (size_t attempts = 0; attempts < 100 && series_.events.size() < wanted; ++attempts) {
      const size_t begin = series_.judged_from + Below(expected_.size() - series_.judged_from);
      const double kind = Even(0, 1);
      if (kind < 0.45) {
        Push("spike", begin, 1 + Below(2), Even(6, 15));
      } else if (kind < 0.8) {
        Push("incident", begin, 6 + Below(30), Even(4, 10));
      } else if (recipe_.season_max > 0 && kind < 0.9) {
        OffSeason(begin, kStepsOfHour + Below(2 * kStepsOfHour));
      } else if (series_.is_non_negative) {
        Outage(begin, 3 + Below(24));
      }
    }
    std::ranges::sort(series_.events, {}, &LabelledSeries::Event::begin);
  }

  void Push(const std::string& kind, size_t begin, size_t length, double deviations) {
    if (!IsFree(begin, begin + length)) return;
    // Quiet counts cannot go visibly down, and what cannot be negative can fall by what there is only.
    const bool goes_down =
        Chance(0.4) && (!series_.is_non_negative || Deviation(begin) * deviations < expected_[begin]);
    for (size_t i = begin; i < begin + length; ++i) {
      const double least = recipe_.noise == Noise::kPoisson ? 8 : 0;
      added_[i] = std::max(deviations * Deviation(i), least) * (goes_down ? -1 : 1);
    }
    series_.events.push_back({begin, begin + length, kind});
  }

  // The values of another time of the day: each alone is nothing special.
  void OffSeason(size_t begin, size_t length) {
    if (!IsFree(begin, begin + length)) return;
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = begin; i < begin + length; ++i) {
      added_[i] = expected_[i - kStepsOfDay / 2] - expected_[i];
      least = std::min(least, std::abs(added_[i]) / Deviation(i));
    }
    if (least > 4 && recipe_.noise != Noise::kPoisson) {
      series_.events.push_back({begin, begin + length, "off_season"});
    } else {
      std::fill_n(added_.begin() + static_cast<ptrdiff_t>(begin), length, 0);
    }
  }

  void Outage(size_t begin, size_t length) {
    if (!IsFree(begin, begin + length)) return;
    for (size_t i = begin; i < begin + length; ++i) {
      if (expected_[i] < 5 * Deviation(i)) return;
    }
    for (size_t i = begin; i < begin + length; ++i) added_[i] = -std::numeric_limits<double>::infinity();
    series_.events.push_back({begin, begin + length, "outage"});
  }

  void DrawValues() {
    constexpr double kMemory = 0.98;
    double drift = 0;
    for (size_t i = 0; i < expected_.size(); ++i) {
      drift = kMemory * drift + std::sqrt(1 - kMemory * kMemory) * Normal();
      const double expected = expected_[i] + recipe_.drift * drift * Deviation(i);
      series_.values[i] = Draw(i, expected) + added_[i];
      if (std::isinf(added_[i])) series_.values[i] = 0;
      if (series_.event > 0) series_.values[i] = std::round(series_.values[i]);
      if (series_.is_non_negative) series_.values[i] = std::max(series_.values[i], 0.0);
    }
  }

  double Draw(size_t i, double expected) {
    const double deviation = Deviation(i);
    if (recipe_.is_flat) {
      // Constant, or in a few steps, e.g. instances that run; now and then one more or less.
      if (!flat_chosen_) flat_share_ = Chance(0.5) ? 0 : Even(0.002, 0.01), flat_chosen_ = true;
      return Chance(flat_share_) ? level_ + deviation * (Chance(0.5) ? 1 : -1) : level_;
    }
    switch (recipe_.noise) {
      case Noise::kNormal:
        return expected + deviation * Normal();
      case Noise::kLogNormal:
        return expected * std::exp(scatter_ * Normal());
      case Noise::kSkewed:  // a long tail above
        return expected * (1 + scatter_ * (std::exponential_distribution<double>()(random_) - 1));
      case Noise::kPoisson:
        return std::poisson_distribution<int>(std::max(expected, 1e-3))(random_);
      case Noise::kOverdispersed: {
        const double mean = std::max(expected * (1 + scatter_ * Normal()), 1e-3);
        return std::poisson_distribution<int>(mean)(random_);
      }
    }
    return expected;
  }

  // What has gone wrong before is in the history too, and nobody has labelled it.
  void Dirty() {
    for (size_t i = 0; i < series_.judged_from; ++i) {
      if (Chance(0.01)) series_.values[i] += Even(6, 20) * Deviation(i) * (Chance(0.5) ? 1 : -1);
    }
    for (size_t incident = 0; incident < 4; ++incident) {
      const size_t begin = Below(series_.judged_from - 60), length = 12 + Below(36);
      const double by = Even(5, 15) * Deviation(begin) * (Chance(0.5) ? 1 : -1);
      for (size_t i = begin; i < begin + length; ++i) series_.values[i] += by;
    }
  }

  void Gaps() {
    for (double& value : series_.values) {
      if (Chance(0.05)) value = kNone;
    }
    const auto empty = [&](size_t begin, size_t length) {
      std::fill_n(series_.values.begin() + static_cast<ptrdiff_t>(begin), length, kNone);
    };
    const size_t days = series_.judged_from / kStepsOfDay;
    for (size_t i = 0; i < 2; ++i) empty(Below(days) * kStepsOfDay, kStepsOfDay);
    for (size_t i = 0; i < 3; ++i) empty(Below(series_.judged_from - 100), 12 + Below(72));
  }

  const Recipe& recipe_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  LabelledSeries series_;
  double level_ = 0, scatter_ = 0, flat_share_ = 0;
  bool flat_chosen_ = false;
  std::vector<double> expected_, added_;  // added: minus infinity is an outage
};

}  // namespace

std::vector<std::string> LabelledFamilies() {
  std::vector<std::string> names;
  for (const Recipe& recipe : Recipes()) names.push_back(recipe.family);
  return names;
}

std::vector<LabelledSeries> MakeLabelledSeries(uint64_t seed, size_t of_each_family) {
  std::vector<LabelledSeries> made;
  std::mt19937_64 seeds(seed);
  for (const Recipe& recipe : Recipes()) {
    for (size_t i = 0; i < of_each_family; ++i) made.push_back(Maker(recipe, seeds()).Make());
  }
  return made;
}

Scores ModelScores(const LabelledSeries& series, size_t refit_steps, size_t history_days) {
  Scores scores;
  AnomalyModel model;
  for (size_t i = series.judged_from; i < series.values.size(); ++i) {
    if ((i - series.judged_from) % refit_steps == 0) {
      const size_t begin = i - std::min(i, history_days * kStepsOfDay);
      model =
          AnomalyModel::Fit(series.Range(begin, i), {.event = series.event, .is_non_negative = series.is_non_negative});
    }
    const RegularSeries step = series.Range(i, i + 1);
    scores.push_back(model.Judge(step.from_unix_seconds, series.values[i]).score);
    model.Learn(step.from_unix_seconds, series.values[i]);
  }
  return scores;
}

Quality QualityOf(const LabelledSeries& series, const Scores& scores, double threshold) {
  enum class Truth : uint8_t { kRight, kEvent, kTolerated };
  const size_t steps = scores.size();
  std::vector<Truth> truth(steps);
  for (const auto& event : series.events) {
    for (size_t i = event.begin; i < std::min(event.end + kToleranceSteps, series.values.size()); ++i) {
      truth[i - series.judged_from] = i < event.end ? Truth::kEvent : Truth::kTolerated;
    }
  }
  const auto is_beyond = [&](size_t i) { return std::abs(scores[i]) > threshold; };  // not of NaN
  Quality quality;
  for (size_t i = 0; i < steps; ++i) {
    if (std::isnan(series.values[series.judged_from + i])) continue;
    ++quality.judged_steps;
    if (truth[i] == Truth::kEvent) {
      ++(is_beyond(i) ? quality.points.right : quality.points.missed);
    } else if (truth[i] == Truth::kRight && !series.is_unscored[series.judged_from + i]) {
      quality.points.wrong += is_beyond(i);
    }
  }
  for (const auto& event : series.events) {
    bool is_found = false;
    for (size_t i = event.begin; i < std::min(event.end + kToleranceSteps, series.values.size()); ++i) {
      is_found |= is_beyond(i - series.judged_from);
    }
    ++(is_found ? quality.events.right : quality.events.missed);
  }
  for (size_t i = 0; i < steps; ++i) {
    if (!is_beyond(i)) continue;
    bool touches = false;
    size_t last = i;
    for (size_t j = i; j < steps && j <= last + kToleranceSteps + 1; ++j) {
      if (!is_beyond(j)) continue;
      last = j;
      touches |= truth[j] != Truth::kRight || series.is_unscored[series.judged_from + j];
    }
    quality.events.wrong += !touches;
    i = last;
  }
  return quality;
}

}  // namespace sightline::alert
