// What stands between spans and exporters. https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-processor
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>

#include "otel/context.h"
#include "otel/span_data.h"

namespace otel {

// A span that has ended. Cheap to copy; what it shows lives as long as one of the copies.
class FinishedSpan {
 public:
  explicit FinishedSpan(internal::SpanRecordRef record) : record_(std::move(record)) {}

  const SpanData& data() const;
  const Resource& resource() const;  // lives as long as the program
  const internal::SpanRecordRef& record() const& { return record_; }
  internal::SpanRecordRef record() && { return std::move(record_); }

 private:
  internal::SpanRecordRef record_;
};

// Methods are called by any thread, several at once, and must not throw.
class SpanProcessor {
 public:
  virtual ~SpanProcessor() = default;

  // The thread that starts the span waits for it. The span may be told more. `parent` is borrowed for the call.
  virtual void OnStart(const SpanRef& span, const Context& parent) { (void)span, (void)parent; }
  // The thread that ends the span waits for it. Spans that record but are not sampled come too.
  virtual void OnEnd(FinishedSpan span) = 0;
  // False where not all was exported by the deadline.
  virtual bool ForceFlush(Deadline deadline) = 0;
  // Flushes; later spans are dropped.
  virtual bool Shutdown(Deadline deadline) = 0;
};

// Exports each sampled span at once, while the ending thread waits: for tests, and for what writes to the console.
class SimpleSpanProcessor final : public SpanProcessor {
 public:
  explicit SimpleSpanProcessor(std::unique_ptr<SpanExporter> exporter) : exporter_(std::move(exporter)) {}

  void OnEnd(FinishedSpan span) override;
  bool ForceFlush(Deadline deadline) override;
  bool Shutdown(Deadline deadline) override;

 private:
  const std::unique_ptr<SpanExporter> exporter_;
  std::mutex mutex_;  // one export at a time
  bool shut_down_ = false;
};

struct BatchSpanProcessorOptions {
  size_t queue_spans_max = 2048;                    // OTEL_BSP_MAX_QUEUE_SIZE
  size_t batch_spans_max = 512;                     // OTEL_BSP_MAX_EXPORT_BATCH_SIZE
  std::chrono::milliseconds schedule_delay{5000};   // OTEL_BSP_SCHEDULE_DELAY
  std::chrono::milliseconds export_timeout{30000};  // OTEL_BSP_EXPORT_TIMEOUT
};

namespace internal {
class BatchWorker;
}

// Queues sampled spans, and exports them in batches from a thread of its own. Never makes the ending thread wait: spans
// for which the queue has no place are dropped, and counted in ErrorCount("span processor").
class BatchSpanProcessor final : public SpanProcessor {
 public:
  explicit BatchSpanProcessor(std::unique_ptr<SpanExporter> exporter, const BatchSpanProcessorOptions& options = {});
  // Shuts down where that was not done, waiting at most five seconds.
  ~BatchSpanProcessor() override;

  void OnEnd(FinishedSpan span) override;
  bool ForceFlush(Deadline deadline) override;
  bool Shutdown(Deadline deadline) override;

 private:
  const std::unique_ptr<internal::BatchWorker> worker_;
};

}  // namespace otel
