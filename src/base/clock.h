// Time is injected, so that tests move it by hand.
#pragma once

#include <atomic>
#include <cstdint>

namespace sightline {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t UnixNanos() const = 0;       // wall clock; may jump
  virtual int64_t MonotonicNanos() const = 0;  // for ages and timeouts
  static const Clock& System();
};

// Thread: any.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(int64_t unix_nanos) : unix_nanos_(unix_nanos) {}
  int64_t UnixNanos() const override { return unix_nanos_; }
  int64_t MonotonicNanos() const override { return unix_nanos_; }
  void Advance(int64_t nanos) { unix_nanos_ += nanos; }

 private:
  std::atomic<int64_t> unix_nanos_;
};

}  // namespace sightline
