// OTLP protobuf -> OTLP/JSON: the way back of json.h, for what leaves this program.
#pragma once

#include <string>
#include <string_view>

#include "otlp/wire_schema.h"

namespace sightline::otlp {

// Appends the message as one JSON object: ids as hex, bytes as base64, 64-bit integers as strings, enums as integers,
// what has proto3's default left out (but for a value of an attribute, which says its type). `bytes` must be well
// formed, and not nested deeper than kValueDepthCap; fields that the table does not know, or does not
// take from JSON either, are left out.
void AppendJson(Message message, std::string_view bytes, std::string& out);

}  // namespace sightline::otlp
