#include "common/report.h"
#include "otel/span_processor.h"

namespace otel {
namespace {

constexpr auto kExportTimeout = std::chrono::seconds(30);

}  // namespace

void SimpleSpanProcessor::OnEnd(FinishedSpan span) {
  if (!span.data().context.flags.sampled()) return;
  const SpanData* const data = &span.data();
  const std::lock_guard lock(mutex_);
  if (shut_down_) return;
  const auto deadline = std::chrono::steady_clock::now() + kExportTimeout;
  if (exporter_->Export({span.resource(), {&data, 1}}, deadline) == ExportResult::kSuccess) return;
  internal::Report("span processor", "an export failed, its span is lost");
}

bool SimpleSpanProcessor::ForceFlush(Deadline deadline) {
  return exporter_->ForceFlush(deadline);
}

bool SimpleSpanProcessor::Shutdown(Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (shut_down_) return true;
    shut_down_ = true;
  }
  return exporter_->Shutdown(deadline);
}

}  // namespace otel
