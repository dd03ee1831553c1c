// What decides for libdeflate over zlib: a message of 200 KB inflated by both, the way Decompress must do it.
#include <benchmark/benchmark.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <random>
#include <string>

#include "net/compression.h"

namespace sightline::net {
namespace {

constexpr uint64_t kLimit = 64 << 20;

// Shaped like an OTLP request: repeated keys, ids that do not compress, near times.
std::string Message() {
  std::mt19937_64 random(1);
  std::string message;
  while (message.size() < 200'000) {
    for (int i = 0; i < 3; ++i) {
      const uint64_t id = random();
      message.append(reinterpret_cast<const char*>(&id), sizeof id);
    }
    message += "GET /api/recommendations http.request.method GET http.response.status_code url.path /api/item/";
    message += std::to_string(random() % 10'000) + " service.name recommender http.route /api/item/{id} server.port";
    const uint64_t time = 1'700'000'000'000'000'000 + random() % 1'000'000'000;
    message.append(reinterpret_cast<const char*>(&time), sizeof time);
  }
  return message;
}

// The same promise kept with zlib: as a stream, into a buffer that grows up to the limit.
std::string ZlibInflate(const std::string& data) {
  z_stream stream{};
  inflateInit2(&stream, 31);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = data.size();
  std::string out(data.size() * 4, 0);
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(out.data()) + stream.total_out;
    stream.avail_out = out.size() - stream.total_out;
    if (inflate(&stream, Z_NO_FLUSH) != Z_OK) break;
    out.resize(out.size() * 2);
  }
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

void BM_GzipByLibdeflate(benchmark::State& state) {
  const std::string message = Message();
  const std::string data = Gzip(message).value();
  for (auto _ : state) benchmark::DoNotOptimize(Decompress("gzip", data, kLimit)->data());
  state.SetBytesProcessed(state.iterations() * message.size());
  state.counters["ratio"] = static_cast<double>(message.size()) / data.size();
}
BENCHMARK(BM_GzipByLibdeflate);

void BM_GzipByZlib(benchmark::State& state) {
  const std::string message = Message();
  const std::string data = Gzip(message).value();
  for (auto _ : state) benchmark::DoNotOptimize(ZlibInflate(data).data());
  state.SetBytesProcessed(state.iterations() * message.size());
}
BENCHMARK(BM_GzipByZlib);

void BM_Zstd(benchmark::State& state) {
  const std::string message = Message();
  std::string data(ZSTD_compressBound(message.size()), 0);
  data.resize(ZSTD_compress(data.data(), data.size(), message.data(), message.size(), 3));
  for (auto _ : state) benchmark::DoNotOptimize(Decompress("zstd", data, kLimit)->data());
  state.SetBytesProcessed(state.iterations() * message.size());
}
BENCHMARK(BM_Zstd);

}  // namespace
}  // namespace sightline::net
