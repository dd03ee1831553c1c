// Memory that is given out piece by piece and freed as a whole: what a record holds lies in one or two blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "otel/any_value.h"

namespace otel::internal {

// Thread: of its owner.
class Arena {
 public:
  Arena() = default;
  // Its first block is given: it lies with the record that has the arena, so that both come from memory together.
  explicit Arena(std::span<std::byte> first_block)
      : first_block_(first_block), next_(first_block.data()), end_(next_ + first_block.size()) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  void Swap(Arena& other) noexcept;  // all but the first block, from which nothing is taken until the next Reset

  void* Allocate(size_t bytes, size_t alignment) {
    const size_t padding = -reinterpret_cast<uintptr_t>(next_) & (alignment - 1);
    if (static_cast<size_t>(end_ - next_) < bytes + padding) [[unlikely]]
      return AllocateBlock(bytes);
    std::byte* const begin = next_ + padding;
    next_ = begin + bytes;
    return begin;
  }

  // Copies, with all that they point to but constant text. Texts are cut to so many characters and byte arrays to so
  // many bytes, wherever they lie in the value: https://opentelemetry.io/docs/specs/otel/common/#attribute-limits
  std::string_view Copy(std::string_view text, size_t characters_max = kNoLimit);
  AnyValue Copy(const AnyValue& value, size_t characters_max = kNoLimit);
  std::span<Attribute> Copy(std::span<const Attribute> attributes, size_t characters_max = kNoLimit);
  template <typename T>
  std::span<T> CopyItems(std::span<const T> items) {
    T* to = static_cast<T*>(Allocate(items.size_bytes(), alignof(T)));
    std::uninitialized_copy(items.begin(), items.end(), to);
    return {to, items.size()};
  }

  // Forgets what was given out and keeps a few blocks for what comes.
  void Reset();
  size_t bytes() const { return bytes_; }  // held, without the first block

  static constexpr size_t kNoLimit = SIZE_MAX;

 private:
  static constexpr size_t kBlockBytes = 1024;
  static constexpr size_t kKeptBlocks = 3;  // enough for a span with 30 attributes

  void* AllocateBlock(size_t bytes);

  std::vector<std::unique_ptr<std::byte[]>> blocks_;        // of the usual size, the first used_ in use
  std::vector<std::unique_ptr<std::byte[]>> large_blocks_;  // of what is larger, each its own
  size_t used_ = 0;
  const std::span<std::byte> first_block_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace otel::internal
