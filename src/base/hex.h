// Ids as people and URLs write them: lower-case hex, both ways, without allocation where the caller has room.
#pragma once

#include <string>
#include <string_view>

namespace sightline {

// Writes 2 * bytes.size() lower-case digits to `out`.
void HexEncode(std::string_view bytes, char* out);
std::string HexEncode(std::string_view bytes);

// Writes hex.size() / 2 bytes to `out`; upper and lower case. False on an odd length or another character, and then
// what stands in `out` means nothing.
bool HexDecode(std::string_view hex, char* out);

}  // namespace sightline
