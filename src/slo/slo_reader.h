// How an SLO stands: its SLI, what is left of its budget, how fast it goes. Data: what was counted (rollups.h) -> the
// arithmetic of budget.h. Its cost follows the length of the window, never the traffic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "slo/minutes.h"
#include "slo/period.h"
#include "slo/rollups.h"
#include "slo/sli_counter.h"
#include "slo/slos.h"

namespace sightline::slo {

// What is counted may be so far behind before it says nothing about now.
inline constexpr int64_t kStaleMinutes = 3;
inline constexpr int64_t kHistoryStepsMax = 11'000;
inline constexpr int64_t kPreviewMinutesMax = kWindowSecondsMax / kMinuteSeconds + kDayMinutes;

struct BurnRate {
  double rate = 0;        // 1: the budget of a period goes in a period
  double events = 0;      // that it is made of
  bool measured = false;  // whether alerts may go by it; else they stay as they are
  std::string reason;     // why it is not
};

struct BurnWindow {
  std::string_view name;  // "5m"
  int64_t seconds = 0;
};
inline constexpr BurnWindow kBurnWindows[] = {{"5m", 300},
                                              {"30m", 1800},
                                              {"1h", 3600},
                                              {"2h", 7200},
                                              {"6h", 6 * 3600},
                                              {"1d", kDaySeconds},
                                              {"3d", 3 * kDaySeconds},
                                              {"30d", 30 * kDaySeconds}};
// The rate of this one is what the forecast goes on with.
inline constexpr std::string_view kForecastWindow = "6h";

struct BurnOfWindow {
  BurnWindow window;
  BurnRate burn;
  std::optional<int64_t> exhausted_in_seconds;  // at this rate; none: not within the period
};

struct SloStatus {
  bool measured = false;  // up to now, and there was an event in the window
  std::string not_measured_because;
  Period period;              // in minutes
  int64_t now_minute = 0;     // the current one, which is counted in part
  double passed = 1;          // of the period
  Tally counted;              // of the period so far
  std::optional<double> sli;  // none without an event
  double allowed_bad = 0;     // of the period, at the traffic so far
  std::optional<double> budget_remaining;
  std::optional<int64_t> exhausted_in_seconds;
  std::vector<BurnOfWindow> burn_rates;
  std::optional<int64_t> valid_from_unix_nanos;  // where the first event is that was counted
  std::optional<int64_t> counted_to_unix_nanos;
};

struct SloHistory {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 0;  // whole steps
  std::vector<Tally> counted;                                        // of each step
  std::vector<double> budget_remaining;  // at its end, of the period that it is in; NaN: no event there
};

// What was counted of an SLO, or of those that a composite is made of: what a composite's events are worth follows from
// the weights of its SLOs, not from their traffic. Thread: of its owner.
class SloCounts {
 public:
  void Add(SloSeries series, double weight) { parts_.emplace_back(std::move(series), weight); }
  // Of a composite the total is that of all, and as much of it is good as the weighted mean of those that had events.
  Tally Sum(int64_t from_minute, int64_t to_minute) const;

 private:
  std::vector<std::pair<SloSeries, double>> parts_;
};

// Thread: any.
class SloReader {
 public:
  // Both must outlive it.
  SloReader(Slos& slos, Rollups& rollups) : slos_(slos), rollups_(rollups) {}

  // What alerts go by, over [at - window, at), in whole minutes. Where there are fewer than minimum_events the rate is
  // 0: a few failures are no reason to fire, and an alert of longer windows ends all the same. Without any event it is
  // not measured. kNotFound: there is no such SLO.
  Result<BurnRate> Burn(const std::string& id, int64_t window_seconds, int64_t at_unix_nanos);

  Result<SloStatus> Status(const Slo& slo, int64_t now_unix_nanos);

  // Of a document that is not saved: what `counter` counts, kept nowhere. Its budget is that of the range alone. A day
  // costs a question to the store, so that kPreviewMinutesMax is the most.
  Result<SloHistory> Preview(const SloDocument& slo, SliCounter& counter, int64_t from_unix_nanos,
                             int64_t to_unix_nanos, int64_t step_seconds, int64_t now_unix_nanos,
                             store::Cancellation* cancellation);

  // `from` and `to` are widened to whole steps of whole minutes. kInvalidArgument: too many of them.
  Result<SloHistory> History(const Slo& slo, int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds);

 private:
  // Why what is counted says nothing about `minute`; empty: it does.
  struct Extent {
    std::string problem;
    int64_t end_minute = 0;  // is counted
    std::optional<int64_t> first_minute;
  };
  Result<Extent> ExtentOf(const Slo& slo, int64_t minute);
  Result<Extent> ExtentOfCounted(const Slo& slo, int64_t minute);
  Result<SloCounts> Read(const Slo& slo, int64_t from_minute, int64_t to_minute);

  Slos& slos_;
  Rollups& rollups_;
};

}  // namespace sightline::slo
