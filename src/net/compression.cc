#include "net/compression.h"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace sightline::net {
namespace {

// A DEFLATE stream cannot say more than 258 bytes with 2 bits: no honest or dishonest input expands further.
constexpr uint64_t kDeflateRatioMax = 1032;
// First guess where the format does not tell the size; OTLP shrinks to a fifth to a tenth.
constexpr uint64_t kGuessedRatio = 12;

enum class Outcome { kDone, kBadData, kNoSpace };

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};
struct FreeCompressor {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};
struct FreeZstd {
  void operator()(ZSTD_DCtx* d) const { ZSTD_freeDCtx(d); }
};

// About 11 KB each, kept by each thread that inflates.
libdeflate_decompressor* Decompressor() {
  thread_local std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(libdeflate_alloc_decompressor());
  SIGHTLINE_CHECK(decompressor != nullptr);
  return decompressor.get();
}

ZSTD_DCtx* ZstdContext() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  SIGHTLINE_CHECK(context != nullptr);
  return context.get();
}

Outcome FromLibdeflate(libdeflate_result result) {
  if (result == LIBDEFLATE_SUCCESS) return Outcome::kDone;
  return result == LIBDEFLATE_INSUFFICIENT_SPACE ? Outcome::kNoSpace : Outcome::kBadData;
}

// All members of a gzip file, one after the other into `out`.
Outcome InflateGzip(std::string_view in, char* out, size_t capacity, size_t* written) {
  *written = 0;
  do {
    size_t used = 0;
    size_t made = 0;
    const Outcome outcome = FromLibdeflate(libdeflate_gzip_decompress_ex(
        Decompressor(), in.data(), in.size(), out + *written, capacity - *written, &used, &made));
    if (outcome != Outcome::kDone) return outcome;
    in.remove_prefix(used);
    *written += made;
  } while (!in.empty());
  return Outcome::kDone;
}

Outcome InflateZlib(std::string_view in, char* out, size_t capacity, size_t* written) {
  size_t used = 0;
  const Outcome outcome = FromLibdeflate(
      libdeflate_zlib_decompress_ex(Decompressor(), in.data(), in.size(), out, capacity, &used, written));
  return outcome == Outcome::kDone && used != in.size() ? Outcome::kBadData : outcome;
}

Outcome InflateRaw(std::string_view in, char* out, size_t capacity, size_t* written) {
  size_t used = 0;
  const Outcome outcome = FromLibdeflate(
      libdeflate_deflate_decompress_ex(Decompressor(), in.data(), in.size(), out, capacity, &used, written));
  return outcome == Outcome::kDone && used != in.size() ? Outcome::kBadData : outcome;
}

// In one call, not as a stream: then the output is the window, and a frame that asks for a window of 128 MB gets none.
Outcome InflateZstd(std::string_view in, char* out, size_t capacity, size_t* written) {
  const size_t result = ZSTD_decompressDCtx(ZstdContext(), out, capacity, in.data(), in.size());
  if (!ZSTD_isError(result)) {
    *written = result;
    return Outcome::kDone;
  }
  // The codes stand in zstd_errors.h; the name is the stable way to tell this one.
  return std::strstr(ZSTD_getErrorName(result), "Destination buffer is too small") != nullptr ? Outcome::kNoSpace
                                                                                              : Outcome::kBadData;
}

using InflateFunction = Outcome (*)(std::string_view in, char* out, size_t capacity, size_t* written);

// Inflates into a buffer of `size_hint` bytes and, when that proves too small, again from the start into one of
// `bytes_max`. Never more than one buffer lives, none is larger than the limit, and its pages are not touched before
// they are written; two passes bound the work.
Result<std::string> InflateWithin(std::string_view encoding, InflateFunction inflate, std::string_view data,
                                  uint64_t size_hint, uint64_t bytes_max) {
  uint64_t capacity = std::min(size_hint, bytes_max);
  for (;;) {
    std::string out;
    Outcome outcome = Outcome::kBadData;
    // libstdc++ 12 hands its own capacity to the operation: only ours keeps the limit.
    out.resize_and_overwrite(capacity, [&](char* buffer, size_t) {
      size_t written = 0;
      outcome = inflate(data, buffer, capacity, &written);
      return outcome == Outcome::kDone ? written : 0;
    });
    if (outcome == Outcome::kBadData) {
      return Fail(Code::kInvalidArgument, "{}: damaged, truncated or followed by other bytes ({} bytes)", encoding,
                  data.size());
    }
    if (outcome == Outcome::kDone) {
      // What was guessed far too large is not carried through the journal.
      if (out.size() < out.capacity() / 2) out.shrink_to_fit();
      return out;
    }
    if (capacity >= bytes_max) {
      return Fail(Code::kResourceExhausted, "{}: {} bytes inflate to more than the limit of {} bytes", encoding,
                  data.size(), bytes_max);
    }
    capacity = bytes_max;
  }
}

uint64_t GzipSizeHint(std::string_view data) {
  if (data.size() < 18) return 0;  // shorter than a header and a trailer
  const auto* tail = reinterpret_cast<const unsigned char*>(data.data() + data.size() - 4);
  const uint64_t isize = tail[0] | tail[1] << 8 | tail[2] << 16 | static_cast<uint64_t>(tail[3]) << 24;
  return std::min(isize, data.size() * kDeflateRatioMax);  // only a hint: the sender may have written anything
}

uint64_t ZstdSizeHint(std::string_view data) {
  const unsigned long long size = ZSTD_getFrameContentSize(data.data(), data.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return data.size() * kGuessedRatio;
  return size;
}

bool LooksLikeZlib(std::string_view data) {
  if (data.size() < 2) return false;
  const auto first = static_cast<unsigned char>(data[0]);
  const auto second = static_cast<unsigned char>(data[1]);
  return (first & 0x0f) == 8 && first >> 4 <= 7 && (first << 8 | second) % 31 == 0;
}

Result<std::string> InflateDeflate(std::string_view data, uint64_t bytes_max) {
  const uint64_t hint = data.size() * kGuessedRatio;
  const uint64_t reachable = std::min(bytes_max, data.size() * kDeflateRatioMax);
  if (LooksLikeZlib(data)) {
    auto inflated = InflateWithin("deflate", InflateZlib, data, hint, reachable);
    if (inflated || inflated.error().code != Code::kInvalidArgument) return inflated;
    // A raw stream may begin like a zlib header by chance.
  }
  return InflateWithin("deflate", InflateRaw, data, hint, reachable);
}

}  // namespace

Result<std::string> Decompress(std::string_view encoding, std::string data, uint64_t bytes_max) {
  if (encoding.empty() || encoding == "identity") {
    if (data.size() > bytes_max) {
      return Fail(Code::kResourceExhausted, "{} bytes are more than the limit of {} bytes", data.size(), bytes_max);
    }
    return data;
  }
  if (encoding == "gzip" || encoding == "x-gzip") {
    return InflateWithin("gzip", InflateGzip, data, GzipSizeHint(data), bytes_max);
  }
  if (encoding == "deflate") return InflateDeflate(data, bytes_max);
  if (encoding == "zstd") {
    if (data.empty()) return Fail(Code::kInvalidArgument, "zstd: empty");
    return InflateWithin("zstd", InflateZstd, data, ZstdSizeHint(data), bytes_max);
  }
  return Fail(Code::kUnimplemented, "encoding \"{}\" is not one of identity, gzip, deflate, zstd", encoding);
}

Result<std::string> Gzip(std::string_view data, int level) {
  const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(libdeflate_alloc_compressor(level));
  if (compressor == nullptr) return Fail(Code::kInvalidArgument, "gzip level {} is not one of 0 to 12", level);
  std::string out;
  out.resize_and_overwrite(libdeflate_gzip_compress_bound(compressor.get(), data.size()), [&](char* buffer, size_t n) {
    return libdeflate_gzip_compress(compressor.get(), data.data(), data.size(), buffer, n);
  });
  if (out.empty()) return Fail(Code::kInternal, "gzip of {} bytes did not fit its own bound", data.size());
  return out;
}

// libdeflate has no streams.
struct GzipStream::Deflater {
  z_stream stream{};

  std::string Run(std::string_view piece, int flush) {
    constexpr size_t kStepBytes = 16 << 10;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    std::string out;
    do {
      const size_t have = out.size();
      out.resize(have + kStepBytes);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + have);
      stream.avail_out = kStepBytes;
      SIGHTLINE_CHECK(deflate(&stream, flush) != Z_STREAM_ERROR);
      out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return out;
  }
};

GzipStream::GzipStream(int level) : deflater_(std::make_unique<Deflater>()) {
  constexpr int kGzipWindow = 15 + 16, kMemoryLevel = 8;
  SIGHTLINE_CHECK(deflateInit2(&deflater_->stream, level, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
                  Z_OK);
}

GzipStream::~GzipStream() {
  deflateEnd(&deflater_->stream);
}

std::string GzipStream::Write(std::string_view piece) {
  constexpr size_t kRunBytesMax = 1 << 30;  // zlib counts with 32 bits
  std::string out;
  for (; piece.size() > kRunBytesMax; piece.remove_prefix(kRunBytesMax)) {
    out += deflater_->Run(piece.substr(0, kRunBytesMax), Z_NO_FLUSH);
  }
  if (!piece.empty()) out += deflater_->Run(piece, Z_SYNC_FLUSH);
  return out;
}

std::string GzipStream::End() {
  return deflater_->Run({}, Z_FINISH);
}

}  // namespace sightline::net
