#include "otlp/critical_path.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <numeric>

namespace sightline::otlp {
namespace {

constexpr uint32_t kTrace = UINT32_MAX;  // the parent of roots

// The spans by start, then the stand-ins for parents that are missing. Thread: of its owner.
class Tree {
 public:
  explicit Tree(std::span<const PathSpan> spans) {
    order_.resize(spans.size());
    std::iota(order_.begin(), order_.end(), 0);
    // Of spans that start together the longer goes first: it is likelier to be the outer one.
    std::ranges::sort(order_, [&](uint32_t a, uint32_t b) {
      const PathSpan &x = spans[a], &y = spans[b];
      if (x.start_unix_nanos != y.start_unix_nanos) return x.start_unix_nanos < y.start_unix_nanos;
      return x.duration_nanos != y.duration_nanos ? x.duration_nanos > y.duration_nanos : a < b;
    });
    nodes_.reserve(spans.size());
    const int64_t first = spans.empty() ? 0 : spans[order_[0]].start_unix_nanos;
    for (const uint32_t place : order_) {
      const PathSpan& span = spans[place];
      const uint64_t start = static_cast<uint64_t>(span.start_unix_nanos) - static_cast<uint64_t>(first);
      nodes_.push_back({.start = start,
                        .end = start + span.duration_nanos,
                        .service = span.service,
                        .is_consumer = span.is_consumer});
    }
    LinkParents(spans);
    CutRings();
    ListChildren();
  }

  struct Node {
    uint64_t start = 0, end = 0;  // nanoseconds from the start of the trace
    uint64_t service = 0;
    uint32_t parent = kTrace;
    bool is_consumer = false, is_stand_in = false;
  };
  const Node& node(uint32_t number) const { return nodes_[number]; }
  // Children by their end, the last one first. Of kTrace: the roots.
  std::span<const uint32_t> ChildrenByEnd(uint32_t parent) const {
    const uint32_t place = parent + 1;  // of kTrace 0
    return std::span(children_).subspan(first_[place], first_[place + 1] - first_[place]);
  }
  uint64_t end() const { return end_; }                          // of the last root
  const std::vector<uint32_t>& order() const { return order_; }  // node -> place in the spans given; not of stand-ins

 private:
  void LinkParents(std::span<const PathSpan> spans) {
    boost::unordered_flat_map<uint64_t, uint32_t> by_id, stand_ins;
    by_id.reserve(spans.size());
    for (uint32_t i = 0; i < order_.size(); ++i) by_id.try_emplace(spans[order_[i]].span_id, i);
    for (uint32_t i = 0; i < order_.size(); ++i) {
      const uint64_t parent_id = spans[order_[i]].parent_span_id;
      if (parent_id == 0) continue;
      if (const auto parent = by_id.find(parent_id); parent != by_id.end()) {
        nodes_[i].parent = parent->second;
        continue;
      }
      const auto [stand_in, is_new] = stand_ins.try_emplace(parent_id, static_cast<uint32_t>(nodes_.size()));
      if (is_new) nodes_.push_back({.start = nodes_[i].start, .is_stand_in = true});
      nodes_[i].parent = stand_in->second;
      Node& above = nodes_[stand_in->second];  // covers its children, which come by start
      above.end = std::max(above.end, nodes_[i].end);
    }
  }

  // A walk from parent to parent that meets itself is in a ring.
  void CutRings() {
    std::vector<uint32_t> walk(nodes_.size());  // number of the walk that saw it
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      uint32_t at = i;
      for (; at != kTrace && walk[at] == 0; at = nodes_[at].parent) walk[at] = i + 1;
      if (at == kTrace || walk[at] != i + 1) continue;
      uint32_t earliest = at;
      for (uint32_t ring = nodes_[at].parent; ring != at; ring = nodes_[ring].parent)
        earliest = std::min(earliest, ring);
      nodes_[earliest].parent = kTrace;
    }
  }

  void ListChildren() {
    first_.assign(nodes_.size() + 2, 0);  // of place p, which is kTrace or a node, at p + 1 until they are summed up
    for (const Node& node : nodes_) ++first_[node.parent + 2];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    children_.resize(nodes_.size());
    std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
    for (uint32_t i = 0; i < nodes_.size(); ++i) children_[next[nodes_[i].parent + 1]++] = i;
    for (size_t place = 0; place + 1 < first_.size(); ++place) {
      std::sort(children_.begin() + first_[place], children_.begin() + first_[place + 1], [&](uint32_t a, uint32_t b) {
        const Node &x = nodes_[a], &y = nodes_[b];
        if (x.end != y.end) return x.end > y.end;
        return x.start != y.start ? x.start > y.start : a < b;
      });
    }
    for (const uint32_t root : ChildrenByEnd(kTrace)) end_ = std::max(end_, nodes_[root].end);
  }

  std::vector<uint32_t> order_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> first_, children_;
  uint64_t end_ = 0;
};

// A span that is being explained, or the trace as a whole. What lies after `at` is explained already.
struct Frame {
  uint32_t node = kTrace;
  uint64_t from = 0, at = 0;
  std::span<const uint32_t> left;  // children that are not looked at yet
};

bool WasAwaited(const Tree::Node& parent, const Tree::Node& child) {
  return parent.is_stand_in || (parent.service != child.service && !child.is_consumer);
}

// The child that ended last of those that ended by frame.at; kTrace: there is none.
uint32_t NextChild(const Tree& tree, Frame& frame) {
  while (!frame.left.empty() && frame.at > frame.from) {
    const uint32_t number = frame.left.front();
    frame.left = frame.left.subspan(1);
    const Tree::Node& child = tree.node(number);
    if (child.start >= frame.at) continue;
    uint64_t end = child.end;
    if (frame.node != kTrace && end > tree.node(frame.node).end) {
      if (!WasAwaited(tree.node(frame.node), child)) continue;
      end = tree.node(frame.node).end;
    }
    if (end > frame.at || end <= frame.from) continue;
    if (end <= child.start) continue;  // takes no time, or lies outside of its parent
    return number;
  }
  return kTrace;
}

}  // namespace

std::vector<uint64_t> CriticalPathSelfTimes(std::span<const PathSpan> spans) {
  std::vector<uint64_t> self(spans.size());
  const Tree tree(spans);
  const auto explain = [&](uint32_t node, uint64_t from, uint64_t to) {
    if (node < tree.order().size() && to > from) self[tree.order()[node]] += to - from;
  };
  std::vector<Frame> stack = {{.at = tree.end(), .left = tree.ChildrenByEnd(kTrace)}};
  while (!stack.empty()) {
    Frame& frame = stack.back();
    const uint32_t number = NextChild(tree, frame);
    if (number == kTrace) {
      explain(frame.node, frame.from, frame.at);
      stack.pop_back();
      continue;
    }
    const Tree::Node& child = tree.node(number);
    uint64_t end = child.end;
    if (frame.node != kTrace) end = std::min({end, tree.node(frame.node).end, frame.at});
    const uint64_t begin = std::max(child.start, frame.from);
    explain(frame.node, end, frame.at);
    frame.at = begin;
    stack.push_back({.node = number, .from = begin, .at = end, .left = tree.ChildrenByEnd(number)});
  }
  return self;
}

}  // namespace sightline::otlp
