// Prints telemetry for people: for a first try, and for finding out what an application sends.
#pragma once

#include <atomic>
#include <cstdio>

#include "otel/log_data.h"
#include "otel/metric_data.h"
#include "otel/span_data.h"

namespace otel {

// One line for each span, event, link, log record and metric point. The form may change: nothing should parse it.
// Thread: any.
template <typename Batch>
class ConsoleExporter final : public Exporter<Batch> {
 public:
  // The file is borrowed.
  explicit ConsoleExporter(std::FILE* file = stdout) : file_(file) {}

  ExportResult Export(const Batch& batch, Deadline deadline) override;
  bool ForceFlush(Deadline deadline) override;
  bool Shutdown(Deadline deadline) override;

 private:
  std::FILE* file_;
  std::atomic<bool> shut_down_ = false;
};

extern template class ConsoleExporter<SpanBatch>;
extern template class ConsoleExporter<LogBatch>;
extern template class ConsoleExporter<MetricBatch>;

using ConsoleSpanExporter = ConsoleExporter<SpanBatch>;
using ConsoleLogExporter = ConsoleExporter<LogBatch>;
using ConsoleMetricExporter = ConsoleExporter<MetricBatch>;

}  // namespace otel
