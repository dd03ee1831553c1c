#include "slo/period.h"

#include "base/time_zone.h"

namespace sightline::slo {
namespace {

constexpr int kMonthsOfQuarter = 3, kDaysOfWeek = 7;

}  // namespace

Result<Period> PeriodAt(const SloWindow& window, int64_t minute) {
  if (window.kind == SloWindow::Kind::kRolling) {
    return Period{.begin = minute + 1 - window.length_seconds / kMinuteSeconds, .end = minute + 1, .rolls = true};
  }
  const auto zone = TimeZone::Load(window.timezone);
  if (!zone) return std::unexpected(zone.error());
  const CivilTime now = zone->At(minute * kMinuteSeconds);
  CivilTime begin{.year = now.year, .month = now.month, .day = 1};
  CivilTime end = begin;
  switch (window.kind) {
    case SloWindow::Kind::kWeek:
      begin.day = now.day - now.weekday;
      end.day = begin.day + kDaysOfWeek;
      break;
    case SloWindow::Kind::kQuarter:
      begin.month = (now.month - 1) / kMonthsOfQuarter * kMonthsOfQuarter + 1;
      end.month = begin.month + kMonthsOfQuarter;
      break;
    default:
      end.month = begin.month + 1;
  }
  return Period{.begin = zone->UnixSeconds(begin) / kMinuteSeconds,
                .end = zone->UnixSeconds(end) / kMinuteSeconds,
                .rolls = false};
}

}  // namespace sightline::slo
