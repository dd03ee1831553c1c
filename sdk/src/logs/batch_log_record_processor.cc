#include <new>
#include <span>
#include <utility>
#include <vector>

#include "common/batch_worker.h"
#include "common/report.h"
#include "logs/log_copy.h"
#include "otel/log_record_processor.h"

namespace otel {

class BatchLogRecordProcessor::BatchExporter final : public internal::BatchExporter {
 public:
  explicit BatchExporter(std::unique_ptr<LogExporter> exporter) : exporter_(std::move(exporter)) {}

  void set_resource(const Resource& resource) { resource_ = resource; }

  ExportResult Export(std::span<const internal::QueuedRecord> batch, Deadline deadline) override {
    records_.clear();
    for (const auto& queued : batch) records_.push_back(&static_cast<internal::LogCopy*>(queued.record)->data());
    return exporter_->Export({resource_, records_}, deadline);
  }
  bool ForceFlush(Deadline deadline) override { return exporter_->ForceFlush(deadline); }
  bool Shutdown(Deadline deadline) override { return exporter_->Shutdown(deadline); }

 private:
  const std::unique_ptr<LogExporter> exporter_;
  Resource resource_;                    // set before the first record comes
  std::vector<const LogData*> records_;  // of the one call of Export
};

BatchLogRecordProcessor::BatchLogRecordProcessor(std::unique_ptr<LogExporter> exporter,
                                                 const BatchLogRecordProcessorOptions& options)
    : exporter_(std::make_shared<BatchExporter>(std::move(exporter))),
      worker_(
          std::make_unique<internal::BatchWorker>(internal::BatchOptions{.queue_records_max = options.queue_records_max,
                                                                         .batch_records_max = options.batch_records_max,
                                                                         .schedule_delay = options.schedule_delay,
                                                                         .export_timeout = options.export_timeout,
                                                                         .component = "log processor",
                                                                         .pool = internal::LogCopy::Pool()},
                                                  exporter_)) {}

BatchLogRecordProcessor::~BatchLogRecordProcessor() = default;

void BatchLogRecordProcessor::OnStart(const Resource& resource) {
  exporter_->set_resource(resource);
}

void BatchLogRecordProcessor::OnEmit(EmittedLog& record, const Context&) try {
  auto* const copy = internal::LogCopy::New();
  copy->Assign(record.data());
  worker_->Push(copy);
} catch (const std::bad_alloc&) {
  internal::Report("log processor", "no memory for a record");
}

bool BatchLogRecordProcessor::ForceFlush(Deadline deadline) {
  return worker_->ForceFlush(deadline);
}

bool BatchLogRecordProcessor::Shutdown(Deadline deadline) {
  return worker_->Shutdown(deadline);
}

}  // namespace otel
