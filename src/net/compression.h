// gzip, zlib (HTTP's "deflate", and raw deflate, which some clients send under that name) and zstd, inflated under a
// limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sightline::net {

// `encoding` is one token of Content-Encoding or grpc-encoding, lower case; "" and "identity" return the bytes as they
// are. kResourceExhausted when the result would pass `bytes_max` (found while inflating, before memory beyond it is
// touched), kInvalidArgument on damaged or truncated data and trailing garbage, kUnimplemented on an unknown encoding.
Result<std::string> Decompress(std::string_view encoding, std::string data, uint64_t bytes_max);

Result<std::string> Gzip(std::string_view data, int level = 6);

}  // namespace sightline::net
