#include "load/message.h"

#include <cmath>

namespace sightline::load {
namespace {

constexpr double kMedianRootNanos = 40e6;
constexpr double kSigma = 1.711;  // ln(1000 ms / 40 ms) / 1.88: 3 % of a lognormal lie beyond 1 s

void Put(std::string& bytes, uint32_t offset, uint64_t value) {
  std::memcpy(bytes.data() + offset, &value, 8);
}

// Five decimal digits over the "00000" of "user-00000".
void PutUser(std::string& bytes, uint32_t offset, uint64_t number) {
  for (int digit = 4; digit >= 0; --digit) {
    bytes[offset + digit] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

// `width` digits of the base over what is there.
void PutDigits(std::string& bytes, uint32_t offset, uint8_t width, uint64_t number, uint64_t base) {
  for (uint32_t at = offset; at < offset + width; ++at, number /= base) {
    bytes[at] = "0123456789abcdef"[number % base];
  }
}

struct TraceValues {
  uint64_t id_high = 0, id_low = 0, span_seed = 0, user = 0;
  int64_t start = 0;
  double duration = 0;
};

}  // namespace

void Refresh(Group& group, std::mt19937_64& random, int64_t now) {
  std::lognormal_distribution<double> duration(std::log(kMedianRootNanos), kSigma);
  std::vector<TraceValues> traces(std::max(group.traces, 1U));
  group.made.clear();
  for (TraceValues& trace : traces) {
    trace = {random(), random(), random() | 1, random() % 10'000, 0, std::min(duration(random), 60e9)};
    trace.start = now - static_cast<int64_t>(trace.duration);
    group.made.push_back({{trace.id_high, trace.id_low}, static_cast<int64_t>(trace.duration)});
  }
  for (Group::Request& request : group.requests) {
    for (const Place& place : request.places) {
      const TraceValues& trace = traces[place.trace];
      switch (place.mark) {
        case Mark::kTraceId:
          Put(request.bytes, place.offset, trace.id_high);
          Put(request.bytes, place.offset + 8, trace.id_low);
          break;
        case Mark::kSpanId:
          Put(request.bytes, place.offset, trace.span_seed * (2 * place.span + 3));
          break;
        case Mark::kTimeAt:
          Put(request.bytes, place.offset,
              static_cast<uint64_t>(trace.start + static_cast<int64_t>(trace.duration * place.at)));
          break;
        case Mark::kNow:
          Put(request.bytes, place.offset, static_cast<uint64_t>(now));
          break;
        case Mark::kRandomDouble: {
          const double value = static_cast<double>(random() >> 40) * 0x1p-24;
          uint64_t bits = 0;
          std::memcpy(&bits, &value, 8);
          Put(request.bytes, place.offset, bits);
          break;
        }
        case Mark::kCounter: {
          uint64_t value = 0;
          std::memcpy(&value, request.bytes.data() + place.offset, 8);
          Put(request.bytes, place.offset, value + 1 + random() % 100);
          break;
        }
        case Mark::kUser:
          PutUser(request.bytes, place.offset, trace.user);
          break;
        case Mark::kDigits:
          PutDigits(request.bytes, place.offset, place.width, random(), 10);
          break;
        case Mark::kHex:
          PutDigits(request.bytes, place.offset, place.width, random(), 16);
          break;
      }
    }
  }
}

}  // namespace sightline::load
