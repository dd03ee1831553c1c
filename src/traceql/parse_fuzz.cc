// libFuzzer: any bytes as a query on traces and as a condition on logs.
#include "traceql/testing/fuzz_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sightline::traceql::testing::FuzzParse({reinterpret_cast<const char*>(data), size});
  return 0;
}
