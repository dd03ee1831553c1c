// What goes along with a piece of work: its span, its baggage, and values of the application.
// https://opentelemetry.io/docs/specs/otel/context/
//
//   auto span = tracer.StartSpan("work");
//   const otel::Scope scope(span);            // spans and logs of this thread belong to it from here on
//   pool.Run([context = otel::Context::Current()] {
//     const otel::Scope scope(context);       // and here in another thread
//   });
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "otel/baggage.h"
#include "otel/span.h"

namespace otel {

// Names values of one type in contexts. Keys are told apart by where they lie: make it a static constant.
template <typename T>
class ContextKey {
 public:
  explicit ContextKey(std::string_view name) : name_(name) {}
  ContextKey(const ContextKey&) = delete;
  ContextKey& operator=(const ContextKey&) = delete;

  std::string_view name() const { return name_; }  // for people

 private:
  std::string_view name_;
};

// Immutable but for being assigned to, and cheap to copy.
class Context {
 public:
  constexpr Context() = default;
  // Of this thread, as its youngest Scope says; the empty one without any. Valid until that scope ends.
  static const Context& Current();

  const SpanRef& span() const { return span_; }
  const SpanContext& span_context() const { return span_.context(); }
  const Baggage& baggage() const { return baggage_; }
  // Nothing where there is none. Valid as long as a context has it.
  template <typename T>
  const T* Get(const ContextKey<T>& key) const {
    return static_cast<const T*>(Find(&key));
  }

  Context WithSpan(SpanRef span) const;
  Context WithSpanContext(SpanContext span) const { return WithSpan(SpanRef(std::move(span))); }
  Context WithBaggage(Baggage baggage) const;
  template <typename T>
  Context With(const ContextKey<T>& key, T value) const {
    return WithValue(&key, std::make_shared<const T>(std::move(value)));
  }

 private:
  struct Value;

  const void* Find(const void* key) const;
  Context WithValue(const void* key, std::shared_ptr<const void> value) const;

  SpanRef span_;
  Baggage baggage_;
  std::shared_ptr<const Value> values_;  // the newest first
};

// The span that is current in this thread; one that records nothing without any.
inline const SpanRef& CurrentSpan() {
  return Context::Current().span();
}

// Makes a context current in this thread until it is destroyed, in this thread too.
class [[nodiscard]] Scope {
 public:
  explicit Scope(Context context);
  explicit Scope(const SpanRef& span) : Scope(Context::Current().WithSpan(span)) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

 private:
  friend class Context;

  const Context context_;
  Scope* outer_;
};

}  // namespace otel
