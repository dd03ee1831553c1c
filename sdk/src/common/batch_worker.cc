#include "common/batch_worker.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "common/background_thread.h"
#include "common/report.h"

namespace otel::internal {
namespace {

using Clock = std::chrono::steady_clock;

// After the deadline of Shutdown, for an exporter that was told to end.
constexpr auto kGrace = std::chrono::milliseconds(100);

BatchOptions Checked(BatchOptions options) {
  options.queue_records_max = std::max<size_t>(options.queue_records_max, 1);
  options.batch_records_max = std::clamp<size_t>(options.batch_records_max, 1, options.queue_records_max);
  options.schedule_delay = std::max(options.schedule_delay, std::chrono::milliseconds(1));  // no thread is to spin
  return options;
}

// An exporter must not throw; the application is not to end for one that does.
template <typename Call>
bool Succeeds(Call&& call) noexcept try {
  return call();
} catch (...) {
  return false;
}

}  // namespace

class BatchWorker::State {
 public:
  // Without an exporter it has been shut down.
  State(const BatchOptions& options, std::shared_ptr<BatchExporter> exporter)
      : options_(options),
        queue_(options.queue_records_max, options.batch_records_max),
        exporter_(std::move(exporter)),
        stop_(exporter_ == nullptr) {
    if (stop_) queue_.Close();
  }

  static void Push(const std::shared_ptr<State>& state, PooledRecord* record) noexcept;
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);

 private:
  static void Start(const std::shared_ptr<State>& state) noexcept;
  void WakeUp() noexcept;
  void Run();
  void TakeAll();
  // All that is queued, and the exporter.
  bool Flush(Deadline export_deadline, Deadline flush_deadline);
  // Whole batches, or all that was taken; false where one failed.
  bool ExportTaken(bool all, Deadline deadline);
  bool ExportBatch(std::span<const QueuedRecord> batch, Deadline deadline);
  void Release(std::span<const QueuedRecord> records);
  void ReleaseRest();
  bool Ends(std::unique_lock<std::mutex>& lock, Deadline deadline);

  const BatchOptions options_;
  RecordQueue queue_;
  std::vector<QueuedRecord> taken_;  // of the thread, as is the next one
  std::vector<PooledRecord*> unseen_;

  std::atomic<bool> started_ = false;
  std::atomic<bool> woken_ = false;  // since the thread last took what is queued

  std::mutex mutex_;
  // Below: guarded by it.
  std::condition_variable changed_;
  std::shared_ptr<BatchExporter> exporter_;  // none after Shutdown
  std::thread thread_;
  bool batch_full_ = false;
  bool stop_;
  Deadline stop_deadline_;
  bool ended_ = false;
  bool end_result_ = true;
  uint64_t flushes_wanted_ = 0, flushes_done_ = 0;
  Deadline flush_deadline_ = Deadline::min();  // the latest of those who wait
  bool flush_result_ = true;                   // of the last one
};

void BatchWorker::State::Push(const std::shared_ptr<State>& state, PooledRecord* record) noexcept {
  const auto pushed = state->queue_.Push(record);
  if (pushed == RecordQueue::Pushed::kNo) {
    state->options_.pool.Give(record);
    return;
  }
  if (!state->started_.load(std::memory_order_relaxed)) [[unlikely]]
    Start(state);
  if (pushed == RecordQueue::Pushed::kBatchFull) state->WakeUp();
}

void BatchWorker::State::Start(const std::shared_ptr<State>& state) noexcept try {
  const std::lock_guard lock(state->mutex_);
  if (state->started_.load(std::memory_order_relaxed) || state->stop_) return;
  state->thread_ = StartBackgroundThread([state] { state->Run(); });
  state->started_.store(true, std::memory_order_relaxed);
} catch (const std::exception& error) {
  Report(state->options_.component, error.what());
} catch (...) {
  Report(state->options_.component, "the thread could not be started");
}

void BatchWorker::State::WakeUp() noexcept {
  if (woken_.load(std::memory_order_relaxed) || woken_.exchange(true, std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(mutex_);
    batch_full_ = true;
  }
  changed_.notify_all();
}

void BatchWorker::State::Run() {
  auto due = Clock::now() + options_.schedule_delay;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_until(lock, due, [&] { return batch_full_ || stop_ || flushes_done_ < flushes_wanted_; });
    batch_full_ = false;
    const bool stop = stop_;
    const uint64_t flush = flushes_wanted_;
    const bool flushes = flush != flushes_done_;
    const Deadline deadline = stop ? stop_deadline_ : flush_deadline_;
    lock.unlock();

    const bool is_due = Clock::now() >= due;
    bool good = true;
    if (stop) {
      good = Flush(deadline, deadline);
    } else if (flushes) {
      good = Flush(Deadline::max(), deadline);  // also for those that do not wait any more
    } else {
      TakeAll();
      ExportTaken(is_due, Deadline::max());
    }
    if (is_due) due = Clock::now() + options_.schedule_delay;

    lock.lock();
    flushes_done_ = flush;
    if (flushes) flush_result_ = good;
    if (flushes) changed_.notify_all();
    if (!stop) continue;
    ended_ = true;
    end_result_ = good;
    changed_.notify_all();
    break;
  }
  lock.unlock();
  ReleaseRest();
}

bool BatchWorker::State::Flush(Deadline export_deadline, Deadline flush_deadline) {
  TakeAll();
  const bool good = ExportTaken(true, export_deadline) && taken_.empty();
  return Succeeds([&] { return exporter_->ForceFlush(flush_deadline); }) && good;
}

void BatchWorker::State::TakeAll() {
  woken_.store(false, std::memory_order_relaxed);  // before: what comes after it wakes again
  const uint64_t dropped = queue_.TakeAll(taken_);
  if (dropped > 0) Report(options_.component, "the queue is full, records were dropped", dropped);
}

bool BatchWorker::State::ExportTaken(bool all, Deadline deadline) {
  bool good = true;
  size_t done = 0;
  while (taken_.size() - done >= (all ? 1 : options_.batch_records_max)) {
    if (Clock::now() >= deadline) break;
    const size_t count = std::min(taken_.size() - done, options_.batch_records_max);
    const auto batch = std::span<const QueuedRecord>(taken_).subspan(done, count);
    queue_.SetLeaving(count);
    good = ExportBatch(batch, std::min(deadline, Clock::now() + options_.export_timeout)) && good;
    Release(batch);
    done += count;
  }
  taken_.erase(taken_.begin(), taken_.begin() + static_cast<ptrdiff_t>(done));
  return good;
}

bool BatchWorker::State::ExportBatch(std::span<const QueuedRecord> batch, Deadline deadline) {
  const bool good = Succeeds([&] { return exporter_->Export(batch, deadline) == ExportResult::kSuccess; });
  if (!good) Report(options_.component, "an export failed, its records are lost", batch.size());
  return good;
}

void BatchWorker::State::Release(std::span<const QueuedRecord> records) {
  for (size_t i = 0; i < records.size(); ++i) {
    const auto& [record, slot, is_large] = records[i];
    if (is_large) {
      options_.pool.Give(record);
    } else {
      unseen_.push_back(record);
    }
    if (i + 1 < records.size() && records[i + 1].slot == slot) continue;
    options_.pool.GiveUnseen(unseen_, slot);
    unseen_.clear();
  }
  queue_.GiveBackPlaces(records.size());
}

void BatchWorker::State::ReleaseRest() {
  if (!taken_.empty()) Report(options_.component, "shut down before all was exported", taken_.size());
  Release(taken_);
  taken_.clear();
}

bool BatchWorker::State::ForceFlush(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (!started_ || stop_) return !stop_ || end_result_;
  const uint64_t mine = ++flushes_wanted_;
  flush_deadline_ = std::max(flush_deadline_, deadline);
  changed_.notify_all();
  return changed_.wait_until(lock, deadline, [&] { return flushes_done_ >= mine || ended_; }) && flush_result_;
}

bool BatchWorker::State::Ends(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  return !started_ || changed_.wait_until(lock, deadline, [&] { return ended_; });
}

bool BatchWorker::State::Shutdown(Deadline deadline) {
  queue_.Close();
  std::unique_lock lock(mutex_);
  if (std::exchange(stop_, true)) return Ends(lock, deadline) && end_result_;
  stop_deadline_ = deadline;
  changed_.notify_all();
  bool good = Ends(lock, deadline);
  const bool started = started_;
  lock.unlock();
  if (!started) {  // what came before a thread could begin
    good = Flush(deadline, deadline);
    ReleaseRest();
  }
  good = Succeeds([&] { return exporter_->Shutdown(deadline); }) && good;  // also ends an Export that waits

  lock.lock();
  if (!Ends(lock, Clock::now() + kGrace)) {
    Report(options_.component, "an exporter did not end, its thread is left behind");
    thread_.detach();
    return end_result_ = false;
  }
  std::thread thread = std::move(thread_);
  const std::shared_ptr<BatchExporter> exporter = std::move(exporter_);
  end_result_ = good = end_result_ && good;
  lock.unlock();
  if (thread.joinable()) thread.join();
  return good;
}

BatchWorker::BatchWorker(BatchOptions options, std::shared_ptr<BatchExporter> exporter)
    : options_(Checked(std::move(options))),
      exporter_(exporter),
      state_(std::make_shared<State>(options_, std::move(exporter))),
      at_fork_([this] {
        // The parent's is left as it is: its locks may be held by threads that are not here.
        new (&state_) std::shared_ptr<State>(std::make_shared<State>(options_, exporter_.lock()));
      }) {}

BatchWorker::~BatchWorker() {
  Shutdown(Clock::now() + std::chrono::seconds(5));
}

void BatchWorker::Push(PooledRecord* record) noexcept {
  State::Push(state_, record);
}

bool BatchWorker::ForceFlush(Deadline deadline) {
  return state_->ForceFlush(deadline);
}

bool BatchWorker::Shutdown(Deadline deadline) {
  return state_->Shutdown(deadline);
}

}  // namespace otel::internal
