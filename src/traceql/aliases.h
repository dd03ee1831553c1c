// Attributes that were renamed in OpenTelemetry's semantic conventions. A condition on either name finds both: what was
// recorded under the name that is asked for counts first.
#pragma once

#include <span>
#include <string_view>

namespace sightline::traceql {

struct Renaming {
  std::string_view old_name, new_name;
};

// All of them, in the order of docs/traceql.md.
std::span<const Renaming> Renamings();

// The other names of `key`: of an old one the new one, of a new one all old ones. Empty without. Static memory.
std::span<const std::string_view> AliasesOf(std::string_view key);

}  // namespace sightline::traceql
