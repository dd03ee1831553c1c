// Texts and names of others as parts of ClickHouse's SQL, for every folder that writes some.
#pragma once

#include <string>
#include <string_view>

namespace sightline::otlp {

// 'a\'b\\c': a string literal.
std::string QuoteString(std::string_view text);
// `a\`b`: a name.
std::string QuoteName(std::string_view name);

}  // namespace sightline::otlp
