// What an SLI counted, by minute, and the text in which an hour of it is kept.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sightline::slo {

inline constexpr int64_t kHourMinutes = 60, kDayMinutes = 1440;
inline constexpr int64_t kMinuteNanos = 60'000'000'000;

// Events, as many as spans stand for where an SDK samples: not always whole.
struct Tally {
  double good = 0, total = 0;

  double bad() const { return total - good; }
  Tally& operator+=(const Tally& other) {
    good += other.good;
    total += other.total;
    return *this;
  }
  friend Tally operator-(const Tally& left, const Tally& right) {
    return {left.good - right.good, left.total - right.total};
  }
  bool operator==(const Tally&) const = default;
};

using HourTallies = std::array<Tally, kHourMinutes>;

// "120,98-3,,7": total, and behind a minus what was not good. Minutes without events are empty, those at the end left
// out.
std::string WriteHour(const HourTallies& minutes);
// Minutes that do not read are empty: nothing else writes them.
HourTallies ReadHour(std::string_view text);

// Since 1970.
constexpr int64_t MinuteOf(int64_t unix_nanos) {
  return unix_nanos / kMinuteNanos;
}

}  // namespace sightline::slo
