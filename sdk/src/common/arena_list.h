// A list that grows within an arena.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "common/arena.h"

namespace otel::internal {

// Cleared before its arena is reset.
template <typename T>
class ArenaList {
 public:
  ArenaList() = default;
  ArenaList(const ArenaList&) = delete;
  ArenaList& operator=(const ArenaList&) = delete;

  void Swap(ArenaList& other) noexcept {
    std::swap(items_, other.items_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  // The item that `make` returns is made in its place: it is not copied.
  template <typename Make>
  T& Append(Arena& arena, Make make) {
    if (size_ == capacity_) Grow(arena, 2 * capacity_);
    T* const item = new (static_cast<void*>(items_ + size_)) T(make());
    ++size_;
    return *item;
  }
  // Room for so many more: one that grows step by step leaves as much behind as it holds.
  void Reserve(Arena& arena, size_t more) {
    if (capacity_ - size_ < more) Grow(arena, RoundedUp(size_ + static_cast<uint32_t>(more)));
  }
  void Clear() {
    std::destroy_n(items_, size_);
    items_ = nullptr;
    size_ = capacity_ = 0;
  }

  std::span<T> items() { return {items_, size_}; }
  std::span<const T> items() const { return {items_, size_}; }
  size_t size() const { return size_; }

 private:
  static constexpr uint32_t kFirstCapacity = 8;
  // Some more mostly come one by one.
  static constexpr uint32_t RoundedUp(uint32_t size) {
    return (size + kFirstCapacity) / kFirstCapacity * kFirstCapacity;
  }

  // What it leaves behind in the arena is less than what it holds.
  void Grow(Arena& arena, uint32_t wanted) {
    const uint32_t capacity = std::max(kFirstCapacity, wanted);
    T* const grown = static_cast<T*>(arena.Allocate(capacity * sizeof(T), alignof(T)));
    std::uninitialized_move_n(items_, size_, grown);
    std::destroy_n(items_, size_);
    items_ = grown;
    capacity_ = capacity;
  }

  T* items_ = nullptr;
  uint32_t size_ = 0, capacity_ = 0;
};

}  // namespace otel::internal
