// Asks for memory before it is used: records come back from the core that exported them, so that each first use of a
// cache line would wait for it.
#pragma once

#include <cstddef>

namespace otel::internal {

// A hint: the memory may be anywhere, also nowhere.
inline void Prefetch(const void* begin, size_t bytes) {
  constexpr size_t kCacheLineBytes = 64;
  const auto* const at = static_cast<const char*>(begin);
  for (size_t i = 0; i < bytes; i += kCacheLineBytes) __builtin_prefetch(at + i);
}

}  // namespace otel::internal
