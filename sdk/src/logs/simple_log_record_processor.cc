#include <utility>

#include "common/report.h"
#include "otel/log_record_processor.h"

namespace otel {
namespace {

constexpr std::chrono::seconds kExportTime(30);

// An exporter that logs would wait for itself.
thread_local bool exporting = false;

}  // namespace

void SimpleLogRecordProcessor::OnStart(const Resource& resource) {
  const std::lock_guard lock(mutex_);
  resource_ = resource;
}

void SimpleLogRecordProcessor::OnEmit(EmittedLog& record, const Context&) {
  if (exporting) return internal::Report("log processor", "dropped what an exporter logged while it exported");
  const std::lock_guard lock(mutex_);
  if (shut_down_) return;
  exporting = true;
  const LogData* const data = &record.data();
  const auto result =
      exporter_->Export({resource_, std::span(&data, 1)}, std::chrono::steady_clock::now() + kExportTime);
  exporting = false;
  if (result == ExportResult::kFailure) internal::Report("log processor", "a record could not be exported");
}

bool SimpleLogRecordProcessor::ForceFlush(Deadline deadline) {
  return exporter_->ForceFlush(deadline);
}

bool SimpleLogRecordProcessor::Shutdown(Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(shut_down_, true)) return true;
  }
  return exporter_->Shutdown(deadline);
}

}  // namespace otel
