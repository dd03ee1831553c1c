// Durations and sizes as people write them in configuration and flags: "1h30m", "30d", "64MiB". Printing and parsing
// are inverse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sightline {

// A duration without end, in nanoseconds.
inline constexpr int64_t kForeverNanos = INT64_MAX;

// One or more numbers with a unit each, largest unit first, added up: "500ms", "1.5s", "1h30m", "30d", "2w"; "0"; or
// "forever". Units: w d h m s ms us (µs) ns. kInvalidArgument says what is wrong with it.
Result<int64_t> ParseDuration(std::string_view text);
std::string PrintDuration(int64_t nanos);  // "1h30m"

// A whole number of bytes, or a number with a unit: kB MB GB TB (powers of 1000), KiB MiB GiB TiB (of 1024), B; letters
// in any case, one space allowed before the unit. A lone K, M, G is refused: people mean both.
Result<uint64_t> ParseBytes(std::string_view text);
std::string PrintBytes(uint64_t bytes);  // exact: "64MiB", "25MB", "1234"

}  // namespace sightline
