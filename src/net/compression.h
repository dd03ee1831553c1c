// gzip, zlib (HTTP's "deflate", and raw deflate, which some clients send under that name) and zstd, inflated under a
// limit; gzip, whole or as a stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sightline::net {

// `encoding` is one token of Content-Encoding or grpc-encoding, lower case; "" and "identity" return the bytes as they
// are. kResourceExhausted when the result would pass `bytes_max` (found while inflating, before memory beyond it is
// touched), kInvalidArgument on damaged or truncated data and trailing garbage, kUnimplemented on an unknown encoding.
Result<std::string> Decompress(std::string_view encoding, std::string data, uint64_t bytes_max);

Result<std::string> Gzip(std::string_view data, int level = 6);

// One gzip member, piece by piece. Thread: one at a time.
class GzipStream {
 public:
  explicit GzipStream(int level);  // 1 to 9
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // What to send for `piece`: who reads it has all of the piece and waits for nothing.
  std::string Write(std::string_view piece);
  // What is left to send. Nothing may be written after it.
  std::string End();

 private:
  struct Deflater;
  const std::unique_ptr<Deflater> deflater_;
};

}  // namespace sightline::net
