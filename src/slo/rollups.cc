#include "slo/rollups.h"

#include <algorithm>
#include <utility>

namespace sightline::slo {
namespace {

using state::Row;
using state::Session;

constexpr int64_t HourOf(int64_t minute) {
  return minute / kHourMinutes;
}

Result<HourTallies> FindHour(Session& session, const std::string& slo, int64_t hour) {
  HourTallies minutes;
  SIGHTLINE_TRY(session.Run("SELECT minutes FROM slo_hours WHERE slo = ? AND hour = ?", {slo, hour},
                            [&](const Row& row) { minutes = ReadHour(row.Text(0)); }));
  return minutes;
}

Result<void> WriteHourRow(Session& session, const std::string& slo, int64_t hour, const HourTallies& minutes) {
  Tally sum;
  for (const Tally& minute : minutes) sum += minute;
  if (sum.total <= 0) return session.Run("DELETE FROM slo_hours WHERE slo = ? AND hour = ?", {slo, hour});
  return session.Run("INSERT OR REPLACE INTO slo_hours (slo, hour, good, total, minutes) VALUES (?, ?, ?, ?, ?)",
                     {slo, hour, sum.good, sum.total, WriteHour(minutes)});
}

Result<void> WriteProgress(Session& session, const std::string& slo, const SloProgress& progress) {
  return session.Run(
      "INSERT OR REPLACE INTO slo_progress (slo, sli, definition, begin_minute, end_minute, counted_unix_nanos, error, "
      "budget_level) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {slo, progress.sli, progress.definition, progress.begin_minute, progress.end_minute, progress.counted_unix_nanos,
       progress.error, progress.budget_level});
}

Result<void> WriteEvents(Session& session, const std::string& slo, std::vector<SloEvent> events) {
  for (SloEvent& event : events) {
    SIGHTLINE_TRY(AddSloEvent(session, slo, event.at_unix_nanos, event.kind, std::move(event.text)));
  }
  return {};
}

}  // namespace

Result<void> AddSloEvent(Session& session, const std::string& slo, int64_t at_unix_nanos, std::string_view kind,
                         std::string text) {
  SIGHTLINE_TRY(session.Run("INSERT INTO slo_events (slo, at_unix_nanos, kind, text) VALUES (?, ?, ?, ?)",
                            {slo, at_unix_nanos, std::string(kind), std::move(text)}));
  return session.Run(
      "DELETE FROM slo_events WHERE slo = ? AND id <= (SELECT id FROM slo_events WHERE slo = ? ORDER BY id DESC LIMIT "
      "1 "
      "OFFSET ?)",
      {slo, slo, static_cast<int64_t>(kSloEventsMax)});
}

Result<void> ForgetSlo(Session& session, const std::string& slo) {
  SIGHTLINE_TRY(session.Run("DELETE FROM slo_hours WHERE slo = ?", {slo}));
  SIGHTLINE_TRY(session.Run("DELETE FROM slo_events WHERE slo = ?", {slo}));
  return session.Run("DELETE FROM slo_progress WHERE slo = ?", {slo});
}

SloSeries::SloSeries(int64_t begin_minute, int64_t end_minute) : begin_hour_(HourOf(begin_minute)) {
  const int64_t hours = std::max<int64_t>(0, HourOf(end_minute - 1) - begin_hour_ + 1);
  hours_.resize(static_cast<size_t>(hours) + 1);
  minutes_.resize(static_cast<size_t>(hours) + 1);
}

void SloSeries::Add(int64_t hour, const Tally& sum, std::string minutes) {
  const auto place = static_cast<size_t>(hour - begin_hour_);
  hours_.at(place) = sum;
  minutes_.at(place) = std::move(minutes);
}

void SloSeries::Add(int64_t from_minute, const std::vector<Tally>& minutes) {
  for (size_t begin = 0; begin < minutes.size(); begin += kHourMinutes) {
    HourTallies hour;
    Tally sum;
    for (size_t i = 0; i < hour.size() && begin + i < minutes.size(); ++i) sum += hour[i] = minutes[begin + i];
    Add(HourOf(from_minute + static_cast<int64_t>(begin)), sum, WriteHour(hour));
  }
}

void SloSeries::Finish() {
  Tally before;
  for (Tally& hour : hours_) before += std::exchange(hour, before);
}

Tally SloSeries::Before(int64_t minute) const {
  const int64_t hour = std::clamp<int64_t>(HourOf(minute) - begin_hour_, 0, static_cast<int64_t>(hours_.size()) - 1);
  const auto place = static_cast<size_t>(hour);
  Tally before = hours_[place];
  const int64_t within = std::clamp<int64_t>(minute - (begin_hour_ + hour) * kHourMinutes, 0, kHourMinutes);
  if (within == 0 || minutes_[place].empty()) return before;
  const HourTallies minutes = ReadHour(minutes_[place]);
  for (int64_t i = 0; i < within; ++i) before += minutes[static_cast<size_t>(i)];
  return before;
}

Tally SloSeries::Sum(int64_t from_minute, int64_t to_minute) const {
  if (from_minute >= to_minute) return {};
  const Tally sum = Before(to_minute) - Before(from_minute);
  // What is left of a difference of numbers that are not whole is no event.
  constexpr double kNothing = 1e-6;
  return {sum.total < kNothing ? 0 : sum.total - std::max(0.0, sum.bad() < kNothing ? 0 : sum.bad()),
          sum.total < kNothing ? 0 : sum.total};
}

Result<std::optional<SloProgress>> Rollups::Progress(const std::string& slo) {
  std::optional<SloProgress> found;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(
        "SELECT sli, definition, begin_minute, end_minute, counted_unix_nanos, error, budget_level FROM slo_progress "
        "WHERE slo = ?",
        {slo}, [&](const Row& row) {
          found = SloProgress{.sli = row.Text(0),
                              .definition = row.Text(1),
                              .begin_minute = row.Int(2),
                              .end_minute = row.Int(3),
                              .counted_unix_nanos = row.Int(4),
                              .error = row.Text(5),
                              .budget_level = row.Int(6)};
        });
  }));
  return found;
}

Result<void> Rollups::Restart(const std::string& slo, const SloProgress& progress, std::vector<SloEvent> events) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    SIGHTLINE_TRY(session.Run("DELETE FROM slo_hours WHERE slo = ?", {slo}));
    SIGHTLINE_TRY(WriteProgress(session, slo, progress));
    return WriteEvents(session, slo, std::move(events));
  });
}

Result<void> Rollups::Write(const std::string& slo, int64_t from_minute, const std::vector<Tally>& counted,
                            const SloProgress& progress, std::vector<SloEvent> events) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    const int64_t to_minute = from_minute + static_cast<int64_t>(counted.size());
    for (int64_t hour = HourOf(from_minute); hour * kHourMinutes < to_minute; ++hour) {
      auto minutes = FindHour(session, slo, hour);
      if (!minutes) return std::unexpected(minutes.error());
      const HourTallies before = *minutes;
      for (int64_t i = 0; i < kHourMinutes; ++i) {
        const int64_t place = hour * kHourMinutes + i - from_minute;
        if (place >= 0 && place < static_cast<int64_t>(counted.size())) {
          (*minutes)[static_cast<size_t>(i)] = counted[static_cast<size_t>(place)];
        }
      }
      if (*minutes != before) SIGHTLINE_TRY(WriteHourRow(session, slo, hour, *minutes));
    }
    SIGHTLINE_TRY(WriteProgress(session, slo, progress));
    return WriteEvents(session, slo, std::move(events));
  });
}

Result<void> Rollups::Forget(const std::string& slo, int64_t before_minute) {
  return database_.Transaction([&](Session& session) {
    return session.Run("DELETE FROM slo_hours WHERE slo = ? AND hour < ?", {slo, HourOf(before_minute)});
  });
}

Result<void> Rollups::Keep(const std::vector<std::string>& slos) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    std::vector<std::string> gone;
    SIGHTLINE_TRY(session.Run("SELECT slo FROM slo_progress", {}, [&](const Row& row) {
      if (std::string slo = row.Text(0); std::ranges::find(slos, slo) == slos.end()) gone.push_back(std::move(slo));
    }));
    for (const std::string& slo : gone) SIGHTLINE_TRY(ForgetSlo(session, slo));
    return {};
  });
}

Result<SloSeries> Rollups::Read(const std::string& slo, int64_t from_minute, int64_t to_minute) {
  SloSeries series(from_minute, to_minute);
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run("SELECT hour, good, total, minutes FROM slo_hours WHERE slo = ? AND hour >= ? AND hour <= ?",
                       {slo, HourOf(from_minute), HourOf(to_minute - 1)},
                       [&](const Row& row) { series.Add(row.Int(0), {row.Number(1), row.Number(2)}, row.Text(3)); });
  }));
  series.Finish();
  return series;
}

Result<std::optional<int64_t>> Rollups::FirstMinute(const std::string& slo) {
  std::optional<int64_t> first;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(
        "SELECT hour, minutes FROM slo_hours WHERE slo = ? ORDER BY hour LIMIT 1", {slo}, [&](const Row& row) {
          const HourTallies minutes = ReadHour(row.Text(1));
          const auto found = std::ranges::find_if(minutes, [](const Tally& one) { return one.total > 0; });
          first = row.Int(0) * kHourMinutes + (found - minutes.begin());
        });
  }));
  return first;
}

Result<std::vector<SloEvent>> Rollups::Events(const std::string& slo, size_t limit) {
  std::vector<SloEvent> events;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(
        "SELECT id, at_unix_nanos, kind, text FROM slo_events WHERE slo = ? ORDER BY id DESC LIMIT ?",
        {slo, static_cast<int64_t>(limit)}, [&](const Row& row) {
          events.push_back({.id = row.Int(0), .at_unix_nanos = row.Int(1), .kind = row.Text(2), .text = row.Text(3)});
        });
  }));
  return events;
}

}  // namespace sightline::slo
