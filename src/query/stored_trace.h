// A trace that was read back, as TraceQL evaluates it: for what the language asks of a whole trace and SQL cannot say.
// Data: Trace -> values with the types in which they were recorded.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "query/stored_values.h"
#include "query/trace_types.h"
#include "traceql/span_view.h"

namespace sightline::query {

// Borrows the trace.
// Thread: reading from any.
class StoredTrace : public traceql::TraceView {
 public:
  explicit StoredTrace(const Trace& trace);

  size_t size() const override { return spans_.size(); }
  const traceql::SpanView& span(size_t index) const override { return spans_[index]; }
  int64_t parent(size_t index) const override { return parents_[index]; }

 private:
  using Values = StoredValues::ByKey;

  struct StoredSpan : traceql::SpanView {
    traceql::Value Intrinsic(traceql::Intrinsic intrinsic) const override;
    traceql::Value Attribute(traceql::Scope scope, std::string_view key) const override;

    const StoredTrace* trace = nullptr;
    const Span* span = nullptr;
    Values attributes, events, links;  // of events and links an array for each key
    const Values* resource = nullptr;
    const Values* scope = nullptr;
    traceql::Value event_names, event_times, link_trace_ids, link_span_ids;
  };

  template <typename Item>
  Values ByKey(const std::vector<Item>& items);
  void FindParents();
  void FindTraceValues();
  int64_t CriticalPath(const Span& span) const;  // of the trace's spans

  const Trace& trace_;
  std::deque<StoredSpan> spans_;
  std::vector<int64_t> parents_;
  std::map<std::string, Values, std::less<>> sets_;  // by id
  StoredValues values_;
  std::string trace_id_;
  traceql::Value duration_, root_name_, root_service_;
  mutable std::once_flag path_is_found_;  // few questions ask for it
  mutable std::vector<uint64_t> path_;    // by span
};

}  // namespace sightline::query
