// Keeps what SLIs count up to date: each minute, after a time in which the program was down, and anew where an SLI was
// changed. Data: SLOs -> SliCounter -> Rollups, and what happened to budgets as events.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "slo/rollups.h"
#include "slo/sli_counter.h"
#include "slo/slo_reader.h"
#include "slo/slos.h"

namespace sightline::slo {

// What comes late (long requests, exporters that try again) changes minutes that were counted: so many are counted
// again each time, and more of them once an hour, as gateways deliver what they kept through an outage.
inline constexpr int64_t kLateMinutes = 15, kVeryLateMinutes = 6 * kHourMinutes;

// Thread: Round of one at a time; the rest of any.
class Recorder {
 public:
  struct Parts {
    Slos& slos;
    Rollups& rollups;
    SloReader& reader;
    SliCounter& counter;
  };
  // All must outlive it.
  Recorder(Parts parts, MetricsRegistry& metrics, const Clock& clock = Clock::System());
  ~Recorder();

  // Begins a thread of its own, which does a round each `interval_nanos`.
  void Start(int64_t interval_nanos);
  // An SLO was made or changed: do not wait for the next time.
  void Wake();
  // Ends the thread, and what it asks the store. For good.
  void Stop();

  // Brings each SLO forward, by a day at most. True: some are still behind.
  bool Round();

 private:
  void Run(int64_t interval_nanos);
  Result<bool> Advance(const Slo& slo);
  Result<SloProgress> Begin(const Slo& slo, int64_t now_minute);
  Result<void> NoteBudget(const Slo& slo);
  void NoteFailure(const Slo& slo, const Error& error);

  const Parts parts_;
  const Clock& clock_;
  Counter& failures_;
  store::Cancellation cancellation_;
  std::map<std::string, int64_t> deep_hours_;  // by SLO: in which hour the very late ones were last counted
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, woken_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace sightline::slo
