// testing/fuzz_body.h says what an input is and what must hold.
#include <cstddef>
#include <cstdint>

#include "net/testing/fuzz_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sightline::net::testing::FuzzCompression({reinterpret_cast<const char*>(data), size});
  return 0;
}
