#include "notify/recurrence.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

namespace sightline::notify {
namespace {

using Json = state::JsonCheck::Json;

constexpr std::string_view kEvery[] = {"day", "week"};
constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr int kDaysOfWeek = std::size(kDays);
constexpr unsigned kAllDays = (1U << kDaysOfWeek) - 1;
constexpr int kMinutesOfHour = 60, kMinutesOfDay = 24 * 60;
constexpr size_t kZoneBytesMax = 64;

// "22:00" -> minutes since midnight, "24:00" being its end.
int ReadTimeOfDay(state::JsonCheck& check, const Json& json) {
  const std::string text = check.Text(json, 5);
  const auto digit = [&](size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9' ? text[at] - '0' : -1;
  };
  const bool is_time = text.size() == 5 && text[2] == ':' && digit(0) >= 0 && digit(1) >= 0 && digit(3) >= 0 &&
                       digit(4) >= 0 && digit(3) < 6;
  const int minutes = is_time ? (10 * digit(0) + digit(1)) * kMinutesOfHour + 10 * digit(3) + digit(4) : -1;
  if (check.ok() && (minutes < 0 || minutes > kMinutesOfDay)) check.Refuse("{:?} is no time of day as 22:00", text);
  return minutes;
}

unsigned ReadDays(state::JsonCheck& check, const Json& json) {
  unsigned days = 0;
  check.Array(json, kDaysOfWeek, [&](const Json& item) {
    const std::string day = check.Word(item, kDays);
    if (check.ok()) days |= 1U << (std::ranges::find(kDays, day) - std::begin(kDays));
  });
  return days;
}

}  // namespace

std::optional<Recurrence> Recurrence::Read(state::JsonCheck& check, const Json& json) {
  std::string every;
  std::optional<TimeZone> zone;
  unsigned days = 0;
  int from = 0, to = 0;
  check.Object(json, {
                         {"every", true, [&](const Json& value) { every = check.Word(value, kEvery); }},
                         {"days", false, [&](const Json& value) { days = ReadDays(check, value); }},
                         {"from", true, [&](const Json& value) { from = ReadTimeOfDay(check, value); }},
                         {"to", true, [&](const Json& value) { to = ReadTimeOfDay(check, value); }},
                         {"timezone", true,
                          [&](const Json& value) {
                            auto found = TimeZone::Load(check.Text(value, kZoneBytesMax));
                            if (!found) return check.Refuse("{}", found.error().message);
                            zone = *std::move(found);
                          }},
                     });
  if (!check.ok()) return std::nullopt;
  if (every == "week" && days == 0) check.Refuse("days is wanted with every week");
  if (every == "day" && days != 0) check.Refuse("days goes with every week");
  if (!check.ok()) return std::nullopt;
  Recurrence recurrence(*std::move(zone));
  recurrence.days_ = days == 0 ? kAllDays : days;
  recurrence.from_minutes_ = from;
  recurrence.to_minutes_ = to > from ? to : to + kMinutesOfDay;
  return recurrence;
}

Interval Recurrence::AtOrAfter(int64_t unix_seconds) const {
  const CivilTime today = zone_.At(unix_seconds);
  // From the one that began yesterday on. One may be skipped by clocks that go forward, so look a week further than
  // needed.
  for (int offset = -1; offset <= 2 * kDaysOfWeek; ++offset) {
    const int weekday = (today.weekday + offset + kDaysOfWeek) % kDaysOfWeek;
    if ((days_ >> weekday & 1U) == 0) continue;
    const CivilTime midnight{.year = today.year, .month = today.month, .day = today.day + offset};
    CivilTime from = midnight, to = midnight;
    from.minute = from_minutes_;
    to.minute = to_minutes_;
    const Interval interval{.begin = zone_.MomentsOf(from).first, .end = zone_.MomentsOf(to).last};
    if (interval.begin < interval.end && unix_seconds < interval.end) return interval;
  }
  SIGHTLINE_CHECK(false);  // no place skips the same time two weeks in a row
}

}  // namespace sightline::notify
