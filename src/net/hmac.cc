#include "net/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/error.h"
#include "base/hex.h"

namespace sightline::net {

std::string HmacSha256Hex(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  SIGHTLINE_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
                       &size) != nullptr);
  return HexEncode({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace sightline::net
