// libFuzzer: any bytes as the target of a request: its escapes, parameters and page cursor.
#include "serve/testing/fuzz_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)sightline::serve::testing::FuzzRequest({reinterpret_cast<const char*>(data), size});
  return 0;
}
