// What evaluation sees of spans and traces, wherever they lie: in a decoded request, or read back from the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "traceql/field.h"
#include "traceql/value.h"

namespace sightline::traceql {

// One span, or one log record. What is returned lives as long as the view.
class SpanView {
 public:
  virtual ~SpanView() = default;

  // All but those that follow from the tree: childCount, parent and nestedSet*. Ids are hexadecimal in full length, the
  // parent's id is "" of a root. Of events and links an array with one element for each. Nil: absent or not known.
  virtual Value Intrinsic(traceql::Intrinsic intrinsic) const = 0;
  // `scope` is of those that have attributes, never kNone. Of events and links an array with one element for each that
  // has the key. Nil: absent.
  virtual Value Attribute(Scope scope, std::string_view key) const = 0;
  // Of log records: what a body of JSON has behind these keys, from the outermost on. An object is an array of one
  // value that compares with nothing. Nil: absent, null, or the body is no object.
  virtual Value InBody(std::span<const std::string>) const { return Value::Nil(); }
};

class TraceView {
 public:
  static constexpr int64_t kRoot = -1;           // it names no parent
  static constexpr int64_t kMissingParent = -2;  // it names one that is not here

  virtual ~TraceView() = default;

  virtual size_t size() const = 0;
  virtual const SpanView& span(size_t index) const = 0;
  virtual int64_t parent(size_t index) const = 0;  // an index, kRoot or kMissingParent
};

}  // namespace sightline::traceql
