// Most keys, and many names and values, are literals: text in the program's read-only memory is there as long as the
// program, so a record need not copy it.
#pragma once

#include <cstdint>

namespace otel::internal {

// What the program itself (not its shared libraries, which may be unloaded) has mapped without the right to write.
struct ReadOnlyMemory {
  uintptr_t begin = 0;
  uintptr_t bytes = 0;  // 0 until it is known, and where the system does not tell
};
extern constinit ReadOnlyMemory program_memory;

inline bool IsConstant(const void* data) {
  return reinterpret_cast<uintptr_t>(data) - program_memory.begin < program_memory.bytes;
}

}  // namespace otel::internal
