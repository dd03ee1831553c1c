#include "common/constant_text.h"

#include <link.h>

namespace otel::internal {

constinit ReadOnlyMemory program_memory;

namespace {

// The read-only segments that lie before the first writable one: nothing else is mapped between them.
int NoteProgram(dl_phdr_info* program, size_t, void*) {
  uintptr_t begin = 0, end = 0;
  for (int i = 0; i < program->dlpi_phnum; ++i) {
    const auto& segment = program->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    if ((segment.p_flags & PF_W) != 0) break;
    const uintptr_t at = program->dlpi_addr + segment.p_vaddr;
    if (end == 0) begin = at;
    end = at + segment.p_memsz;
  }
  program_memory = {.begin = begin, .bytes = end - begin};
  return 1;  // the program comes first, its libraries need not be seen
}

// Runs before threads can use it; what is recorded by constructors of static objects that run earlier is copied.
[[maybe_unused]] const int noted = dl_iterate_phdr(NoteProgram, nullptr);

}  // namespace
}  // namespace otel::internal
