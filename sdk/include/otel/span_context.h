// What identifies a span across processes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "otel/ids.h"

namespace otel {

// The W3C tracestate: key and value pairs of vendors, the newest first. Immutable; copies share the memory.
// https://www.w3.org/TR/trace-context-1/#tracestate-header
class TraceState {
 public:
  static constexpr size_t kEntriesMax = 32;

  TraceState() = default;
  // Nothing where an entry is malformed or there are too many: the specification drops all of them then.
  static std::optional<TraceState> FromHeader(std::string_view header);

  bool empty() const { return header_ == nullptr; }
  std::string_view ToHeader() const { return header_ ? std::string_view(*header_) : std::string_view(); }
  std::optional<std::string_view> Get(std::string_view key) const;
  // With the entry in front; the oldest one leaves where there are too many. Unchanged where key or value is invalid.
  TraceState With(std::string_view key, std::string_view value) const;
  TraceState Without(std::string_view key) const;

  friend bool operator==(const TraceState& a, const TraceState& b) { return a.ToHeader() == b.ToHeader(); }

 private:
  std::shared_ptr<const std::string> header_;
};

// Immutable but for being assigned to.
struct SpanContext {
  TraceId trace_id;
  SpanId span_id;
  TraceFlags flags;
  bool is_remote = false;
  TraceState state;

  bool IsValid() const { return trace_id.IsValid() && span_id.IsValid(); }
  friend bool operator==(const SpanContext&, const SpanContext&) = default;
};

}  // namespace otel
