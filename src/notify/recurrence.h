// When a planned downtime that comes again is on, by the clocks of a place.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time_zone.h"
#include "state/json_check.h"

namespace sightline::notify {

// Unix seconds; the end is no longer in it.
struct Interval {
  int64_t begin = 0, end = 0;
};

// Each day, or on some days of the week, from one time to another; to the next day where that is not later. Where
// clocks change it begins when they first show `from` and ends when they last show `to`: it is never cut short, and of
// a time that they skip, what is left of it counts. Never changes. Thread: any.
class Recurrence {
 public:
  // {"every": "day"|"week", "days": ["mon", …], "from": "22:00", "to": "06:00", "timezone": "Europe/Berlin"}. None:
  // what is wrong stands in `check`.
  static std::optional<Recurrence> Read(state::JsonCheck& check, const state::JsonCheck::Json& json);

  // The occurrence that is on, or else the next one.
  Interval AtOrAfter(int64_t unix_seconds) const;

 private:
  explicit Recurrence(TimeZone zone) : zone_(std::move(zone)) {}

  TimeZone zone_;
  unsigned days_ = 0;                      // of the week on which it begins: bit 0 is Monday
  int from_minutes_ = 0, to_minutes_ = 0;  // since midnight of the day on which it begins; `to` may be of the next one
};

}  // namespace sightline::notify
