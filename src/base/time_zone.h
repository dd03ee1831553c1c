// Named time zones ("Europe/Berlin"), by the system's database. Keeps Abseil out of headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace sightline {

struct CivilTime {
  int64_t year = 1970;
  int month = 1, day = 1;  // from 1 on
  int hour = 0, minute = 0, second = 0;
  int weekday = 3;  // 0: Monday
};

// Never changes. Thread: any.
class TimeZone {
 public:
  // kInvalidArgument: the system knows no zone of that name.
  static Result<TimeZone> Load(const std::string& name);

  CivilTime At(int64_t unix_seconds) const;
  // Fields beyond their bounds carry over: the 32nd is a day of the next month. A time that is skipped when clocks go
  // forward is as long after the change as it would have been; of one that comes twice the first counts. The weekday
  // is not looked at.
  int64_t UnixSeconds(const CivilTime& time) const;
  // The first and the last moment at which clocks show it; of a skipped time, both are the moment of the change.
  struct Moments {
    int64_t first = 0, last = 0;
  };
  Moments MomentsOf(const CivilTime& time) const;

 private:
  struct Zone;
  explicit TimeZone(std::shared_ptr<const Zone> zone) : zone_(std::move(zone)) {}
  std::shared_ptr<const Zone> zone_;
};

}  // namespace sightline
