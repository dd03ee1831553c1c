#include "query/stored_trace.h"

#include <algorithm>
#include <array>

#include "query/critical_path.h"

namespace sightline::query {
namespace {

using traceql::Scope;
using traceql::Value;

template <size_t kSize>
int64_t NumberOf(const std::array<std::string_view, kSize>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? 0 : found - names.begin();
}

}  // namespace

StoredTrace::StoredTrace(const Trace& trace) : trace_(trace), trace_id_(trace.trace_id) {
  for (const AttributeSet& set : trace.resources) sets_.emplace(set.id, values_.Of(set.attributes));
  for (const Span& span : trace.spans) {
    StoredSpan& stored = spans_.emplace_back();
    stored.trace = this;
    stored.span = &span;
    stored.attributes = values_.Of(span.attributes);
    stored.events = ByKey(span.events);
    stored.links = ByKey(span.links);
    if (const auto set = sets_.find(span.resource_id); set != sets_.end()) stored.resource = &set->second;
    if (const auto set = sets_.find(span.scope_id); set != sets_.end()) stored.scope = &set->second;
    std::vector<Value> names, times, trace_ids, span_ids;
    for (const Event& event : span.events) {
      names.push_back(Value::String(event.name));
      times.push_back(Value::Duration(event.unix_nanos - span.start_unix_nanos));
    }
    for (const Link& link : span.links) {
      trace_ids.push_back(Value::String(link.trace_id));
      span_ids.push_back(Value::String(link.span_id));
    }
    stored.event_names = values_.Array(std::move(names));
    stored.event_times = values_.Array(std::move(times));
    stored.link_trace_ids = values_.Array(std::move(trace_ids));
    stored.link_span_ids = values_.Array(std::move(span_ids));
  }
  FindParents();
  FindTraceValues();
}

// Of spans with the same id the first is the parent.
void StoredTrace::FindParents() {
  std::unordered_map<std::string_view, int64_t> by_id;
  for (size_t i = 0; i < trace_.spans.size(); ++i) by_id.try_emplace(trace_.spans[i].span_id, static_cast<int64_t>(i));
  for (const Span& span : trace_.spans) {
    const auto parent = by_id.find(span.parent_span_id);
    parents_.push_back(span.parent_span_id.empty() ? kRoot : parent == by_id.end() ? kMissingParent : parent->second);
  }
}

void StoredTrace::FindTraceValues() {
  if (trace_.spans.empty()) return;
  int64_t first = INT64_MAX, last = INT64_MIN;
  for (size_t i = trace_.spans.size(); i-- > 0;) {
    const Span& span = trace_.spans[i];
    first = std::min(first, span.start_unix_nanos);
    last = std::max(last, span.start_unix_nanos + static_cast<int64_t>(span.duration_nanos));
    if (parents_[i] != kRoot) continue;
    root_name_ = Value::String(span.name);
    root_service_ = Value::String(span.service);
  }
  duration_ = Value::Duration(last - first);
}

int64_t StoredTrace::CriticalPath(const Span& span) const {
  std::call_once(path_is_found_, [this] { path_ = CriticalPathOf(trace_.spans); });
  return static_cast<int64_t>(path_[static_cast<size_t>(&span - trace_.spans.data())]);
}

template <typename Item>
StoredTrace::Values StoredTrace::ByKey(const std::vector<Item>& items) {
  std::map<std::string_view, std::vector<Value>> by_key;
  for (const Item& item : items) {
    const Values values = values_.Of(item.attributes);
    for (size_t i = 0; i < values.size(); ++i) {
      const bool repeated = !StoredValues::Find(std::span(values).first(i), values[i].first).is_nil();
      if (!repeated && !values[i].second.is_nil()) by_key[values[i].first].push_back(values[i].second);
    }
  }
  Values arrays;
  for (auto& [key, values] : by_key) arrays.emplace_back(key, values_.Array(std::move(values)));
  return arrays;
}

Value StoredTrace::StoredSpan::Attribute(Scope wanted, std::string_view key) const {
  switch (wanted) {
    case Scope::kSpan:
      return StoredValues::Find(attributes, key);
    case Scope::kResource:
      // As SQL has it: the column, which is filled from the resource's text.
      if (key == "service.name" && !span->service.empty()) return Value::String(span->service);
      return resource == nullptr ? Value::Nil() : StoredValues::Find(*resource, key);
    case Scope::kInstrumentation:
      return scope == nullptr ? Value::Nil() : StoredValues::Find(*scope, key);
    case Scope::kEvent:
      return StoredValues::Find(events, key);
    case Scope::kLink:
      return StoredValues::Find(links, key);
    default:
      return Value::Nil();
  }
}

Value StoredTrace::StoredSpan::Intrinsic(traceql::Intrinsic intrinsic) const {
  using enum traceql::Intrinsic;
  static constexpr std::array<std::string_view, 3> kStatuses = {"Unset", "Ok", "Error"};
  static constexpr std::array<std::string_view, 6> kKinds = {"Unspecified", "Internal", "Server",
                                                             "Client",      "Producer", "Consumer"};
  switch (intrinsic) {
    case kDuration:
      return Value::Duration(static_cast<int64_t>(span->duration_nanos));
    case kName:
      return Value::String(span->name);
    case kStatus:
      return Value::Status(NumberOf(kStatuses, span->status));
    case kStatusMessage:
      return Value::String(span->status_message);
    case kKind:
      return Value::Kind(NumberOf(kKinds, span->kind));
    case kSpanId:
      return Value::String(span->span_id);
    case kParentId:
      return Value::String(span->parent_span_id);
    case kTraceId:
      return Value::String(trace->trace_id_);
    case kTraceDuration:
      return trace->duration_;
    case kRootName:
      return trace->root_name_;
    case kRootService:
      return trace->root_service_;
    case kCriticalPath:
      return Value::Duration(trace->CriticalPath(*span));
    case kEventName:
      return event_names;
    case kEventTimeSinceStart:
      return event_times;
    case kLinkTraceId:
      return link_trace_ids;
    case kLinkSpanId:
      return link_span_ids;
    case kInstrumentationName:
      return Value::String(span->scope_name);
    case kInstrumentationVersion:
      return Value::String(span->scope_version);
    default:
      return Value::Nil();
  }
}

}  // namespace sightline::query
