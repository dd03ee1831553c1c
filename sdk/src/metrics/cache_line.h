// Keeps apart in memory what different threads write: a cache line that two of them write costs each a hundred times as
// much.
#pragma once

#include <cstddef>
#include <new>

namespace otel::internal {

inline constexpr size_t kCacheLineBytes = 64;

// Whole cache lines for a container that one thread changes.
template <typename T>
struct LineAllocator {
  using value_type = T;

  LineAllocator() = default;
  template <typename U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT(google-explicit-constructor): what allocators must offer

  T* allocate(size_t count) {
    const size_t bytes = (count * sizeof(T) + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
    return static_cast<T*>(::operator new(bytes, std::align_val_t{kCacheLineBytes}));
  }
  void deallocate(T* items, size_t) { ::operator delete(items, std::align_val_t{kCacheLineBytes}); }

  friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }
};

}  // namespace otel::internal
