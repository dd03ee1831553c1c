// What SLIs counted, as it is kept in state.sqlite: by hour with its minutes, how far it is counted, and what happened
// to the SLO. docs/adr/018-slo-rollups.md has the reasons. Data: minutes -> rows -> sums of any range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "slo/minutes.h"
#include "state/database.h"

namespace sightline::slo {

inline constexpr int64_t kHistoryMinutes = 100 * kDayMinutes;  // a quarter, and what history charts begin with
inline constexpr size_t kSloEventsMax = 1000;                  // of an SLO; the oldest are forgotten

// Of one SLO. Minutes are since 1970.
struct SloProgress {
  std::string sli;                           // that was counted, as JSON
  std::string definition;                    // the document of which the last change was noted
  int64_t begin_minute = 0, end_minute = 0;  // [begin, end) is counted; equal: nothing yet
  int64_t counted_unix_nanos = 0;            // when it last was; the minute then current is counted in part, behind end
  std::string error;                         // why the last try failed
  int64_t budget_level = 100;  // the lowest of 50, 25, 10, 0 that the budget (in %) has reached; 100: none
};

struct SloEvent {
  int64_t id = 0;
  int64_t at_unix_nanos = 0;
  std::string kind, text;
};

// Kinds of what the recorder notes; alerts note alert_fired and alert_resolved.
inline constexpr std::string_view kBudgetBelow = "budget_below", kBudgetRecovered = "budget_recovered",
                                  kDefinitionChanged = "definition_changed", kHistoryCounted = "history_counted",
                                  kAlertFired = "alert_fired", kAlertResolved = "alert_resolved";

// Within the caller's transaction.
Result<void> AddSloEvent(state::Session& session, const std::string& slo, int64_t at_unix_nanos, std::string_view kind,
                         std::string text);

// All that was counted of it. Within the caller's transaction.
Result<void> ForgetSlo(state::Session& session, const std::string& slo);

// Sums of the minutes of one SLO within the range that was read. Thread: of its owner.
class SloSeries {
 public:
  // `begin_minute` is made a whole hour.
  SloSeries(int64_t begin_minute, int64_t end_minute);
  void Add(int64_t hour, const Tally& sum, std::string minutes);
  // Minutes from the begin of an hour on.
  void Add(int64_t from_minute, const std::vector<Tally>& minutes);
  void Finish();  // after the last Add

  // Of [from, to), as far as it was read.
  Tally Sum(int64_t from_minute, int64_t to_minute) const;

 private:
  Tally Before(int64_t minute) const;  // from the begin on

  int64_t begin_hour_ = 0;
  std::vector<Tally> hours_;  // until Finish of each, then before each
  std::vector<std::string> minutes_;
};

// Thread: any.
class Rollups {
 public:
  explicit Rollups(state::Database& database) : database_(database) {}

  Result<std::optional<SloProgress>> Progress(const std::string& slo);
  // Forgets what was counted, and begins anew with `progress`.
  Result<void> Restart(const std::string& slo, const SloProgress& progress, std::vector<SloEvent> events);
  // What was counted of [from, from + counted.size()) stands instead of what was there, in one transaction with the
  // progress and events.
  Result<void> Write(const std::string& slo, int64_t from_minute, const std::vector<Tally>& counted,
                     const SloProgress& progress, std::vector<SloEvent> events);
  // Hours before it.
  Result<void> Forget(const std::string& slo, int64_t before_minute);
  // Everything of SLOs that are not among them.
  Result<void> Keep(const std::vector<std::string>& slos);

  Result<SloSeries> Read(const std::string& slo, int64_t from_minute, int64_t to_minute);
  // First minute with an event; none: there was none yet.
  Result<std::optional<int64_t>> FirstMinute(const std::string& slo);
  // The newest first.
  Result<std::vector<SloEvent>> Events(const std::string& slo, size_t limit);

 private:
  state::Database& database_;
};

}  // namespace sightline::slo
