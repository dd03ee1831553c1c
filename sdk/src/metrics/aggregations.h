// The aggregations that synchronous instruments have: how a measurement goes into a cell, and cells into a point.
//
// Each has: Number, what is measured; Config, the same for all cells; Cell, empty when made from a config; Prepare,
// what can be found out of a value without a cell, so without its lock; Add, which returns the group of measurements
// (see ReservoirShape) that the value belongs to; Merge; Point, Write, Data, MakeData. A cell knows nothing of threads
// and attributes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
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
  using Prepared = size_t;
  struct Config {
    bool monotonic = true;
  };
  struct Cell {
    explicit Cell(const Config&) {}
    T sum{};
  };

  static ReservoirShape Shape(const Config&) { return {}; }
  static size_t Prepare(const Config&, T) { return 0; }
  static size_t Add(const Config&, Cell& cell, T value, size_t group) {
    AddTo(cell.sum, value);
    return group;
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
  using Prepared = std::chrono::steady_clock::time_point;
  struct Config {};
  struct Cell {
    explicit Cell(const Config&) {}
    T value{};
    Prepared time{};  // so that the last one of several cells is known
  };

  static ReservoirShape Shape(const Config&) { return {}; }
  static Prepared Prepare(const Config&, T) { return std::chrono::steady_clock::now(); }
  static size_t Add(const Config&, Cell& cell, T value, Prepared time) {
    if (time < cell.time) return 0;  // another thread was faster
    cell.value = value;
    cell.time = time;
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
  using Prepared = size_t;
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

  // Upper bounds are inclusive. Of a few, counting those below, two at once and without a branch that the processor may
  // guess wrong, beats any search.
  [[gnu::always_inline]] static size_t Prepare(const Config& config, T value) {
    if (config.padded.empty()) [[unlikely]]
      return Search(config.boundaries, static_cast<double>(value));
    const Doubles values = {static_cast<double>(value), static_cast<double>(value)};
    Masks even{}, odd{};  // minus one for each that is below
    const double* const end = config.padded.data() + config.padded.size();
    for (const double* bounds = config.padded.data(); bounds != end; bounds += kStep) {
      Doubles first, second;
      std::memcpy(&first, bounds, sizeof first);
      std::memcpy(&second, bounds + kStep / 2, sizeof second);
      even += first < values;
      odd += second < values;
    }
    const Masks below = even + odd;
    return static_cast<size_t>(-(below[0] + below[1]));
  }
  static size_t Add(const Config&, Cell& cell, T value, size_t bucket) {
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
  // As GCC and Clang have them on all processors.
  using Doubles [[gnu::vector_size(16)]] = double;
  using Masks [[gnu::vector_size(16)]] = int64_t;

  static constexpr size_t kStep = 4;
  static constexpr size_t kFew = 32;

  [[gnu::noinline]] static size_t Search(const std::vector<double>& boundaries, double value) {
    return static_cast<size_t>(std::ranges::lower_bound(boundaries, value) - boundaries.begin());
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
  using Prepared = int32_t;
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
  // At the largest scale; shifted it is that of any lower one.
  static int32_t Prepare(const Config& config, T value) {
    return value == 0 ? 0 : ExponentialIndex(std::abs(static_cast<double>(value)), config.max_scale);
  }
  static size_t Add(const Config& config, Cell& cell, T value, int32_t index) {
    ++cell.count;
    AddTo(cell.sum, value);
    cell.min_max.Add(value);
    if (value == 0) {
      ++cell.buckets.zero_count;
    } else {
      cell.buckets.Add(value < 0, index >> (config.max_scale - cell.buckets.scale), config.max_size);
    }
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
