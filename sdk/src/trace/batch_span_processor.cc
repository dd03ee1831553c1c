#include <vector>

#include "common/batch_worker.h"
#include "otel/span_processor.h"
#include "trace/span_record.h"
#include "trace/trace_pipeline.h"

namespace otel {
namespace {

class SpanBatchExporter final : public internal::BatchExporter {
 public:
  explicit SpanBatchExporter(std::unique_ptr<SpanExporter> exporter) : exporter_(std::move(exporter)) {}

  ExportResult Export(std::span<const internal::QueuedRecord> batch, Deadline deadline) override {
    spans_.clear();
    for (const auto& queued : batch) spans_.push_back(&static_cast<internal::SpanRecord*>(queued.record)->data());
    const auto& first = static_cast<internal::SpanRecord&>(*batch.front().record);  // all are of one provider
    return exporter_->Export({first.pipeline().options.resource, spans_}, deadline);
  }
  bool ForceFlush(Deadline deadline) override { return exporter_->ForceFlush(deadline); }
  bool Shutdown(Deadline deadline) override { return exporter_->Shutdown(deadline); }

 private:
  const std::unique_ptr<SpanExporter> exporter_;
  std::vector<const SpanData*> spans_;  // of the one call of Export
};

}  // namespace

BatchSpanProcessor::BatchSpanProcessor(std::unique_ptr<SpanExporter> exporter, const BatchSpanProcessorOptions& options)
    : worker_(
          std::make_unique<internal::BatchWorker>(internal::BatchOptions{.queue_records_max = options.queue_spans_max,
                                                                         .batch_records_max = options.batch_spans_max,
                                                                         .schedule_delay = options.schedule_delay,
                                                                         .export_timeout = options.export_timeout,
                                                                         .component = "span processor",
                                                                         .pool = internal::SpanRecord::Pool()},
                                                  std::make_shared<SpanBatchExporter>(std::move(exporter)))) {}

BatchSpanProcessor::~BatchSpanProcessor() = default;

void BatchSpanProcessor::OnEnd(FinishedSpan span) {
  if (span.data().context.flags.sampled()) worker_->Push(std::move(span).record().release());
}

bool BatchSpanProcessor::ForceFlush(Deadline deadline) {
  return worker_->ForceFlush(deadline);
}

bool BatchSpanProcessor::Shutdown(Deadline deadline) {
  return worker_->Shutdown(deadline);
}

}  // namespace otel
