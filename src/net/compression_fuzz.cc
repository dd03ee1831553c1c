// Any bytes under any encoding: no crash, and never more than the limit. The first byte chooses the encoding.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sightline::Code;
  constexpr const char* kEncodings[] = {"gzip", "deflate", "zstd", "identity"};
  constexpr uint64_t kLimit = 1 << 20;
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto result = sightline::net::Decompress(kEncodings[data[0] % 4], input, kLimit);
  if (result && result->size() > kLimit) std::abort();
  if (!result && result.error().code != Code::kInvalidArgument && result.error().code != Code::kResourceExhausted) {
    std::abort();
  }
  // What fits must be the same under a limit that just holds it, and must not fit under a smaller one.
  if (result && !result->empty()) {
    const auto exact = sightline::net::Decompress(kEncodings[data[0] % 4], input, result->size());
    if (!exact || *exact != *result) std::abort();
    if (sightline::net::Decompress(kEncodings[data[0] % 4], input, result->size() - 1)) std::abort();
  }
  return 0;
}
