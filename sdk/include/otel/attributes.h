// An owned, immutable set of attributes: of a resource, a scope, a stream of metric points.
#pragma once

#include <memory>
#include <optional>

#include "otel/any_value.h"

namespace otel {

// Sorted by key, each key once: of several the last one stays. Copies share the memory.
class Attributes {
 public:
  Attributes() = default;
  Attributes(AttributesView list);  // copies keys and values
  Attributes(std::initializer_list<Attribute> list) : Attributes(AttributesView(list)) {}

  AttributesView view() const { return view_; }
  bool empty() const { return view_.empty(); }
  size_t size() const { return view_.size(); }
  auto begin() const { return view_.begin(); }
  auto end() const { return view_.end(); }
  // Nothing where there is none of that name.
  std::optional<AnyValue> Find(std::string_view key) const;
  // With those of `other`, which win.
  Attributes MergedWith(const Attributes& other) const;

  friend bool operator==(const Attributes& a, const Attributes& b);

 private:
  std::shared_ptr<const void> memory_;
  AttributesView view_;
};

// By what they say, whatever holds them; numbers of different types differ, NaN equals itself.
bool Equal(const AnyValue& a, const AnyValue& b);

}  // namespace otel
