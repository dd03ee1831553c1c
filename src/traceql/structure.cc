#include "traceql/structure.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

namespace sightline::traceql {
namespace {

constexpr uint32_t kUnnumbered = UINT32_MAX;

SpanList Union(const SpanList& left, const SpanList& right) {
  SpanList both;
  std::ranges::set_union(left, right, std::back_inserter(both));
  return both;
}

}  // namespace

TraceTree::TraceTree(const TraceView& trace)
    : parents_(trace.size()), child_counts_(trace.size()), lefts_(trace.size()), rights_(trace.size()) {
  const size_t size = trace.size();
  std::vector<std::vector<uint32_t>> children(size);
  for (size_t i = 0; i < size; ++i) {
    parents_[i] = trace.parent(i);
    if (parents_[i] < 0) continue;
    children[static_cast<size_t>(parents_[i])].push_back(static_cast<uint32_t>(i));
  }
  order_.reserve(size);
  for (size_t i = 0; i < size; ++i)
    if (parents_[i] < 0) Visit(i, children);
  for (size_t i = 0; i < size; ++i) {
    if (lefts_[i] != 0) continue;
    parents_[i] = TraceView::kMissingParent;  // of a circle
    Visit(i, children);
  }
  for (const int64_t parent : parents_)
    if (parent >= 0) ++child_counts_[static_cast<size_t>(parent)];
  NumberFamilies(trace);
}

void TraceTree::Visit(size_t root, const std::vector<std::vector<uint32_t>>& children) {
  struct Step {
    size_t span, next_child;
  };
  int64_t number = order_.empty() ? 1 : static_cast<int64_t>(order_.size()) * 2 + 1;
  std::vector<Step> path = {{root, 0}};
  lefts_[root] = number++;
  order_.push_back(static_cast<uint32_t>(root));
  while (!path.empty()) {
    Step& step = path.back();
    if (step.next_child == children[step.span].size()) {
      rights_[step.span] = number++;
      path.pop_back();
      continue;
    }
    const uint32_t child = children[step.span][step.next_child++];
    if (lefts_[child] != 0) continue;  // the circle closes here
    lefts_[child] = number++;
    order_.push_back(child);
    path.push_back({child, 0});
  }
}

void TraceTree::NumberFamilies(const TraceView& trace) {
  uint32_t next = 0;
  uint32_t roots = kUnnumbered;
  std::map<std::string, uint32_t, std::less<>> of_missing;
  std::vector<uint32_t> of_parent(trace.size(), kUnnumbered);
  families_.resize(trace.size());
  for (size_t i = 0; i < trace.size(); ++i) {
    uint32_t* family = &roots;
    if (parents_[i] >= 0) {
      family = &of_parent[static_cast<size_t>(parents_[i])];
    } else if (parents_[i] == TraceView::kMissingParent) {
      const std::string id(trace.span(i).Intrinsic(Intrinsic::kParentId).text);
      family = &of_missing.try_emplace(id, kUnnumbered).first->second;
    }
    if (*family == kUnnumbered) *family = next++;
    families_[i] = *family;
  }
}

int64_t TraceTree::nested_set_parent(size_t span) const {
  if (parents_[span] >= 0) return lefts_[static_cast<size_t>(parents_[span])];
  return parents_[span] == TraceView::kRoot ? -1 : 0;
}

std::vector<bool> TraceTree::Mark(Relation relation, const SpanList& of) const {
  const size_t size = parents_.size();
  std::vector<bool> given(size), marked(size);
  for (const uint32_t span : of) given[span] = true;
  switch (relation) {
    case Relation::kChild:
      for (size_t i = 0; i < size; ++i) marked[i] = parents_[i] >= 0 && given[static_cast<size_t>(parents_[i])];
      break;
    case Relation::kParent:
      for (const uint32_t span : of)
        if (parents_[span] >= 0) marked[static_cast<size_t>(parents_[span])] = true;
      break;
    case Relation::kDescendant:
      for (const uint32_t span : order_) {
        const int64_t parent = parents_[span];
        marked[span] = parent >= 0 && (given[static_cast<size_t>(parent)] || marked[static_cast<size_t>(parent)]);
      }
      break;
    case Relation::kAncestor:
      for (auto span = order_.rbegin(); span != order_.rend(); ++span)
        if (parents_[*span] >= 0 && (given[*span] || marked[*span]))
          marked[static_cast<size_t>(parents_[*span])] = true;
      break;
    case Relation::kSibling: {
      std::vector<uint32_t> counts(size);
      for (const uint32_t span : of) ++counts[families_[span]];
      for (size_t i = 0; i < size; ++i) marked[i] = counts[families_[i]] > (given[i] ? 1u : 0u);
      break;
    }
  }
  return marked;
}

SpanList TraceTree::Pick(Relation relation, const SpanList& of, const SpanList& from, bool wanted) const {
  const std::vector<bool> marked = Mark(relation, of);
  SpanList picked;
  for (const uint32_t span : from)
    if (marked[span] == wanted) picked.push_back(span);
  return picked;
}

SpanList TraceTree::Relate(Operator op, const SpanList& left, const SpanList& right) const {
  struct Row {
    Operator plain, negated, with;
    Relation relation, reverse;
  };
  static constexpr Row kRows[] = {
      {Operator::kGreater, Operator::kNotChild, Operator::kWithChild, Relation::kChild, Relation::kParent},
      {Operator::kLess, Operator::kNotParent, Operator::kWithParent, Relation::kParent, Relation::kChild},
      {Operator::kDescendant, Operator::kNotDescendant, Operator::kWithDescendant, Relation::kDescendant,
       Relation::kAncestor},
      {Operator::kAncestor, Operator::kNotAncestor, Operator::kWithAncestor, Relation::kAncestor,
       Relation::kDescendant},
      {Operator::kSibling, Operator::kNotMatch, Operator::kWithSibling, Relation::kSibling, Relation::kSibling},
  };
  for (const Row& row : kRows) {
    if (op == row.plain) return Pick(row.relation, left, right, true);
    if (op == row.negated) return Pick(row.relation, left, right, false);
    if (op == row.with) return Union(Pick(row.relation, left, right, true), Pick(row.reverse, right, left, true));
  }
  return {};
}

}  // namespace sightline::traceql
