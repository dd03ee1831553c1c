// libFuzzer: any bytes as the engine's canonical text and syntax tree of what somebody sent to /api/v1/sql.
#include <cstddef>
#include <cstdint>

#include "query/testing/fuzz_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)sightline::query::testing::FuzzSqlGate({reinterpret_cast<const char*>(data), size});
  return 0;
}
