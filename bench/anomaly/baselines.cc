#include "anomaly/baselines.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "alert/robust.h"

namespace sightline::bench {
namespace {

using alert::kStepsOfDay;
using alert::kStepsOfHour;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kHistorySteps = 14 * kStepsOfDay;
constexpr size_t kTrendSteps = kStepsOfDay * 3 / 2 + 1;  // STL's advice for a periodic season: 1.5 periods
constexpr int kOuter = 3, kInner = 2;

double Score(double value, double expected, double deviation) {
  if (value == expected) return 0;
  return deviation > 0 ? (value - expected) / deviation : std::copysign(1e6, value - expected);
}

// A line fitted to the neighbours of `at`, nearer ones with more weight, there.
double LoessAt(std::span<const double> values, std::span<const double> weights, size_t at, size_t width) {
  const size_t begin = std::min(at - std::min(at, width / 2), values.size() - std::min(values.size(), width));
  const size_t end = std::min(begin + width, values.size());
  const double reach = static_cast<double>(std::max({at - begin, end - 1 - at, width / 2})) + 1;
  double sum = 0, sum_x = 0, sum_xx = 0, sum_y = 0, sum_xy = 0;
  for (size_t i = begin; i < end; ++i) {
    if (std::isnan(values[i])) continue;
    const double x = static_cast<double>(i) - static_cast<double>(at);
    const double near = 1 - std::pow(std::abs(x) / reach, 3);
    const double weight = weights[i] * near * near * near;
    sum += weight, sum_x += weight * x, sum_xx += weight * x * x;
    sum_y += weight * values[i], sum_xy += weight * x * values[i];
  }
  if (sum <= 0) return kNone;
  const double spread = sum * sum_xx - sum_x * sum_x;
  if (spread <= 1e-9 * sum * sum) return sum_y / sum;
  return (sum_xx * sum_y - sum_x * sum_xy) / spread;
}

std::vector<double> Loess(std::span<const double> values, std::span<const double> weights, size_t width) {
  std::vector<double> smooth(values.size());
  double last = LoessAt(values, weights, 0, width);
  for (size_t begin = 0; begin < values.size(); begin += kStepsOfHour) {
    const size_t end = std::min(begin + kStepsOfHour, values.size() - 1);
    const double next = LoessAt(values, weights, end, width);
    if (std::isnan(last)) last = next;
    for (size_t i = begin; i <= end; ++i) {
      const double share = end > begin ? static_cast<double>(i - begin) / static_cast<double>(end - begin) : 0;
      smooth[i] = std::isnan(next) ? last : last + share * (next - last);
    }
    if (!std::isnan(next)) last = next;
  }
  return smooth;
}

std::vector<double> PeriodicMeans(std::span<const double> values, std::span<const double> trend,
                                  std::span<const double> weights) {
  std::vector<double> sums(kStepsOfDay), counts(kStepsOfDay);
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    sums[i % kStepsOfDay] += weights[i] * (values[i] - trend[i]);
    counts[i % kStepsOfDay] += weights[i];
  }
  double mean = 0;
  for (size_t phase = 0; phase < kStepsOfDay; ++phase) {
    if (counts[phase] > 0) sums[phase] /= counts[phase];
    mean += sums[phase] / kStepsOfDay;
  }
  for (double& sum : sums) sum -= mean;
  return sums;
}

double DeviationOf(std::span<const double> rests) {
  std::vector<double> sizes;
  for (const double rest : rests) {
    if (!std::isnan(rest)) sizes.push_back(std::abs(rest));
  }
  return alert::kSigmaOfMad * alert::Median(sizes);
}

}  // namespace

alert::Scores ZScores(const alert::LabelledSeries& series) {
  alert::Scores scores;
  for (size_t i = series.judged_from; i < series.values.size(); ++i) {
    double sum = 0, squares = 0, count = 0;
    for (size_t j = i - std::min(i, kHistorySteps); j < i; ++j) {
      if (!std::isnan(series.values[j])) sum += series.values[j], ++count;
    }
    const double mean = sum / count;
    for (size_t j = i - std::min(i, kHistorySteps); j < i; ++j) {
      if (!std::isnan(series.values[j])) squares += std::pow(series.values[j] - mean, 2);
    }
    scores.push_back(Score(series.values[i], mean, std::sqrt(squares / count)));
  }
  return scores;
}

Decomposition Decompose(std::span<const double> values) {
  Decomposition parts;
  parts.trend.assign(values.size(), 0);
  parts.season.assign(values.size(), 0);
  parts.rest.assign(values.size(), kNone);
  std::vector<double> weights(values.size(), 1), without(values.size());
  const bool has_season = values.size() >= 2 * kStepsOfDay;
  for (int outer = 0; outer < kOuter; ++outer) {
    for (int inner = 0; inner < kInner; ++inner) {
      const std::vector<double> season =
          has_season ? PeriodicMeans(values, parts.trend, weights) : std::vector<double>(kStepsOfDay);
      for (size_t i = 0; i < values.size(); ++i) {
        parts.season[i] = season[i % kStepsOfDay];
        without[i] = values[i] - parts.season[i];
      }
      parts.trend = Loess(without, weights, kTrendSteps);
    }
    for (size_t i = 0; i < values.size(); ++i) parts.rest[i] = without[i] - parts.trend[i];
    const double reach = 6 * DeviationOf(parts.rest) / alert::kSigmaOfMad;
    for (size_t i = 0; i < values.size(); ++i) {
      const double share = reach > 0 ? std::min(std::abs(parts.rest[i]) / reach, 1.0) : 0;
      weights[i] = std::isnan(values[i]) ? 0 : std::pow(1 - share * share, 2);
    }
  }
  return parts;
}

alert::Scores StlScores(const alert::LabelledSeries& series, size_t refit_steps) {
  alert::Scores scores;
  Decomposition parts;
  size_t fitted = 0;
  double deviation = 0;
  for (size_t i = series.judged_from; i < series.values.size(); ++i) {
    if ((i - series.judged_from) % refit_steps == 0) {
      const size_t count = std::min(i, kHistorySteps);
      parts = Decompose(std::span(series.values).subspan(i - count, count));
      deviation = DeviationOf(parts.rest);
      fitted = i;
    }
    const size_t of_last_day = parts.season.size() - kStepsOfDay + (i - fitted) % kStepsOfDay;
    scores.push_back(Score(series.values[i], parts.trend.back() + parts.season[of_last_day], deviation));
  }
  return scores;
}

alert::Scores StlHindsightScores(const alert::LabelledSeries& series) {
  const Decomposition parts = Decompose(series.values);
  const double deviation = DeviationOf(parts.rest);
  alert::Scores scores;
  for (size_t i = series.judged_from; i < series.values.size(); ++i) {
    scores.push_back(Score(series.values[i], parts.trend[i] + parts.season[i], deviation));
  }
  return scores;
}

}  // namespace sightline::bench
