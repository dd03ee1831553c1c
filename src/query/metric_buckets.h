// Histograms that can be added up and asked for quantiles. Counts are doubles: a flow is divided among steps.
//
// Explicit bounds follow Prometheus' histogram_quantile: values are spread evenly within a bucket; the first bucket
// begins at 0 where its bound is above 0, and stands for its bound otherwise; the last one, without a bound, stands for
// the highest bound. Buckets of exponential histograms are spread evenly by the logarithm, the zero bucket evenly
// between its thresholds (from 0 where no value is negative).
#pragma once

#include <cstdint>
#include <vector>

#include "query/metric_flow.h"

namespace sightline::query {

// Thread: of its owner.
struct ExplicitBuckets {
  std::vector<double> bounds;  // rising
  std::vector<double> counts;  // one more than bounds; or none at all: the point had no buckets

  // Other bounds: both are split at all bounds, each bucket evenly. What is above the last bound stays above all.
  void Add(const ExplicitBuckets& other, double weight);
  double Quantile(double quantile) const;  // NaN: no counts, or no bounds
  size_t size() const { return bounds.size() + counts.size(); }
};

// Bucket i of `positive` holds (b^(offset+i), b^(offset+i+1)] with b = 2^(2^-scale); of `negative` the same below 0.
struct ExponentialBuckets {
  // Wider sides are brought to a smaller scale: a side of 320 buckets spans a factor of 10^6 with an error below 2.2 %.
  static constexpr size_t kSideMax = 320;

  struct Side {
    int64_t offset = 0;
    std::vector<double> counts;

    void Downscale(int by);  // halves the resolution so many times
    void Add(const Side& other, double weight);
    void DropZeros();
  };
  int scale = 0;
  double zero_threshold = 0, zero_count = 0;
  Side positive, negative;

  // Brings a point's scale to where bounds can be computed. Before all else.
  void Tidy();
  // The smaller scale and the larger zero bucket win.
  void Add(const ExponentialBuckets& other, double weight);
  double Quantile(double quantile) const;  // NaN: no counts
  size_t size() const { return 8 + positive.counts.size() + negative.counts.size(); }

  void DownscaleTo(int wanted);
  void WidenZeroTo(double threshold);
  double Bound(int64_t index) const;  // b^index
};

// A bucket that fell tells of a reset, whatever `falls_reset` says. Minus is for what goes on.
Relation Relate(const ExplicitBuckets& before, const ExplicitBuckets& now, bool falls_reset);
ExplicitBuckets Minus(const ExplicitBuckets& now, const ExplicitBuckets& before);
bool Larger(const ExplicitBuckets& a, const ExplicitBuckets& b);
Relation Relate(const ExponentialBuckets& before, const ExponentialBuckets& now, bool falls_reset);
ExponentialBuckets Minus(const ExponentialBuckets& now, const ExponentialBuckets& before);
bool Larger(const ExponentialBuckets& a, const ExponentialBuckets& b);

}  // namespace sightline::query
