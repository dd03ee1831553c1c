// Memory for very many small objects that come and go.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sightline::sample {

// Objects with small numbers, in chunks that do not move. Freed ones are used again; memory goes back with the pool. An
// object's memory is first touched when it is taken: huge pages were tried, and clearing them cost more than they
// saved. Thread: of its owner.
template <typename T>
class Pool {
 public:
  Pool() = default;
  Pool(Pool&& other) noexcept
      : chunks_(std::move(other.chunks_)), free_(std::move(other.free_)), used_(std::exchange(other.used_, 0)) {}
  Pool& operator=(Pool&&) = delete;
  ~Pool() {
    for (uint32_t number = 0; number < used_; ++number) std::destroy_at(&(*this)[number]);
  }

  // An object as it was freed, or a new one.
  uint32_t Take() {
    if (!free_.empty()) {
      const uint32_t number = free_.back();
      free_.pop_back();
      return number;
    }
    if (used_ == chunks_.size() * kChunk) chunks_.emplace_back(std::allocator<T>().allocate(kChunk));
    std::construct_at(&(*this)[used_]);
    return used_++;
  }
  void Free(uint32_t number) { free_.push_back(number); }
  T& operator[](uint32_t number) { return chunks_[number / kChunk].get()[number % kChunk]; }
  uint64_t in_use() const { return used_ - free_.size(); }
  uint64_t bytes() const { return in_use() * sizeof(T); }

 private:
  static constexpr uint32_t kChunk = 4096;
  struct FreeMemory {
    void operator()(T* memory) const { std::allocator<T>().deallocate(memory, kChunk); }
  };

  std::vector<std::unique_ptr<T, FreeMemory>> chunks_;
  std::vector<uint32_t> free_;
  uint32_t used_ = 0;
};

}  // namespace sightline::sample
