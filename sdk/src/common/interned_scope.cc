#include "common/interned_scope.h"

#include <atomic>
#include <utility>

namespace otel::internal {
namespace {

struct Node {
  const InstrumentationScope scope;
  const Node* next;
};

constinit std::atomic<const Node*> newest{nullptr};

}  // namespace

const InstrumentationScope* InternScope(InstrumentationScope scope) {
  const Node* first = newest.load(std::memory_order_acquire);
  const Node* looked_through = nullptr;  // from here on
  Node* made = nullptr;
  while (true) {
    const InstrumentationScope& wanted = made != nullptr ? made->scope : scope;
    for (const Node* node = first; node != looked_through; node = node->next) {
      if (!(node->scope == wanted)) continue;
      delete made;
      return &node->scope;
    }
    if (made == nullptr) made = new Node{std::move(scope), nullptr};
    looked_through = made->next = first;
    if (newest.compare_exchange_weak(first, made, std::memory_order_release, std::memory_order_acquire)) {
      return &made->scope;
    }
  }
}

}  // namespace otel::internal
