// libFuzzer: any bytes as an OTLP/JSON request.
#include "otlp/testing/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sightline::otlp::testing::FuzzJson({reinterpret_cast<const char*>(data), size});
  return 0;
}
