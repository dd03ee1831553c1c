// The shape of an error's message: what stays the same each time one fault happens, so that it is one group.
#pragma once

#include <string>
#include <string_view>

namespace sightline::query {

inline constexpr size_t kMessageShapeBytesMax = 300;  // longer ones end in "…"

// What varies is replaced by "#":
// - numbers, also with points, commas and colons within (10.0.0.7:5432 is one), and before a unit (30ms -> #ms);
// - UUIDs, 0x… and runs of at least 8 hex digits that have a decimal digit among them;
// - the digits at the end of a word from three on (worker123 -> worker#), and long words full of digits.
// What stands in quotes becomes '…', "…" or `…`; white space becomes one space.
// A number of up to five digits that says what went wrong stays: behind "HTTP", "gRPC", "status", "code", "errno" or
// "error", whatever their case and signs between. docs/silent_failures.md tells it to users.
std::string MessageShape(std::string_view message);

}  // namespace sightline::query
