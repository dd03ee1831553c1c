#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "common/background_thread.h"
#include "common/report.h"
#include "metrics/provider_state.h"
#include "otel/metric_reader.h"

namespace otel {
namespace {

using Clock = std::chrono::steady_clock;

// After the deadline of Shutdown, for an exporter that was told to end.
constexpr auto kGrace = std::chrono::milliseconds(100);

}  // namespace

// The thread and what it shares with others. Left behind in an export it may outlive the reader; in a callback it keeps
// it.
class PeriodicReader::Worker {
 public:
  Worker(PeriodicReader& reader, std::shared_ptr<MetricExporter> exporter, std::chrono::milliseconds interval,
         std::chrono::milliseconds export_timeout)
      : reader_(reader), exporter_(std::move(exporter)), interval_(interval), export_timeout_(export_timeout) {}

  static void Start(const std::shared_ptr<Worker>& worker) noexcept;
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);
  std::shared_ptr<Worker> AfterFork() const {
    return std::make_shared<Worker>(reader_, exporter_, interval_, export_timeout_);
  }

 private:
  void Run();
  std::shared_ptr<MetricReader> TakeKeptReader();
  bool CollectAndExport(Deadline deadline) noexcept;

  PeriodicReader& reader_;
  const std::shared_ptr<MetricExporter> exporter_;
  const std::chrono::milliseconds interval_, export_timeout_;

  std::mutex mutex_;
  // Below: guarded by it.
  std::condition_variable changed_;
  std::thread thread_;
  bool exporting_ = false;
  bool stop_ = false;
  Deadline stop_deadline_;
  bool ended_ = true;  // or never started
  uint64_t flushes_wanted_ = 0, flushes_done_ = 0;
  Deadline flush_deadline_ = Deadline::min();  // the latest of those who wait
  bool result_ = true;                         // of the last flush
  std::shared_ptr<MetricReader> kept_reader_;  // by a thread that is left behind
};

void PeriodicReader::Worker::Start(const std::shared_ptr<Worker>& worker) noexcept {
  try {
    const std::lock_guard lock(worker->mutex_);
    worker->thread_ = internal::StartBackgroundThread([worker] {
      worker->Run();
      const auto kept_until_now = worker->TakeKeptReader();
    });
    worker->ended_ = false;
    pthread_setname_np(worker->thread_.native_handle(), "otel-metrics");
  } catch (const std::exception& error) {
    internal::Report("metrics", error.what());
  }
}

// At whole intervals from its start; those that an export took too long for are left out.
void PeriodicReader::Worker::Run() {
  auto due = Clock::now() + interval_;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_until(lock, due, [&] { return stop_ || flushes_done_ < flushes_wanted_; });
    const bool stop = stop_;
    const uint64_t flush = flushes_wanted_;
    const bool flushes = stop || flush != flushes_done_;
    const Deadline deadline = stop ? stop_deadline_ : flushes ? flush_deadline_ : Deadline::max();
    lock.unlock();

    bool good = CollectAndExport(std::min(deadline, Clock::now() + export_timeout_));
    if (flushes) good = exporter_->ForceFlush(deadline) && good;
    while (due <= Clock::now()) due += interval_;

    lock.lock();
    if (flushes) result_ = good;
    flushes_done_ = flush;
    ended_ = stop;
    changed_.notify_all();
    if (stop || stop_) break;
  }
  ended_ = true;
  changed_.notify_all();
}

std::shared_ptr<MetricReader> PeriodicReader::Worker::TakeKeptReader() {
  const std::lock_guard lock(mutex_);
  return std::move(kept_reader_);
}

bool PeriodicReader::Worker::CollectAndExport(Deadline deadline) noexcept try {
  const auto resource_owner = internal::ReaderAccess::PipelineOf(reader_);
  const auto batch = reader_.Collect();
  if (!batch.has_value() || batch->scopes.empty()) return true;
  const auto set_exporting = [&](bool exporting) {
    const std::lock_guard lock(mutex_);
    exporting_ = exporting;
  };
  set_exporting(true);
  const bool good = exporter_->Export(*batch, deadline) == ExportResult::kSuccess;
  set_exporting(false);
  if (!good) internal::Report("metrics", "an export failed");
  return good;
} catch (const std::exception& error) {
  internal::Report("metrics", error.what());
  return false;
}

bool PeriodicReader::Worker::ForceFlush(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (ended_ || stop_) return !stop_;
  const uint64_t mine = ++flushes_wanted_;
  flush_deadline_ = std::max(flush_deadline_, deadline);
  changed_.notify_all();
  return changed_.wait_until(lock, deadline, [&] { return flushes_done_ >= mine || ended_; }) && result_;
}

bool PeriodicReader::Worker::Shutdown(Deadline deadline) {
  std::unique_lock lock(mutex_);
  stop_ = true;
  stop_deadline_ = deadline;
  changed_.notify_all();
  const auto ended = [&] { return ended_; };
  const bool in_time = changed_.wait_until(lock, deadline, ended);
  lock.unlock();
  const bool good = exporter_->Shutdown(deadline);  // also ends an export that waits

  lock.lock();
  while (!changed_.wait_until(lock, Clock::now() + kGrace, ended)) {
    // A callback needs the reader. One that is being destroyed can't be kept, and waits.
    if (!exporting_) kept_reader_ = internal::ReaderAccess::PipelineOf(reader_)->reader();
    if (!exporting_ && kept_reader_ == nullptr) continue;
    internal::Report("metrics", exporting_ ? "an exporter did not end, its thread is left behind"
                                           : "a callback did not end, its thread is left behind");
    thread_.detach();
    return false;
  }
  std::thread thread = std::move(thread_);
  lock.unlock();
  if (thread.joinable()) thread.join();
  return good && in_time && result_;
}

PeriodicReader::PeriodicReader(std::unique_ptr<MetricExporter> exporter, const PeriodicReaderOptions& options)
    : MetricReader(options),
      worker_(std::make_shared<Worker>(*this, std::move(exporter),
                                       std::max(options.interval, std::chrono::milliseconds(1)),
                                       options.export_timeout)) {}

PeriodicReader::~PeriodicReader() {
  Shutdown(Clock::now() + std::chrono::seconds(5));
}

void PeriodicReader::OnStart() {
  Worker::Start(worker_);
}

bool PeriodicReader::ForceFlush(Deadline deadline) {
  if (internal::IsInCallback()) return false;
  if (const auto pipeline = internal::ReaderAccess::PipelineOf(*this)) pipeline->BeginInChild();
  return worker_->ForceFlush(deadline);
}

bool PeriodicReader::OnShutdown(Deadline deadline) {
  return worker_->Shutdown(deadline);
}

// The parent's is left as it is: its locks may be held by threads that are not here.
void PeriodicReader::OnForkedChild() {
  new (&worker_) std::shared_ptr<Worker>(worker_->AfterFork());
}

void PeriodicReader::OnFirstMeasurement() {
  Worker::Start(worker_);
}

}  // namespace otel
