// libFuzzer: any bytes as a tail_sampling configuration, with the conditions in it.
#include "sample/testing/fuzz_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)sightline::sample::testing::FuzzPolicies({reinterpret_cast<const char*>(data), size});
  return 0;
}
