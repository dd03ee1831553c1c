// Signatures by which a receiver knows who sent a message.
#pragma once

#include <string>
#include <string_view>

namespace sightline::net {

// HMAC-SHA256 (RFC 2104), as 64 lower-case hexadecimal digits.
std::string HmacSha256Hex(std::string_view key, std::string_view message);

}  // namespace sightline::net
