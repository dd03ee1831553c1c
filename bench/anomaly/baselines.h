// What the anomaly model is compared with: a plain z-score and a decomposition in the manner of STL.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "alert/testing/labelled_series.h"

namespace sightline::bench {

// The distance from the mean of the last 14 days, in their standard deviations. Of each step anew.
alert::Scores ZScores(const alert::LabelledSeries& series);

// STL (Cleveland et al. 1990) with a day as the period, a periodic season, two robust iterations, loess of degree 1
// reckoned at every hour and linear between. NaN has weight 0. Less than two days: no season.
struct Decomposition {
  std::vector<double> trend, season, rest;
};
Decomposition Decompose(std::span<const double> values);

// In deviations (of the median of absolute rests). As an alert has it: fitted at each `refit_steps` to 14 days before;
// what is expected is the season of the last day at the trend's end.
alert::Scores StlScores(const alert::LabelledSeries& series, size_t refit_steps);
// Fitted once to everything, the judged days included: it knows what comes after each step, as no alert can.
alert::Scores StlHindsightScores(const alert::LabelledSeries& series);

}  // namespace sightline::bench
