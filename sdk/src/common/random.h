// Random numbers for identifiers and jitter: fast, and a generator for each thread. Not for secrets.
#pragma once

#include <cstdint>

namespace otel::internal {

// Of this thread. Seeded by the system, anew in the child of a fork.
uint64_t RandomNumber();

}  // namespace otel::internal
