#include "otel/context.h"

namespace otel {
namespace {

// No destructor, so that it can be used in those of other thread-local and static objects.
constinit thread_local Scope* youngest = nullptr;

}  // namespace

// One value, in front of the older ones.
struct Context::Value {
  const void* key;
  std::shared_ptr<const void> value;
  std::shared_ptr<const Value> older;
};

const Context& Context::Current() {
  static const Context& empty = *new Context;  // never destroyed
  return youngest != nullptr ? youngest->context_ : empty;
}

Context Context::WithSpan(SpanRef span) const {
  Context context = *this;
  context.span_ = std::move(span);
  return context;
}

Context Context::WithBaggage(Baggage baggage) const {
  Context context = *this;
  context.baggage_ = std::move(baggage);
  return context;
}

Context Context::WithValue(const void* key, std::shared_ptr<const void> value) const {
  Context context = *this;
  context.values_ = std::make_shared<const Value>(Value{key, std::move(value), values_});
  return context;
}

const void* Context::Find(const void* key) const {
  for (const Value* value = values_.get(); value != nullptr; value = value->older.get()) {
    if (value->key == key) return value->value.get();
  }
  return nullptr;
}

Scope::Scope(Context context) : context_(std::move(context)), outer_(youngest) {
  youngest = this;
}

Scope::~Scope() {
  if (youngest == this) {
    youngest = outer_;
    return;
  }
  // An older one ends first: take it out from under the younger ones.
  for (Scope* scope = youngest; scope != nullptr; scope = scope->outer_) {
    if (scope->outer_ != this) continue;
    scope->outer_ = outer_;
    return;
  }
}

}  // namespace otel
