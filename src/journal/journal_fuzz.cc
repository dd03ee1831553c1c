// testing/fuzz_body.h says what an input is and what must hold.
#include <cstddef>
#include <cstdint>

#include "journal/testing/fuzz_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sightline::journal::testing::FuzzJournal({reinterpret_cast<const char*>(data), size});
  return 0;
}
