// Receivers refuse a whole request for one text that is not UTF-8, so none is sent.
#pragma once

#include <string>
#include <string_view>

namespace otel::internal {

bool IsUtf8(std::string_view text);

// With U+FFFD in place of each byte that belongs to no character.
std::string RepairUtf8(std::string_view text);

}  // namespace otel::internal
