// What a span has recorded so far: made by a tracer, changed through SpanRef, read by processors and exporters.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <span>
#include <string_view>

#include "common/arena_list.h"
#include "common/key_filter.h"
#include "common/pooled_record.h"
#include "common/spin_lock.h"
#include "otel/span_data.h"
#include "otel/trace.h"

namespace otel::internal {

struct TracePipeline;

// Thread: any while the span lives; once it has ended nothing changes.
class SpanRecord final : public PooledRecord {
 public:
  // Cleared, from this thread's stock where that has one. Null where there is no memory.
  static SpanRecord* New() noexcept;
  static RecordPool& Pool();
  ~SpanRecord() override { Clear(); }

  void Start(const TracePipeline& pipeline, const SpanContext& context, const SpanContext& parent,
             const InstrumentationScope& scope, std::string_view name, SpanKind kind, UnixNanos time);
  void SetAttribute(std::string_view key, const AnyValue& value);
  void SetAttributes(AttributesView attributes);
  void AddEvent(std::string_view name, AttributesView attributes, UnixNanos time);
  void AddLink(const SpanContext& context, AttributesView attributes);
  void SetStatus(StatusCode code, std::string_view description);
  void UpdateName(std::string_view name);
  // False where it had ended.
  bool End(UnixNanos time);
  void Clear() override;

  bool is_recording() const { return is_recording_.load(std::memory_order_relaxed); }
  // Does not change any more, or is not yet known to others.
  const SpanData& data() const { return data_; }
  const TracePipeline& pipeline() const { return *pipeline_; }

 private:
  // Runs the change under the lock, unless the span has ended.
  template <typename Change>
  void WhileRecording(Change change) noexcept;
  void Set(std::string_view key, const AnyValue& value);
  // True where a value was replaced.
  bool SetIn(ArenaList<Attribute>& list, KeyFilter& keys, std::string_view key, const AnyValue& value, size_t count_max,
             uint32_t& dropped);
  // Called where a value was replaced: what is not used any more must not pile up in spans that live long.
  void LimitWaste();
  void Compact();
  AttributesView Copy(AttributesView attributes, size_t count_max, uint32_t& dropped);
  UnixNanos Now() const;

  SpinLock lock_;  // of all below
  std::atomic<bool> is_recording_ = false;
  const TracePipeline* pipeline_ = nullptr;
  int64_t wall_offset_ = 0;  // one for all of the span's times
  SpanData data_;
  ArenaList<Attribute> attributes_;
  KeyFilter attribute_keys_;
  ArenaList<SpanEvent> events_;
  ArenaList<SpanLink> links_;
  size_t compact_at_bytes_ = kCompactAtBytesMin;

  static constexpr size_t kCompactAtBytesMin = 64 * 1024;
};

// The span ends and goes to the processors, which get this reference.
void EndSpan(SpanRecordRef record, UnixNanos time) noexcept;

}  // namespace otel::internal
