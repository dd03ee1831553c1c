#include "base/time_zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <utility>

namespace sightline {
namespace {

absl::CivilSecond SecondOf(const CivilTime& time) {
  return absl::CivilSecond(time.year, time.month, time.day, time.hour, time.minute, time.second);
}

}  // namespace

struct TimeZone::Zone {
  absl::TimeZone zone;
};

Result<TimeZone> TimeZone::Load(const std::string& name) {
  auto zone = std::make_shared<Zone>();
  // Absolute paths and "file:" would read any file.
  const bool is_name = !name.empty() && !name.starts_with('/') && !name.contains(':') && !name.contains("..");
  if (!is_name || !absl::LoadTimeZone(name, &zone->zone)) {
    return Fail(Code::kInvalidArgument, "there is no time zone {:?}: names are as Europe/Berlin", name);
  }
  return TimeZone(std::move(zone));
}

CivilTime TimeZone::At(int64_t unix_seconds) const {
  const absl::CivilSecond second = absl::ToCivilSecond(absl::FromUnixSeconds(unix_seconds), zone_->zone);
  return {.year = second.year(),
          .month = second.month(),
          .day = second.day(),
          .hour = second.hour(),
          .minute = second.minute(),
          .second = second.second(),
          .weekday = static_cast<int>(absl::GetWeekday(absl::CivilDay(second)))};
}

int64_t TimeZone::UnixSeconds(const CivilTime& time) const {
  return absl::ToUnixSeconds(zone_->zone.At(SecondOf(time)).pre);
}

TimeZone::Moments TimeZone::MomentsOf(const CivilTime& time) const {
  const absl::TimeZone::TimeInfo at = zone_->zone.At(SecondOf(time));
  if (at.kind == absl::TimeZone::TimeInfo::SKIPPED) {
    return {.first = absl::ToUnixSeconds(at.trans), .last = absl::ToUnixSeconds(at.trans)};
  }
  return {.first = absl::ToUnixSeconds(at.pre), .last = absl::ToUnixSeconds(at.post)};
}

}  // namespace sightline
