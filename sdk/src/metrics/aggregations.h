// The aggregations that synchronous instruments have: how a measurement goes into a cell, and cells into a point.
//
// Each has: Number, what is measured; Config, the same for all cells; Cell, empty when made from a config; Add, which
// returns the group of measurements (see ReservoirShape) that the value belongs to; Merge; Point, Write, Data.
// A cell knows nothing of threads, attributes and time.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "metrics/cache_line.h"
#include "metrics/exponential_buckets.h"
#include "metrics/number.h"
#include "metrics/reservoir.h"
#include "otel/metric_data.h"
#include "otel/metrics.h"

namespace otel::internal {

template <MetricNumber T>
struct MinMax {
  T min = std::numeric_limits<T>::max(), max = std::numeric_limits<T>::lowest();

  void Add(T value) {
    min = std::min(min, value);
    max = std::max(max, value);
  }
  void Merge(const MinMax& other) {
    min = std::min(min, other.min);
    max = std::max(max, other.max);
  }
};

template <MetricNumber T>
struct Sum {
  using Number = T;
  using Point = NumberPoint;
  using Data = SumData;
  struct Config {
    bool monotonic = true;
  };
  struct Cell {
    explicit Cell(const Config&) {}
    T sum{};
  };

  static ReservoirShape Shape(const Config&) { return {}; }
  static size_t Add(const Config&, Cell& cell, T value) {
    AddTo(cell.sum, value);
    return 0;
  }
  static void Merge(const Config&, Cell& into, const Cell& from) { AddTo(into.sum, from.sum); }
  static void Write(const Config&, const Cell& cell, Point& point) { point.value = cell.sum; }
  static Data MakeData(const Config& config, std::vector<Point> points, Temporality temporality) {
    return {std::move(points), temporality, config.monotonic};
  }
};

template <MetricNumber T>
struct LastValue {
  using Number = T;
  using Point = NumberPoint;
  using Data = GaugeData;
  struct Config {};
  struct Cell {
    explicit Cell(const Config&) {}
    T value{};
    std::chrono::steady_clock::time_point time{};  // so that the last one of several threads is known
  };

  static ReservoirShape Shape(const Config&) { return {}; }
  static size_t Add(const Config&, Cell& cell, T value) {
    cell.value = value;
    cell.time = std::chrono::steady_clock::now();
    return 0;
  }
  static void Merge(const Config&, Cell& into, const Cell& from) {
    if (from.time >= into.time) into = from;
  }
  static void Write(const Config&, const Cell& cell, Point& point) {
    point.value = cell.value;
    point.start = 0;
  }
  static Data MakeData(const Config&, std::vector<Point> points, Temporality) { return {std::move(points)}; }
};

struct HistogramConfig {
  bool record_min_max = true;
  bool record_sum = true;
};

template <MetricNumber T>
struct ExplicitBucketHistogram {
  using Number = T;
  using Point = HistogramPoint;
  using Data = HistogramData;
  struct Config : HistogramConfig {
    Config(HistogramConfig config, std::vector<double> upper_bounds);

    std::vector<double> boundaries;
    std::vector<double> padded;  // with infinity, to a multiple of kStep; empty where there are many
  };
  struct Cell {
    explicit Cell(const Config& config) : counts(config.boundaries.size() + 1) {}
    T sum{};
    MinMax<T> min_max;
    std::vector<uint64_t, LineAllocator<uint64_t>> counts;
  };

  static ReservoirShape Shape(const Config& config) { return {.groups = config.boundaries.size() + 1}; }

  static size_t Add(const Config& config, Cell& cell, T value) {
    const size_t bucket = BucketOf(config, static_cast<double>(value));
    ++cell.counts[bucket];
    AddTo(cell.sum, value);
    cell.min_max.Add(value);
    return bucket;
  }

  static void Merge(const Config&, Cell& into, const Cell& from) {
    for (size_t i = 0; i < into.counts.size(); ++i) into.counts[i] += from.counts[i];
    AddTo(into.sum, from.sum);
    into.min_max.Merge(from.min_max);
  }

  static void Write(const Config& config, const Cell& cell, Point& point) {
    for (const uint64_t count : cell.counts) point.count += count;
    if (config.record_sum) point.sum = static_cast<double>(cell.sum);
    if (config.record_min_max) {
      point.min = static_cast<double>(cell.min_max.min);
      point.max = static_cast<double>(cell.min_max.max);
    }
    point.bounds = config.boundaries;
    point.counts.assign(cell.counts.begin(), cell.counts.end());
  }
  static Data MakeData(const Config&, std::vector<Point> points, Temporality temporality) {
    return {std::move(points), temporality};
  }

 private:
  static constexpr size_t kStep = 8;
  static constexpr size_t kFew = 32;

  // Upper bounds are inclusive. Of a few, the processor counts those below several at once and without a branch that it
  // may guess wrong, which beats any search.
  static size_t BucketOf(const Config& config, double value) {
    if (config.padded.empty()) {
      return static_cast<size_t>(std::ranges::lower_bound(config.boundaries, value) - config.boundaries.begin());
    }
    int64_t below = 0;
    for (const double* bound = config.padded.data(); bound != config.padded.data() + config.padded.size();
         bound += kStep) {
      for (size_t i = 0; i < kStep; ++i) below += bound[i] < value ? 1 : 0;
    }
    return static_cast<size_t>(below);
  }
};

template <MetricNumber T>
ExplicitBucketHistogram<T>::Config::Config(HistogramConfig config, std::vector<double> upper_bounds)
    : HistogramConfig(config), boundaries(std::move(upper_bounds)) {
  if (boundaries.empty() || boundaries.size() > kFew) return;
  padded = boundaries;
  padded.resize((padded.size() + kStep - 1) / kStep * kStep, std::numeric_limits<double>::infinity());
}

template <MetricNumber T>
struct Base2ExponentialHistogram {
  using Number = T;
  using Point = ExponentialHistogramPoint;
  using Data = ExponentialHistogramData;
  struct Config : HistogramConfig {
    int32_t max_size = 160;
    int32_t max_scale = 20;
  };
  struct Cell {
    explicit Cell(const Config& config) : buckets{.scale = config.max_scale} {}
    uint64_t count = 0;
    T sum{};
    MinMax<T> min_max;
    ExponentialScaled buckets;
  };

  static ReservoirShape Shape(const Config& config) {
    return {.places = static_cast<size_t>(std::min(20, config.max_size))};
  }
  static size_t Add(const Config& config, Cell& cell, T value) {
    ++cell.count;
    AddTo(cell.sum, value);
    cell.min_max.Add(value);
    cell.buckets.Add(static_cast<double>(value), config.max_size);
    return 0;
  }
  static void Merge(const Config& config, Cell& into, const Cell& from) {
    into.count += from.count;
    AddTo(into.sum, from.sum);
    into.min_max.Merge(from.min_max);
    into.buckets.Merge(from.buckets, config.max_size);
  }
  static void Write(const Config& config, const Cell& cell, Point& point) {
    point.count = cell.count;
    if (config.record_sum) point.sum = static_cast<double>(cell.sum);
    if (config.record_min_max) {
      point.min = static_cast<double>(cell.min_max.min);
      point.max = static_cast<double>(cell.min_max.max);
    }
    point.scale = cell.buckets.scale;
    point.zero_count = cell.buckets.zero_count;
    point.positive = cell.buckets.positive.Dense();
    point.negative = cell.buckets.negative.Dense();
  }
  static Data MakeData(const Config&, std::vector<Point> points, Temporality temporality) {
    return {std::move(points), temporality};
  }
};

}  // namespace otel::internal
