// libFuzzer: any bytes as an OTLP logs request in protobuf.
#include "otlp/testing/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sightline::otlp::testing::FuzzProtobuf(sightline::otlp::Signal::kLogs, {reinterpret_cast<const char*>(data), size});
  return 0;
}
