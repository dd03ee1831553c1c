// The seam for conditions on spans that a policy can ask beyond the Collector's own filters: what an expression
// language sees of a span, and what it answers. OTTL implements it (ottl.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sample/attributes.h"

namespace re2 {
class RE2;
}

namespace sightline::sample {

struct SpanFacts;

// Views into the request's bytes, for one call. Slots are by the tables that the condition was compiled with.
struct SpanView {
  const SpanFacts& facts;
  std::span<const AttributeValue> attributes, resource_attributes;
  std::string_view name, trace_state, status_message, trace_id, span_id, parent_span_id;
  uint32_t dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  std::span<const std::string_view> events;  // Event messages
};

// Immutable. Thread: any.
class SpanCondition {
 public:
  enum class Answer : uint8_t { kNo, kYes, kError };
  virtual ~SpanCondition() = default;
  virtual Answer Ask(const SpanView& span) const = 0;
  virtual bool needs_events() const = 0;
};

// Exact values, or regular expressions of which one must match somewhere in the text (RE2: linear time).
// Immutable. Thread: any.
class TextMatcher {
 public:
  static Result<std::shared_ptr<const TextMatcher>> Exact(const std::vector<std::string>& values);
  static Result<std::shared_ptr<const TextMatcher>> Regex(const std::vector<std::string>& values);
  ~TextMatcher();
  bool Matches(std::string_view text) const;

 private:
  TextMatcher();
  std::vector<std::string> values_;  // sorted
  std::vector<std::unique_ptr<re2::RE2>> expressions_;
};

}  // namespace sightline::sample
