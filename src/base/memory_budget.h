// The one memory limit that receivers, writers and queries share (promise 4: bounded). Bytes are reserved before they
// are allocated; when they cannot be, the caller pushes back.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace sightline {

// Thread: any.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Owns reserved bytes; gives them back when it dies. Movable. Must not outlive the budget.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&& other) noexcept {
      if (this != &other) {
        Release();
        budget_ = std::exchange(other.budget_, nullptr);
        bytes_ = std::exchange(other.bytes_, 0);
      }
      return *this;
    }
    ~Reservation() { Release(); }
    explicit operator bool() const { return budget_ != nullptr; }
    uint64_t bytes() const { return bytes_; }
    // Gives back what is over `bytes`.
    void Shrink(uint64_t bytes) {
      if (bytes >= bytes_) return;
      budget_->used_.fetch_sub(bytes_ - bytes, std::memory_order_relaxed);
      bytes_ = bytes;
    }
    // A part of it, of at most `bytes`, as a reservation of its own.
    Reservation Split(uint64_t bytes) {
      if (budget_ == nullptr) return {};
      bytes = bytes < bytes_ ? bytes : bytes_;
      bytes_ -= bytes;
      return Reservation(budget_, bytes);
    }
    void Release() {
      if (budget_ != nullptr) budget_->used_.fetch_sub(bytes_, std::memory_order_relaxed);
      budget_ = nullptr;
      bytes_ = 0;
    }

   private:
    friend class MemoryBudget;
    Reservation(MemoryBudget* budget, uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    MemoryBudget* budget_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // Empty (false) when `bytes` more would pass the limit.
  Reservation TryReserve(uint64_t bytes) {
    uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > bytes_max_ || used > bytes_max_ - bytes) return {};
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return Reservation(this, bytes);
  }

  // Makes `reservation` (of this budget, or empty) larger by `bytes`; false, and nothing changed, beyond the limit.
  bool TryGrow(Reservation& reservation, uint64_t bytes) {
    Reservation more = TryReserve(bytes);
    if (!more) return false;
    more.bytes_ += std::exchange(reservation.bytes_, 0);
    reservation.budget_ = nullptr;
    reservation = std::move(more);
    return true;
  }

  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  uint64_t bytes_max() const { return bytes_max_; }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> used_ = 0;
};

}  // namespace sightline
