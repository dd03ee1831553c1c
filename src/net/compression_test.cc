#include "net/compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

#include <random>

namespace sightline::net {
namespace {

// zlib as the other implementation: window bits 31 gzip, 15 zlib, -15 raw.
std::string Deflate(std::string_view data, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, data.size()), 0);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = data.size();
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = out.size();
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view data, bool tell_size = true) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, tell_size ? 1 : 0);
  std::string out(ZSTD_compressBound(data.size()), 0);
  const size_t size = ZSTD_compress2(context, out.data(), out.size(), data.data(), data.size());
  EXPECT_FALSE(ZSTD_isError(size));
  out.resize(size);
  ZSTD_freeCCtx(context);
  return out;
}

struct Way {
  std::string name, encoding;
  std::function<std::string(std::string_view)> compress;
};

std::vector<Way> Ways() {
  return {{"identity", "identity", [](std::string_view s) { return std::string(s); }},
          {"none", "", [](std::string_view s) { return std::string(s); }},
          {"gzip by zlib", "gzip", [](std::string_view s) { return Deflate(s, 31); }},
          {"gzip by us", "gzip", [](std::string_view s) { return *Gzip(s); }},
          {"gzip stream by us", "gzip",
           [](std::string_view s) {
             GzipStream stream(1);
             std::string out;
             for (; !s.empty(); s.remove_prefix(std::min<size_t>(s.size(), 1000)))
               out += stream.Write(s.substr(0, 1000));
             return out + stream.End();
           }},
          {"zlib", "deflate", [](std::string_view s) { return Deflate(s, 15); }},
          {"raw deflate", "deflate", [](std::string_view s) { return Deflate(s, -15); }},
          {"zstd", "zstd", [](std::string_view s) { return Zstd(s); }},
          {"zstd of unknown size", "zstd", [](std::string_view s) { return Zstd(s, false); }}};
}

std::string Text(size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) text += "service.name=" + std::to_string(random() % 1000) + ";";
  text.resize(size);
  return text;
}

TEST(Compression, EveryEncodingComesBack) {
  for (const Way& way : Ways()) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{3'000'000}}) {
      const std::string text = Text(size);
      const auto back = Decompress(way.encoding, way.compress(text), 4'000'000);
      ASSERT_TRUE(back.has_value()) << way.name << " " << size << ": " << back.error().message;
      EXPECT_EQ(*back, text) << way.name;
    }
  }
}

TEST(Compression, LimitIsExact) {
  const std::string text = Text(100'000);
  for (const Way& way : Ways()) {
    EXPECT_TRUE(Decompress(way.encoding, way.compress(text), text.size()).has_value()) << way.name;
    const auto over = Decompress(way.encoding, way.compress(text), text.size() - 1);
    ASSERT_FALSE(over.has_value()) << way.name;
    EXPECT_EQ(over.error().code, Code::kResourceExhausted) << way.name;
    EXPECT_THAT(over.error().message, ::testing::HasSubstr("99999")) << way.name;
  }
}

TEST(Compression, GzipOfSeveralMembersIsOneText) {
  const std::string a = Text(50'000);
  const std::string members = Deflate(a, 31) + *Gzip("middle") + Deflate("", 31) + Deflate("end", 31);
  EXPECT_EQ(Decompress("gzip", members, 1 << 20).value(), a + "middleend");
  const auto over = Decompress("gzip", members, 50'008);
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, Code::kResourceExhausted);
}

TEST(Compression, GzipTrailerThatLiesAboutTheSizeIsDamage) {
  for (const unsigned char lie : {0, 1, 0xff}) {
    std::string data = Deflate(Text(100'000), 31);
    data[data.size() - 4] = static_cast<char>(lie);
    data[data.size() - 3] = static_cast<char>(lie);
    const auto result = Decompress("gzip", data, 1 << 20);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  }
}

TEST(Compression, DamageTruncationAndGarbageAreErrors) {
  const std::string text = Text(20'000);
  for (const Way& way : Ways()) {
    if (way.encoding.empty() || way.encoding == "identity") continue;
    const std::string good = way.compress(text);
    for (const size_t cut : {size_t{0}, size_t{1}, size_t{9}, good.size() / 2, good.size() - 1}) {
      const auto result = Decompress(way.encoding, good.substr(0, cut), 1 << 20);
      ASSERT_FALSE(result.has_value()) << way.name << " cut at " << cut;
      EXPECT_EQ(result.error().code, Code::kInvalidArgument) << way.name << " cut at " << cut;
    }
    const auto garbage = Decompress(way.encoding, good + "x", 1 << 20);
    ASSERT_FALSE(garbage.has_value()) << way.name;
    EXPECT_EQ(garbage.error().code, Code::kInvalidArgument) << way.name;
    EXPECT_FALSE(Decompress(way.encoding, "no compressed data at all", 1 << 20).has_value()) << way.name;
  }
}

TEST(Compression, FlippedBytesNeverPassTheChecksum) {
  std::mt19937 random(11);
  const std::string text = Text(5'000);
  for (const auto& [encoding, good] : {std::pair{"gzip", Deflate(text, 31)}, std::pair{"deflate", Deflate(text, 15)}}) {
    for (int i = 0; i < 500; ++i) {
      std::string bad = good;
      bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
      const auto result = Decompress(encoding, bad, 1 << 20);
      if (result) EXPECT_EQ(*result, text) << encoding;  // a bit of the header that means nothing
    }
  }
}

TEST(Compression, UnknownEncodingIsUnimplemented) {
  for (const char* encoding : {"br", "snappy", "lz4", "GZIP", "gzip, gzip"}) {
    EXPECT_EQ(Decompress(encoding, "x", 100).error().code, Code::kUnimplemented) << encoding;
  }
}

TEST(Compression, ZstdFrameThatAsksForHugeWindowGetsNone) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string out(1 << 20, 0);
  const std::string text = Text(10'000);
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ASSERT_EQ(ZSTD_compressStream2(context, &to, &in, ZSTD_e_flush), 0u);
  ASSERT_EQ(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0u);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  EXPECT_EQ(Decompress("zstd", out, 1 << 20).value(), text);
}

#ifndef SIGHTLINE_SANITIZED
uint64_t PeakResidentBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) << 10;
}

TEST(Compression, BombTakesNoMemoryBeyondTheLimit) {
  constexpr uint64_t kLimit = 4 << 20;
  constexpr uint64_t kSlack = 2 << 20;
  std::vector<std::pair<std::string, std::string>> bombs;
  {
    const std::string zeros(64 << 20, 0);
    for (const Way& way : Ways()) {
      if (!way.encoding.empty() && way.encoding != "identity") bombs.emplace_back(way.encoding, way.compress(zeros));
    }
  }
  // The peak is of the whole process, so a child measures: it starts without the parent's past.
  const auto grown_by_bombs = [&] {
    const uint64_t before = PeakResidentBytes();
    for (const auto& [encoding, bomb] : bombs) {
      const auto result = Decompress(encoding, bomb, kLimit);
      if (result || result.error().code != Code::kResourceExhausted) return kLimit * 100;
    }
    return PeakResidentBytes() - before;
  };
  EXPECT_EXIT(
      {
        const uint64_t grown = grown_by_bombs();
        if (grown > kLimit + kSlack) fprintf(stderr, "grew by %lu bytes", static_cast<unsigned long>(grown));
        exit(grown > kLimit + kSlack ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}
#endif

// What was written can be read although the stream goes on.
TEST(GzipStream, HoldsNothingBack) {
  GzipStream stream(1);
  z_stream reader{};
  ASSERT_EQ(inflateInit2(&reader, 31), Z_OK);
  for (const std::string& piece : {std::string("first"), Text(100'000), std::string("last")}) {
    const std::string sent = stream.Write(piece);
    std::string read(piece.size() + 1, 0);
    reader.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(sent.data()));
    reader.avail_in = static_cast<uInt>(sent.size());
    reader.next_out = reinterpret_cast<Bytef*>(read.data());
    reader.avail_out = static_cast<uInt>(read.size());
    EXPECT_EQ(inflate(&reader, Z_SYNC_FLUSH), Z_OK);
    EXPECT_EQ(read.substr(0, read.size() - reader.avail_out), piece);
  }
  inflateEnd(&reader);
  EXPECT_EQ(stream.Write(""), "");
  EXPECT_FALSE(Decompress("gzip", stream.Write("cut"), 100)) << "without its end it is not whole";
}

}  // namespace
}  // namespace sightline::net
