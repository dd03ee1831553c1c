// JSON string literals from any bytes, for the few places that write JSON or YAML by hand (logs, the shown
// configuration). Bytes that are not UTF-8 become U+FFFD, so that the result is always valid.
#pragma once

#include <string>
#include <string_view>

namespace sightline {

// Appends `text` in double quotes.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace sightline
