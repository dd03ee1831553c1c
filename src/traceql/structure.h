// The tree of a trace's spans, and the operators between spansets that ask for it.
//
// Traces come broken: a span whose parent is missing begins a tree of its own, so that what is below it is still
// related; spans that name the same missing parent are siblings, as are roots. Where spans are each other's ancestors,
// the first of them is taken for one whose parent is missing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "traceql/operators.h"
#include "traceql/span_view.h"

namespace sightline::traceql {

// Indices of spans, ascending.
using SpanList = std::vector<uint32_t>;

// Thread: of its owner.
class TraceTree {
 public:
  explicit TraceTree(const TraceView& trace);

  int64_t parent(size_t span) const { return parents_[span]; }  // as TraceView's, without circles
  int64_t child_count(size_t span) const { return child_counts_[span]; }
  // Numbers of visits, from 1, on the way down and up again: those of descendants lie between those of a span.
  int64_t nested_set_left(size_t span) const { return lefts_[span]; }
  int64_t nested_set_right(size_t span) const { return rights_[span]; }
  // The parent's left; -1 of a root, 0 where the parent is missing.
  int64_t nested_set_parent(size_t span) const;

  // The spans of `right` (of both, for the &-operators) that stand to a span of `left` as `op` says; for the
  // !-operators those of `right` that stand so to none.
  SpanList Relate(Operator op, const SpanList& left, const SpanList& right) const;

 private:
  enum class Relation : uint8_t { kChild, kParent, kDescendant, kAncestor, kSibling };
  void Visit(size_t root, const std::vector<std::vector<uint32_t>>& children);
  void NumberFamilies(const TraceView& trace);
  // For each span whether it is the child, ... of one of `of`.
  std::vector<bool> Mark(Relation relation, const SpanList& of) const;
  SpanList Pick(Relation relation, const SpanList& of, const SpanList& from, bool wanted) const;

  std::vector<int64_t> parents_, child_counts_, lefts_, rights_;
  std::vector<uint32_t> order_;     // parents before children
  std::vector<uint32_t> families_;  // siblings have the same number
};

}  // namespace sightline::traceql
