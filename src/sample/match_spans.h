// A scanned request -> what the policies see in each of its spans. Here the spans' bytes are looked at for the only
// time before the decision (and once more for those that wait when the policies change).
#pragma once

#include <cstring>
#include <string_view>
#include <utility>

#include "otlp/scan.h"
#include "sample/arrived_span.h"
#include "sample/policy_set.h"

namespace sightline::sample {

// Calls visit(ArrivedSpan&&, item) for each span that wanted(item) says. `scan` has heads. The place has no frame yet.
template <typename Wanted, typename Visit>
void MatchSpans(const PolicySet& policies, std::string_view bytes, const otlp::Scan& scan, const Wanted& wanted,
                const Visit& visit) {
  SIGHTLINE_CHECK(scan.heads.size() == scan.items.size());
  const bool needs_bytes = policies.Needs().span_bytes, needs_trace_state = policies.Needs().trace_state;
  ResourceMatch resource;
  const otlp::Slice* resource_slice = nullptr;
  for (size_t i = 0; i < scan.items.size(); ++i) {
    const otlp::ItemRef& item = scan.items[i];
    if (!wanted(item)) continue;
    const otlp::SpanHead& head = scan.heads[i];
    const otlp::Slice& slice = scan.scopes[item.scope].resource;
    if (resource_slice == nullptr || slice.offset != resource_slice->offset) {
      resource = policies.MatchResource(slice.In(bytes));
      resource_slice = &slice;
    }
    SpanFacts facts;
    std::memcpy(facts.trace_id.data(), bytes.data() + head.trace_id, facts.trace_id.size());
    facts.kind = head.kind;
    facts.status = head.status;
    facts.is_root = head.parent_span_id == 0;
    facts.flags = head.flags;
    facts.start_unix_nanos = head.start_unix_nanos;
    facts.end_unix_nanos = head.end_unix_nanos;
    facts.bytes = item.message.size;
    facts.http_status = head.http_status;
    if (needs_trace_state) facts.trace_state = head.trace_state.In(bytes);
    if (needs_bytes) facts.span = item.message.In(bytes);
    ArrivedSpan span;
    span.trace_hash = item.trace_hash;
    span.times = {facts.trace_id, facts.start_unix_nanos, facts.end_unix_nanos, facts.bytes};
    span.match = policies.MatchSpan(facts, resource);
    span.place = {nullptr, item.message.offset, item.message.size, item.scope};
    span.is_root = facts.is_root;
    visit(std::move(span), item);
  }
}

}  // namespace sightline::sample
