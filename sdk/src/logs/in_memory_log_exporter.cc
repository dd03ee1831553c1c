#include "otel/in_memory_log_exporter.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "logs/log_copy.h"

namespace otel {

struct InMemoryLogs::Store {
  std::mutex mutex;
  std::vector<std::unique_ptr<internal::LogCopy>> records;
  Resource resource;
};

class InMemoryLogs::StoringExporter final : public LogExporter {
 public:
  explicit StoringExporter(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  ExportResult Export(const LogBatch& batch, Deadline) override {
    if (shut_down_) return ExportResult::kFailure;
    const std::lock_guard lock(store_->mutex);
    store_->resource = batch.resource;
    for (const LogData* const record : batch.records) {
      store_->records.push_back(std::make_unique<internal::LogCopy>());
      store_->records.back()->Assign(*record);
    }
    return ExportResult::kSuccess;
  }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override {
    shut_down_ = true;
    return true;
  }

 private:
  const std::shared_ptr<Store> store_;
  std::atomic<bool> shut_down_ = false;
};

InMemoryLogs::InMemoryLogs() : store_(std::make_shared<Store>()) {}
InMemoryLogs::~InMemoryLogs() = default;

std::unique_ptr<LogExporter> InMemoryLogs::Exporter() const {
  return std::make_unique<StoringExporter>(store_);
}

std::vector<LogData> InMemoryLogs::records() const {
  const std::lock_guard lock(store_->mutex);
  std::vector<LogData> records;
  for (const auto& record : store_->records) records.push_back(record->data());
  return records;
}

size_t InMemoryLogs::size() const {
  const std::lock_guard lock(store_->mutex);
  return store_->records.size();
}

Resource InMemoryLogs::resource() const {
  const std::lock_guard lock(store_->mutex);
  return store_->resource;
}

void InMemoryLogs::Clear() {
  const std::lock_guard lock(store_->mutex);
  store_->records.clear();
}

}  // namespace otel
