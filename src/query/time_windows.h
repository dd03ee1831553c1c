// A range of time, piece by piece from the end where a list begins: what is frequent is found after a few seconds'
// worth of rows, what is rare costs a handful of statements more. So the cost of a list follows its answer.
#pragma once

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
  TimeWindows(bool newest, TimeWindow range) : newest_(newest), rest_(range) {}

  // Nothing when all of the range was given.
  std::optional<TimeWindow> Next() {
    if (rest_.from_unix_nanos >= rest_.to_unix_nanos) return std::nullopt;
    TimeWindow window = rest_;
    if (rest_.to_unix_nanos - rest_.from_unix_nanos > length_) {
      (newest_ ? window.from_unix_nanos : window.to_unix_nanos) =
          newest_ ? rest_.to_unix_nanos - length_ : rest_.from_unix_nanos + length_;
      length_ = length_ > INT64_MAX / kGrowth ? INT64_MAX : length_ * kGrowth;
    }
    (newest_ ? rest_.to_unix_nanos : rest_.from_unix_nanos) = newest_ ? window.from_unix_nanos : window.to_unix_nanos;
    return window;
  }

 private:
  static constexpr int64_t kFirstNanos = 2'000'000'000;
  static constexpr int64_t kGrowth = 8;

  const bool newest_;
  TimeWindow rest_;
  int64_t length_ = kFirstNanos;
};

}  // namespace sightline::query
