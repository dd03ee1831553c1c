// How many series a metric of a service may have. Data: series that are new on a day of receipt -> whether each has
// rows of its own, and which attribute has made too many of them.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sightline::otlp {

// About how many different values there were: HyperLogLog, to some 3 %. Data: hashes.
class DistinctCount {
 public:
  void Add(uint64_t hash);
  double Estimate() const;

 private:
  static constexpr int kIndexBits = 10;
  std::array<uint8_t, size_t{1} << kIndexBits> ranks_{};
};

// A metric that has reached the limit.
struct LimitedMetric {
  std::string service, metric;
  std::string attribute;  // with the most values: "point.KEY" or "resource.KEY"; kNoAttribute where none is known
  uint64_t values = 0;    // about how many of it were seen in the last fifth of the series
  static constexpr std::string_view kNoAttribute = "unknown";
};

// The first series of a day of receipt are admitted, in the order in which they come. What is remembered is kept apart
// from what SeriesIndex has written, which is forgotten whenever an insert fails. Bounded: 16 MB of series, 4 MB of
// sketches; forgets all when full, which costs a metric that had many series as many further ones. Thread: any.
class MetricSeriesLimit {
 public:
  // Of a service and metric.
  static uint64_t KeyOf(std::string_view service, std::string_view metric);

  explicit MetricSeriesLimit(uint32_t series_max, size_t remembered_max = 1 << 20);

  struct Standing {
    bool has_own_rows = true;
    bool is_watched = false;  // Watch wants its attributes
  };
  // `day`: of receipt, since 1970-01-01. A later one than before begins anew; what comes late from the day before does
  // not, as the two alternate when a day ends.
  Standing Admit(uint64_t metric, uint64_t series, int32_t day);

  using Attribute = std::pair<std::string, uint64_t>;  // name as of LimitedMetric, hash of the value
  void Watch(uint64_t metric, const std::vector<Attribute>& attributes);

  // The attribute of LimitedMetric. Of a metric that is over the limit for the first time it is decided now.
  std::string LimitedBy(std::string_view service, std::string_view metric);

  // Whether a series of those that have no rows may have its resource and scope: where resources make the series, they
  // would be as many again.
  bool AdmitOverflow(uint64_t metric, uint64_t series);

  // As admitted by an earlier run on that day. `limited_by` of a series that stands for others, else empty.
  void Restore(uint64_t metric, uint64_t series, int32_t day, std::string_view limited_by);
  bool IsWatched(uint64_t metric) const;

  void AddOverflowedPoints(uint64_t points);

  struct News {
    uint64_t overflowed_points = 0;
    std::vector<LimitedMetric> metrics;  // each once a day
  };
  News Take();  // since the last call

  uint32_t series_max() const { return series_max_; }

 private:
  struct Counts {
    uint32_t own = 0, overflow = 0;
    bool is_limited = false;
  };
  // In the order in which they were seen, so that of two with equally many values it is the point's own.
  using Sketches = std::vector<std::pair<std::string, DistinctCount>>;

  void StartDay(int32_t day);
  void Forget();
  bool WatchFrom(uint64_t metric, const Counts& counts);

  const uint32_t series_max_, watched_from_;
  const size_t remembered_max_;
  mutable std::mutex mutex_;
  int32_t day_ = 0;  // guarded by mutex_, as all below
  boost::unordered_flat_set<uint64_t> series_;
  boost::unordered_flat_map<uint64_t, Counts> metrics_;
  std::map<uint64_t, Sketches> watched_;
  std::map<uint64_t, std::string> limited_by_;
  News news_;
};

}  // namespace sightline::otlp
