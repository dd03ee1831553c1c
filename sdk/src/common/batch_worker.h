// What the batch processors of spans and log records have in common: a bounded queue, and a thread that exports from
// it.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "common/fork.h"
#include "common/record_queue.h"
#include "otel/exporter.h"

namespace otel::internal {

struct BatchOptions {
  size_t queue_records_max;
  size_t batch_records_max;
  std::chrono::milliseconds schedule_delay;
  std::chrono::milliseconds export_timeout;
  std::string component;  // for Report
  RecordPool& pool;       // where the records come from
};

// The exporter of one kind of records. The rules are those of Exporter.
class BatchExporter {
 public:
  virtual ~BatchExporter() = default;

  virtual ExportResult Export(std::span<const QueuedRecord> batch, Deadline deadline) = 0;
  virtual bool ForceFlush(Deadline deadline) = 0;
  virtual bool Shutdown(Deadline deadline) = 0;
};

// Its thread begins with the first record, in the child of a fork again with the first one there: what was queued in
// the parent is the parent's. Whatever the exporter does, Push does not wait, and the others return by their deadline
// or soon after. An exporter that does not end even then keeps the thread, which is left behind. Thread: any.
class BatchWorker {
 public:
  BatchWorker(BatchOptions options, std::shared_ptr<BatchExporter> exporter);
  // Shuts down where that was not done, waiting at most five seconds.
  ~BatchWorker();
  BatchWorker(const BatchWorker&) = delete;
  BatchWorker& operator=(const BatchWorker&) = delete;

  // Takes over one reference. What finds no place is dropped, and reported by the thread later.
  void Push(PooledRecord* record) noexcept;
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);

 private:
  class State;

  const BatchOptions options_;
  const std::weak_ptr<BatchExporter> exporter_;
  std::shared_ptr<State> state_;  // shared with the thread; replaced in the child of a fork
  const ForkHandler at_fork_;
};

}  // namespace otel::internal
