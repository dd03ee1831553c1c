// Serialized protobuf with marked places that are overwritten in place before every send, so that a load costs its
// generator little.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sightline::load {

// What stands at a marked place. Times are fractions of the trace's root span.
enum class Mark : uint8_t { kTraceId, kSpanId, kTimeAt, kNow, kRandomDouble, kCounter, kUser, kDigits, kHex };

struct Place {
  uint32_t offset = 0;
  Mark mark = Mark::kNow;
  uint16_t trace = 0;  // index in the group
  uint8_t span = 0;    // index in the trace
  float at = 0;        // kTimeAt: fraction of the root's duration
  uint8_t width = 0;   // kDigits, kHex: characters, at most 16
};

// Builds one message; sub-messages are built apart and added, which keeps their places.
class Message {
 public:
  void Varint(int field, uint64_t value) {
    Tag(field, 0);
    Raw(value);
  }
  void Fixed64(int field, uint64_t value) {
    Tag(field, 1);
    bytes_.append(reinterpret_cast<const char*>(&value), 8);
  }
  void Fixed32(int field, uint32_t value) {
    Tag(field, 5);
    bytes_.append(reinterpret_cast<const char*>(&value), 4);
  }
  void Double(int field, double value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, 8);
    Fixed64(field, bits);
  }
  void Text(int field, std::string_view value) {
    Tag(field, 2);
    Raw(value.size());
    bytes_.append(value);
  }
  void Sub(int field, const Message& message) {
    Tag(field, 2);
    Raw(message.bytes_.size());
    const auto base = static_cast<uint32_t>(bytes_.size());
    bytes_ += message.bytes_;
    for (Place place : message.places_) {
      place.offset += base;
      places_.push_back(place);
    }
  }
  // Marks `place.width` bytes of the text that was added last; `offset` counts from the text's start.
  void MarkText(size_t text_size, size_t offset, Place place) {
    place.offset = static_cast<uint32_t>(bytes_.size() - text_size + offset);
    places_.push_back(place);
  }
  // Marks the last `width` bytes.
  void MarkLast(uint32_t width, Place place) {
    place.offset = static_cast<uint32_t>(bytes_.size()) - width;
    places_.push_back(place);
  }

  const std::string& bytes() const { return bytes_; }
  const std::vector<Place>& places() const { return places_; }

 private:
  void Tag(int field, int wire_type) { Raw(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire_type)); }
  void Raw(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }
  std::string bytes_;
  std::vector<Place> places_;
};

// AnyValue with a string, and KeyValue (opentelemetry-proto common/v1).
inline Message Any(std::string_view text) {
  Message value;
  value.Text(1, text);
  return value;
}
inline Message KeyValue(std::string_view key, const Message& value) {
  Message attribute;
  attribute.Text(1, key);
  attribute.Sub(2, value);
  return attribute;
}
inline Message KeyValue(std::string_view key, std::string_view text) {
  return KeyValue(key, Any(text));
}

// Requests whose traces belong together: a trace's spans may lie in different requests of the group.
struct Group {
  struct Request {
    std::string bytes;
    std::vector<Place> places;
    uint32_t items = 0;
  };
  std::vector<Request> requests;
  uint32_t traces = 0;
  // By index of the trace: what was made fail, and what Refresh made of its root.
  std::vector<bool> fails;
  struct Trace {
    std::array<uint64_t, 2> id{};
    int64_t duration_nanos = 0;
  };
  std::vector<Trace> made;
};

enum class Shape : uint8_t {
  kWhole,     // all spans of a trace in one request
  kShuffled,  // a trace's spans spread at random over the group's requests
};

// 413 bytes and 10 attributes a span, 8 spans a trace, 2 % of traces with an error: the shape that docs/benchmarks.md
// describes.
Group TraceGroup(std::mt19937_64& random, uint32_t traces_per_request, Shape shape);
// Bodies of logs: short ones that differ in a number, or texts as services write them, with numbers, ids, paths and
// addresses that are new in each record.
enum class Bodies : uint8_t { kShort, kVaried };
Group LogGroup(std::mt19937_64& random, uint32_t records, Bodies bodies);
Group MetricGroup(std::mt19937_64& random, uint32_t points);

// Overwrites the marked places: fresh ids, times that end now, root durations lognormal with median 40 ms and 3 % over
// 1 s.
void Refresh(Group& group, std::mt19937_64& random, int64_t now_unix_nanos);

}  // namespace sightline::load
