// The order and the branches of the tree of spans.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "cli/waterfall.h"

namespace sightline::cli {
namespace {

// Branches are drawn shortened from the left anyway; unbounded, a chain of n spans would take n² bytes.
constexpr size_t kBranchBytesMax = 600;

std::string Bounded(std::string branches) {
  if (branches.size() <= kBranchBytesMax) return branches;
  size_t cut = branches.size() - kBranchBytesMax;
  while (cut < branches.size() && (static_cast<unsigned char>(branches[cut]) & 0xC0) == 0x80) ++cut;
  return branches.substr(cut);
}

// A node is a span, or (from spans.size() on) a parent that is missing.
class Tree {
 public:
  explicit Tree(const query::Trace& trace) : spans_(trace.spans), children_(trace.spans.size()) {
    for (size_t i = 0; i < spans_.size(); ++i) by_id_.emplace(spans_[i].span_id, i);
    for (size_t i = 0; i < spans_.size(); ++i) Attach(i);
    BreakLoops();
    for (auto& children : children_) SortByStart(children);
    SortByStart(roots_);
    error_.resize(children_.size());
  }

  std::vector<TreeLine> Lines() {
    std::vector<TreeLine> lines;
    struct Item {
      size_t node;
      std::string branch, below;
    };
    std::vector<Item> stack;  // explicit: a trace may be a chain of thousands
    for (auto root = roots_.rbegin(); root != roots_.rend(); ++root) stack.push_back({*root, "", ""});
    while (!stack.empty()) {
      Item item = std::move(stack.back());
      stack.pop_back();
      TreeLine line;
      if (item.node < spans_.size()) {
        line.span = static_cast<int>(item.node);
        const size_t parent = parent_[item.node];
        line.service_changes = parent == kNone || spans_[parent].service != spans_[item.node].service;
      } else {
        line.missing_parent = missing_ids_[item.node - spans_.size()];
      }
      const auto& children = children_[item.node];
      line.prefix = item.branch;
      line.below = item.below + (children.empty() ? "  " : "│ ");
      order_.push_back(item.node);
      for (size_t i = children.size(); i-- > 0;) {
        const bool last = i + 1 == children.size();
        stack.push_back(
            {children[i], item.below + (last ? "└─ " : "├─ "), Bounded(item.below + (last ? "   " : "│  "))});
      }
      lines.push_back(std::move(line));
    }
    MarkErrors(lines);
    return lines;
  }

 private:
  int64_t Start(size_t node) const {
    if (node < spans_.size()) return spans_[node].start_unix_nanos;
    return children_[node].empty() ? 0 : spans_[children_[node].front()].start_unix_nanos;
  }

  void SortByStart(std::vector<size_t>& nodes) const {
    std::sort(nodes.begin(), nodes.end(),
              [&](size_t a, size_t b) { return std::pair(Start(a), a) < std::pair(Start(b), b); });
  }

  void Attach(size_t span) {
    const std::string& parent = spans_[span].parent_span_id;
    parent_.push_back(kNone);
    if (parent.empty()) {
      roots_.push_back(span);
      return;
    }
    if (auto found = by_id_.find(parent); found != by_id_.end() && found->second != span) {
      parent_[span] = found->second;
      children_[found->second].push_back(span);
      return;
    }
    auto [missing, is_new] = missing_.emplace(parent, spans_.size() + missing_ids_.size());
    if (is_new) {
      missing_ids_.push_back(parent);
      children_.emplace_back();
      roots_.push_back(missing->second);
    }
    children_[missing->second].push_back(span);
  }

  // Spans that no root reaches stand in loops: the earliest of each loop becomes a root.
  void BreakLoops() {
    std::vector<bool> reached(children_.size());
    auto reach = [&](size_t from) {
      std::vector<size_t> open = {from};
      while (!open.empty()) {
        const size_t node = open.back();
        open.pop_back();
        if (reached[node]) continue;
        reached[node] = true;
        open.insert(open.end(), children_[node].begin(), children_[node].end());
      }
    };
    for (size_t root : roots_) reach(root);
    for (size_t span = 0; span < spans_.size(); ++span) {
      if (reached[span]) continue;
      // Walk up until a span repeats: that one is in the loop.
      std::vector<bool> seen(spans_.size());
      size_t at = span;
      while (!seen[at]) {
        seen[at] = true;
        at = parent_[at];
      }
      size_t first = at;
      for (size_t i = parent_[at]; i != at; i = parent_[i]) {
        if (spans_[i].start_unix_nanos < spans_[first].start_unix_nanos) first = i;
      }
      std::erase(children_[parent_[first]], first);
      parent_[first] = kNone;
      roots_.push_back(first);
      reach(first);
    }
  }

  // Children come after their parents in the lines, so that one pass from the end sees them first.
  void MarkErrors(std::vector<TreeLine>& lines) {
    for (size_t i = lines.size(); i-- > 0;) {
      const size_t node = order_[i];
      for (size_t child : children_[node]) lines[i].error_below = lines[i].error_below || error_[child];
      error_[node] = lines[i].error_below || (node < spans_.size() && spans_[node].status == "Error");
    }
  }

  static constexpr size_t kNone = SIZE_MAX;
  const std::vector<query::Span>& spans_;
  std::unordered_map<std::string, size_t> by_id_;
  std::vector<std::vector<size_t>> children_;  // by node
  std::vector<size_t> parent_;                 // by span
  std::map<std::string, size_t> missing_;
  std::vector<std::string> missing_ids_;
  std::vector<size_t> roots_;
  std::vector<size_t> order_;  // node of each line
  std::vector<bool> error_;    // by node: it or a descendant failed
};

}  // namespace

std::vector<TreeLine> LayOutTree(const query::Trace& trace) {
  return Tree(trace).Lines();
}

}  // namespace sightline::cli
