// What stands between loggers and exporters of log records.
// https://opentelemetry.io/docs/specs/otel/logs/sdk/#logrecordprocessor
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>

#include "otel/log_data.h"

namespace otel {

class Context;

namespace internal {
class Arena;
class BatchWorker;
}  // namespace internal

// A record on its way through the processors: what one changes, those after it see. Lives for one call of Emit.
class EmittedLog {
 public:
  // Borrows what the record refers to, and `arena`.
  EmittedLog(const LogData& data, internal::Arena& arena) : data_(data), arena_(arena) {}
  EmittedLog(const EmittedLog&) = delete;
  EmittedLog& operator=(const EmittedLog&) = delete;

  const LogData& data() const { return data_; }

  // What is given is copied.
  void SetSeverity(Severity severity, std::string_view text);
  void SetBody(const AnyValue& body);
  void SetAttribute(std::string_view key, const AnyValue& value);
  void RemoveAttribute(std::string_view key);

 private:
  LogData data_;
  internal::Arena& arena_;
};

// Methods are called by any thread, several at once, and must not throw.
class LogRecordProcessor {
 public:
  virtual ~LogRecordProcessor() = default;

  // Told the resource before the first record.
  virtual void OnStart(const Resource& resource) { (void)resource; }
  // False for what the processor is sure to drop.
  virtual bool Enabled(const InstrumentationScope& scope, Severity severity, std::string_view event_name,
                       const Context& context) const {
    (void)scope, (void)severity, (void)event_name, (void)context;
    return true;
  }
  // The emitting thread waits for it. What is to be kept is copied.
  virtual void OnEmit(EmittedLog& record, const Context& context) = 0;
  // False where not all was exported by the deadline.
  virtual bool ForceFlush(Deadline deadline) = 0;
  // Flushes; later records are dropped.
  virtual bool Shutdown(Deadline deadline) = 0;
};

// Exports each record at once, while the emitting thread waits: for tests, and for what writes to the console.
class SimpleLogRecordProcessor final : public LogRecordProcessor {
 public:
  explicit SimpleLogRecordProcessor(std::unique_ptr<LogExporter> exporter) : exporter_(std::move(exporter)) {}

  void OnStart(const Resource& resource) override;
  void OnEmit(EmittedLog& record, const Context& context) override;
  bool ForceFlush(Deadline deadline) override;
  bool Shutdown(Deadline deadline) override;

 private:
  const std::unique_ptr<LogExporter> exporter_;
  std::mutex mutex_;  // one export at a time
  Resource resource_;
  bool shut_down_ = false;
};

struct BatchLogRecordProcessorOptions {
  size_t queue_records_max = 2048;                  // OTEL_BLRP_MAX_QUEUE_SIZE
  size_t batch_records_max = 512;                   // OTEL_BLRP_MAX_EXPORT_BATCH_SIZE
  std::chrono::milliseconds schedule_delay{1000};   // OTEL_BLRP_SCHEDULE_DELAY
  std::chrono::milliseconds export_timeout{30000};  // OTEL_BLRP_EXPORT_TIMEOUT
};

// Queues records, and exports them in batches from a thread of its own. Never makes the emitting thread wait: records
// for which the queue has no place are dropped, and counted in ErrorCount("log processor"). Belongs to one provider.
class BatchLogRecordProcessor final : public LogRecordProcessor {
 public:
  explicit BatchLogRecordProcessor(std::unique_ptr<LogExporter> exporter,
                                   const BatchLogRecordProcessorOptions& options = {});
  // Shuts down where that was not done, waiting at most five seconds.
  ~BatchLogRecordProcessor() override;

  void OnStart(const Resource& resource) override;
  void OnEmit(EmittedLog& record, const Context& context) override;
  bool ForceFlush(Deadline deadline) override;
  bool Shutdown(Deadline deadline) override;

 private:
  class BatchExporter;

  const std::shared_ptr<BatchExporter> exporter_;
  const std::unique_ptr<internal::BatchWorker> worker_;
};

}  // namespace otel
