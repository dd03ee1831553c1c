#include "query/regression_watch.h"

#include <algorithm>

#include "base/log.h"

namespace sightline::query {

RegressionWatch::RegressionWatch(ExceptionReader& reader, state::ExceptionDecisions& decisions, const Clock& clock,
                                 std::chrono::milliseconds interval)
    : reader_(reader), decisions_(decisions), clock_(clock), interval_(interval) {
  if (interval_.count() > 0) thread_ = std::thread([this] { Run(); });
}

RegressionWatch::~RegressionWatch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  cancellation_.Cancel();
  thread_.join();
}

Result<void> RegressionWatch::Look() {
  const int64_t now = clock_.UnixNanos();
  const auto resolved = decisions_.FirstResolvedUnixNanos();
  if (!resolved) return std::unexpected(resolved.error());
  const int64_t since =
      looked_until_unix_nanos_ == 0 ? now - kRegressionLookBackNanos : looked_until_unix_nanos_ - kRegressionLateNanos;
  if (*resolved) {
    const int64_t from = std::max({since, **resolved, int64_t{0}});
    if (from < now) SIGHTLINE_TRY(reader_.NoteRegressions(from, now, &cancellation_));
  }
  looked_until_unix_nanos_ = now;
  return {};
}

void RegressionWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, interval_, [this] { return stopping_; })) {
    lock.unlock();
    if (auto looked = Look(); !looked && looked.error().code != Code::kCancelled) {
      Log(LogLevel::kWarning, "exceptions that came back are not looked for", {{"error", looked.error().message}});
    }
    lock.lock();
  }
}

}  // namespace sightline::query
