// Spans as the code that is traced sees them. https://opentelemetry.io/docs/specs/otel/trace/api/#span
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>
#include <utility>

#include "otel/any_value.h"
#include "otel/exporter.h"
#include "otel/span_context.h"

namespace otel {

// Values are OTLP's.
enum class SpanKind : uint8_t { kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5 };
enum class StatusCode : uint8_t { kUnset = 0, kOk = 1, kError = 2 };

namespace internal {

class SpanRecord;

// Shared ownership of what a span has recorded so far.
class SpanRecordRef {
 public:
  constexpr SpanRecordRef() = default;
  explicit SpanRecordRef(SpanRecord* record) : record_(record) {}  // takes over one reference
  SpanRecordRef(const SpanRecordRef& other) : record_(other.record_) {
    if (record_ != nullptr) Retain(record_);
  }
  SpanRecordRef(SpanRecordRef&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  SpanRecordRef& operator=(SpanRecordRef other) noexcept {
    std::swap(record_, other.record_);
    return *this;
  }
  ~SpanRecordRef() {
    if (record_ != nullptr) Release(record_);
  }

  SpanRecord* get() const { return record_; }
  SpanRecord* operator->() const { return record_; }
  explicit operator bool() const { return record_ != nullptr; }
  SpanRecord* release() { return std::exchange(record_, nullptr); }

 private:
  static void Retain(SpanRecord* record) noexcept;
  static void Release(SpanRecord* record) noexcept;

  SpanRecord* record_ = nullptr;
};

}  // namespace internal

// A span that somebody else ends, or one that only passes its context on. Cheap to copy. What it is told is copied, and
// ignored where the span does not record: it was not sampled, has ended, or lies in another process.
// Thread: any, several at once.
class SpanRef {
 public:
  constexpr SpanRef() = default;                                           // none: its context is not valid
  explicit SpanRef(SpanContext context) : context_(std::move(context)) {}  // records nothing
  SpanRef(SpanContext context, internal::SpanRecordRef record)
      : context_(std::move(context)), record_(std::move(record)) {}

  const SpanContext& context() const { return context_; }
  // Ask before making what is dear.
  bool IsRecording() const;

  // Of several values for a key the last one counts.
  void SetAttribute(std::string_view key, const AnyValue& value) const;
  void SetAttributes(AttributesView attributes) const;
  void AddEvent(std::string_view name, AttributesView attributes = {}, UnixNanos time = 0 /* now */) const;
  void AddLink(const SpanContext& context, AttributesView attributes = {}) const;
  // kOk is final, and nothing follows it; kUnset is ignored. Only errors have a description.
  void SetStatus(StatusCode code, std::string_view description = {}) const;
  // An event "exception" with its type and message; the attributes given win. Does not change the status.
  void RecordException(const std::exception& exception, AttributesView attributes = {}) const;
  void UpdateName(std::string_view name) const;
  // Only the first time counts.
  void End(UnixNanos time = 0 /* now */) const;

 private:
  friend class Span;
  friend class Tracer;

  SpanContext context_;
  internal::SpanRecordRef record_;  // none where it records nothing
};

// The one who started a span, and ends it: at the latest when this is destroyed.
class Span : public SpanRef {
 public:
  Span() = default;
  explicit Span(SpanRef ref) : SpanRef(std::move(ref)) {}
  Span(Span&&) = default;
  Span& operator=(Span&& other) noexcept {
    if (this == &other) return *this;
    End();
    SpanRef::operator=(std::move(other));
    return *this;
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span();
};

}  // namespace otel
