// What the fuzzer does with an input, and the tests with each stored one.
// Any bytes under any encoding: no crash, and never more than the limit. The first byte chooses the encoding.
#pragma once

#include <string>
#include <string_view>

#include "net/compression.h"

namespace sightline::net::testing {

inline void FuzzCompression(std::string_view bytes) {
  constexpr const char* kEncodings[] = {"gzip", "deflate", "zstd", "identity"};
  constexpr uint64_t kLimit = 1 << 20;
  if (bytes.empty()) return;
  const char* encoding = kEncodings[static_cast<uint8_t>(bytes.front()) % 4];
  const std::string input(bytes.substr(1));
  const auto result = Decompress(encoding, input, kLimit);
  if (!result) {
    SIGHTLINE_CHECK(result.error().code == Code::kInvalidArgument || result.error().code == Code::kResourceExhausted);
    return;
  }
  SIGHTLINE_CHECK(result->size() <= kLimit);
  // What fits must be the same under a limit that just holds it, and must not fit under a smaller one.
  if (result->empty()) return;
  const auto exact = Decompress(encoding, input, result->size());
  SIGHTLINE_CHECK(exact && *exact == *result);
  SIGHTLINE_CHECK(!Decompress(encoding, input, result->size() - 1));
}

}  // namespace sightline::net::testing
