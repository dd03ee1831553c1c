// Traces written as text, for tests: one span a line, its name in the test, its parent, and fields with literals.
//
//   a -        name="GET /" span.x=1 resource.service.name="shop"
//   b a        span.tags={"x", "y"} event:name={"exception"}
//   c ?        a span whose parent is missing; ?1 and ?2 name different missing parents
//
// Fields of the trace (trace:duration=1s) may stand in any line and hold for all spans.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "traceql/span_view.h"

namespace sightline::traceql::testing {

// Thread: of its owner.
class TextTrace : public TraceView {
 public:
  explicit TextTrace(const std::string& lines, Subject subject = Subject::kSpans);

  size_t size() const override { return spans_.size(); }
  const SpanView& span(size_t index) const override { return spans_[index]; }
  int64_t parent(size_t index) const override { return spans_[index].parent; }
  const std::string& name(size_t index) const { return spans_[index].name; }

 private:
  struct TextSpan : SpanView {
    Value Intrinsic(traceql::Intrinsic intrinsic) const override;
    Value Attribute(Scope scope, std::string_view key) const override;
    Value InBody(std::span<const std::string> path) const override;

    const TextTrace* trace = nullptr;
    std::string name, parent_name, parent_id;
    int64_t parent = kRoot;
    std::vector<std::pair<Field, Value>> fields;
  };
  void ReadLine(const std::string& line, Subject subject);

  std::deque<TextSpan> spans_;
  std::vector<std::pair<Field, Value>> trace_fields_;
  std::deque<std::string> texts_;
  std::deque<std::vector<Value>> arrays_;
};

}  // namespace sightline::traceql::testing
