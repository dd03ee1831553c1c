// Which processor a thread runs on, where the system tells without a call: what threads share can be split into parts
// that lie in the cache of one processor, whatever thread runs there.
#pragma once

#include <cstddef>
#include <cstdint>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

namespace otel::internal {

inline constexpr uint32_t kNoCpu = UINT32_MAX;

// Only a hint, as the thread may be on another one already: what the number names needs a lock. kNoCpu where it is not
// known: with a C library before glibc 2.35, or a kernel or a tool without restartable sequences.
inline uint32_t CurrentCpu() {
#ifdef RSEQ_SIG
  const auto* const area =
      reinterpret_cast<const struct rseq*>(static_cast<const std::byte*>(__builtin_thread_pointer()) + __rseq_offset);
  // The kernel writes it. Numbers for "not known" are negative; where nothing is registered the C library sets one.
  const uint32_t cpu = __atomic_load_n(&area->cpu_id, __ATOMIC_RELAXED);
  return static_cast<int32_t>(cpu) >= 0 ? cpu : kNoCpu;
#else
  return kNoCpu;
#endif
}

}  // namespace otel::internal
