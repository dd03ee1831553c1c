// Log records that own what they refer to.
#pragma once

#include "common/pooled_record.h"
#include "otel/log_data.h"

namespace otel::internal {

// Thread: of its owner.
class LogCopy final : public PooledRecord {
 public:
  // Cleared, from this thread's stock where that has one.
  static LogCopy* New() {
    auto* const record = static_cast<LogCopy*>(Pool().Take());
    if (record == nullptr) return new LogCopy;
    record->Clear();
    return record;
  }
  static RecordPool& Pool() {
    static auto& pool = *new RecordPool;
    return pool;
  }

  void Assign(const LogData& from) {
    data_ = from;
    data_.severity_text = arena().Copy(from.severity_text);
    data_.event_name = arena().Copy(from.event_name);
    data_.body = arena().Copy(from.body);
    data_.attributes = std::span<const Attribute>(arena().Copy(from.attributes));
  }
  void Clear() override {
    data_ = {};
    arena().Reset();
  }

  const LogData& data() const { return data_; }

 private:
  LogData data_;  // refers to what lies in the arena
};

}  // namespace otel::internal
