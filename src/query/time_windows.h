// A range of time, piece by piece from the end where a list begins: what is frequent is found after a few seconds'
// worth of rows, what is rare costs a handful of statements more. So the cost of a list follows its answer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace sightline::query {

struct TimeWindow {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to)
};

// Thread: of its owner.
class TimeWindows {
 public:
  // `newest`: backwards from the range's end, else forwards from its begin.
  TimeWindows(bool newest, TimeWindow range, int64_t first_nanos = kFirstNanos)
      : newest_(newest), rest_(range), length_(first_nanos) {}

  // Nothing when all of the range was given. `found` of `wanted` rows were in the windows until now: the next one is as
  // long as it takes to find the others if they are as frequent, 2 to kGrowth times as long as the last.
  std::optional<TimeWindow> Next(uint64_t found, uint64_t wanted) {
    if (rest_.from_unix_nanos >= rest_.to_unix_nanos) return std::nullopt;
    TimeWindow window = rest_;
    if (found > 0 && found < wanted) {
      const double missing = kMargin * static_cast<double>(wanted - found) / static_cast<double>(found);
      const double enough = static_cast<double>(passed_) * missing;
      if (enough < static_cast<double>(length_)) {
        length_ = std::max(static_cast<int64_t>(enough), length_ / kGrowth * 2);
      }
    }
    if (rest_.to_unix_nanos - rest_.from_unix_nanos > length_) {
      (newest_ ? window.from_unix_nanos : window.to_unix_nanos) =
          newest_ ? rest_.to_unix_nanos - length_ : rest_.from_unix_nanos + length_;
      length_ = length_ > INT64_MAX / kGrowth ? INT64_MAX : length_ * kGrowth;
    }
    passed_ += window.to_unix_nanos - window.from_unix_nanos;
    (newest_ ? rest_.to_unix_nanos : rest_.from_unix_nanos) = newest_ ? window.from_unix_nanos : window.to_unix_nanos;
    return window;
  }

 private:
  static constexpr int64_t kFirstNanos = 2'000'000'000;
  static constexpr int64_t kGrowth = 8;
  static constexpr double kMargin = 1.5;

  const bool newest_;
  TimeWindow rest_;
  int64_t length_;
  int64_t passed_ = 0;
};

}  // namespace sightline::query
