// OTLP/JSON -> OTLP protobuf at the door, so that behind it there is one format.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "otlp/limits.h"
#include "otlp/signal.h"

namespace sightline::otlp {

// `json` needs no padding. Hex ids (any case; another length or a non-hex digit becomes bytes that the scan refuses),
// base64 bytes, integers as numbers or strings, "NaN"/"Infinity"/"-Infinity", enums as integers, lowerCamelCase only,
// unknown fields skipped. INVALID_ARGUMENT names the JSON path of the fault.
Result<std::string> JsonToProtobuf(Signal signal, std::string_view json, const Limits& limits);

}  // namespace sightline::otlp
