#include "otlp/wire.h"

namespace sightline::otlp {

std::string_view WireFaultText(WireFault fault) {
  switch (fault) {
    case WireFault::kNone:
      return "is well-formed";
    case WireFault::kTruncated:
      return "ends inside a field";
    case WireFault::kVarintTooLong:
      return "has a varint of more than 64 bits";
    case WireFault::kLengthPastEnd:
      return "has a length past the end";
    case WireFault::kFieldNumber:
      return "has a field number outside 1 to 536870911";
    case WireFault::kWireType:
      return "has a group or an undefined wire type";
  }
  return "is malformed";
}

}  // namespace sightline::otlp
