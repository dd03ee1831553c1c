#include "sample/call_matcher.h"

#include "base/error.h"

namespace sightline::sample {

size_t CallMatcher::Hasher::operator()(const Key& key) const {
  // The trace's hash is one already; ids of spans may be anything.
  const auto product = static_cast<unsigned __int128>(key.caller_id ^ 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93;
  return static_cast<size_t>(key.trace_hash ^ static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product));
}

void CallMatcher::Add(uint64_t block, const Span& span, CallCounter* counter) {
  SIGHTLINE_CHECK(waiting_.empty() || waiting_.back().block <= block);
  if (CallCounter::IsCaller(span.span)) return AddCaller(block, span, counter);
  AddCallee(block, span, counter);
}

void CallMatcher::AddCaller(uint64_t block, const Span& span, CallCounter* counter) {
  const Key key{span.trace_hash, span.span.span_id};
  const uint64_t caller_number = first_number_ + waiting_.size();
  Waiting& caller = waiting_.emplace_back(Waiting{.of = span, .block = block});
  if (!callers_.try_emplace(key, caller_number).second) return;  // sent twice: the first has the callees
  const auto found = callees_.find(key);
  if (found == callees_.end()) return;
  Callees others;  // a server's span below a producer's
  for (uint64_t number = found->second.first; number != kNone;) {
    Waiting& callee = At(number);
    const uint64_t next = callee.next;
    if (CallCounter::AreSides(span.span, callee.of.span)) {
      callee.is_paired = caller.is_paired = true;
      if (counter != nullptr) counter->Pair(span.span, callee.of.span);
    } else {
      Append(others, number);
    }
    number = next;
  }
  found->second = others;
  if (others.first == kNone) callees_.erase(found);
}

void CallMatcher::Append(Callees& callees, uint64_t number) {
  At(number).next = kNone;
  (callees.first == kNone ? callees.first : At(callees.last).next) = number;
  callees.last = number;
}

void CallMatcher::AddCallee(uint64_t block, const Span& span, CallCounter* counter) {
  if (span.span.parent_span_id == 0) {
    if (counter != nullptr && !counter->FromUser(span.span)) counter->Unpaired();
    return;
  }
  const Key key{span.trace_hash, span.span.parent_span_id};
  if (const auto found = callers_.find(key); found != callers_.end()) {
    Waiting& caller = At(found->second);
    if (CallCounter::AreSides(caller.of.span, span.span)) {
      caller.is_paired = true;
      if (counter != nullptr) counter->Pair(caller.of.span, span.span);
      return;
    }
  }
  waiting_.emplace_back(Waiting{.of = span, .block = block});
  Append(callees_[key], first_number_ + waiting_.size() - 1);
}

void CallMatcher::Expire(uint64_t block, CallCounter& counter) {
  for (; !waiting_.empty() && waiting_.front().block <= block; waiting_.pop_front(), ++first_number_) {
    const Waiting& waiting = waiting_.front();
    const GraphSpan& span = waiting.of.span;
    if (CallCounter::IsCaller(span)) {
      if (!waiting.is_paired) counter.Alone(span);
      const auto found = callers_.find(Key{waiting.of.trace_hash, span.span_id});
      if (found != callers_.end() && found->second == first_number_) callers_.erase(found);
      continue;
    }
    if (waiting.is_paired) continue;
    counter.Unpaired();
    const auto found = callees_.find(Key{waiting.of.trace_hash, span.parent_span_id});
    SIGHTLINE_CHECK(found != callees_.end() && found->second.first == first_number_);
    found->second.first = waiting.next;
    if (waiting.next == kNone) callees_.erase(found);
  }
}

}  // namespace sightline::sample
