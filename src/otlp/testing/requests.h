// OTLP requests made by hand for tests and benchmarks: small parts to put together, and whole requests with the shape
// of a recommender service's traffic (about 410 bytes a span). Seeded: the same arguments give the same bytes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/wire.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp::testing {

// Builds one message field by field: Pb().Bytes(field::span::kName, "GET").Fixed64(...). Wire types come from the tags;
// with Raw anything malformed can be added.
class Pb {
 public:
  Pb& Bytes(uint32_t tag, std::string_view value) {
    Varint(tag).Varint(value.size());
    bytes_.append(value);
    return *this;
  }
  Pb& Message(uint32_t tag, const Pb& message) { return Bytes(tag, message.bytes_); }
  Pb& Uint(uint32_t tag, uint64_t value) { return Varint(tag).Varint(value); }
  Pb& Fixed64(uint32_t tag, uint64_t value) { return Varint(tag).Raw(&value, sizeof(value)); }
  Pb& Fixed32(uint32_t tag, uint32_t value) { return Varint(tag).Raw(&value, sizeof(value)); }
  Pb& Double(uint32_t tag, double value) { return Varint(tag).Raw(&value, sizeof(value)); }
  Pb& Raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  Pb& Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Pb& Raw(const void* at, size_t size) {
    bytes_.append(static_cast<const char*>(at), size);
    return *this;
  }
  std::string bytes_;
};

inline Pb StringValue(std::string_view text) {
  return Pb().Bytes(field::any_value::kString, text);
}
inline Pb IntValue(int64_t value) {
  return Pb().Uint(field::any_value::kInt, static_cast<uint64_t>(value));
}
inline Pb DoubleValue(double value) {
  return Pb().Double(field::any_value::kDouble, value);
}
inline Pb BoolValue(bool value) {
  return Pb().Uint(field::any_value::kBool, value ? 1 : 0);
}

// An int inside `depth` - 1 arrays: a value of that depth.
inline Pb NestedValue(uint32_t depth) {
  Pb value = IntValue(1);
  for (uint32_t i = 1; i < depth; ++i)
    value = Pb().Message(field::any_value::kArray, Pb().Message(field::array_value::kValues, value));
  return value;
}

inline Pb Attribute(std::string_view key, const Pb& value) {
  return Pb().Bytes(field::key_value::kKey, key).Message(field::key_value::kValue, value);
}

inline Pb Resource(std::string_view service) {
  return Pb().Message(field::resource::kAttributes, Attribute("service.name", StringValue(service)));
}

inline std::string Id(uint64_t number, size_t bytes) {
  std::string id(bytes, '\0');
  for (size_t i = 0; i < bytes && i < 8; ++i) id[bytes - 1 - i] = static_cast<char>(number >> (8 * i));
  return id;
}

inline constexpr uint64_t kTestTime = 1'795'333'380'000'000'000;  // 2026-11-22

inline Pb Span(uint64_t trace, uint64_t span, uint64_t start = kTestTime, uint64_t end = kTestTime + 1'000'000) {
  return Pb()
      .Bytes(field::span::kTraceId, Id(trace, 16))
      .Bytes(field::span::kSpanId, Id(span, 8))
      .Bytes(field::span::kName, "GET /search")
      .Uint(field::span::kKind, 2)
      .Fixed64(field::span::kStartTimeUnixNano, start)
      .Fixed64(field::span::kEndTimeUnixNano, end);
}

inline Pb Log(uint64_t time = kTestTime) {
  return Pb()
      .Fixed64(field::log_record::kTimeUnixNano, time)
      .Uint(field::log_record::kSeverityNumber, 9)
      .Message(field::log_record::kBody, StringValue("started"));
}

inline Pb NumberPoint(int64_t value, uint64_t time = kTestTime) {
  return Pb()
      .Fixed64(field::data_point::kTimeUnixNano, time)
      .Fixed64(field::number_data_point::kAsInt, static_cast<uint64_t>(value));
}

// A Metric with data of the kind (field::metric::kGauge ...).
inline Pb Metric(uint32_t kind, std::initializer_list<Pb> points) {
  Pb data;
  for (const Pb& point : points) data.Message(field::metric_data::kDataPoints, point);
  return Pb().Bytes(field::metric::kName, "requests").Message(kind, data);
}

// One resource, one scope, the items.
inline std::string Request(const std::vector<Pb>& items, const Pb& resource = Resource("shop")) {
  Pb scope;
  scope.Message(field::scope_items::kScope, Pb().Bytes(field::instrumentation_scope::kName, "test"));
  for (const Pb& item : items) scope.Message(field::scope_items::kItems, item);
  return Pb()
      .Message(field::request::kResources,
               Pb().Message(field::resource_items::kResource, resource).Message(field::resource_items::kScopes, scope))
      .bytes();
}

namespace internal {

inline void AddAttributes(Pb& span, std::mt19937_64& random, int trace) {
  const auto add = [&span](std::string_view key, const Pb& value) {
    span.Message(field::span::kAttributes, Attribute(key, value));
  };
  add("http.request.method", StringValue("GET"));
  add("http.route", StringValue("/search"));
  add("http.response.status_code", IntValue(random() % 50 == 0 ? 500 : 200));
  add("server.address", StringValue("recommender.internal"));
  add("user.id", StringValue("user-" + std::to_string(10000 + random() % 10000)));
  add("query.original", StringValue("something about quantum recipes " + std::to_string(random() % 500)));
  add("search.results_count", IntValue(static_cast<int64_t>(random() % 200)));
  add("user_agent.original", StringValue("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0"));
  add("model.score", DoubleValue(static_cast<double>(random() % 1000) / 1000.0));
  add("app.cache_hit", BoolValue(trace % 4 == 0));
}

}  // namespace internal

// `traces` whole traces of 8 spans: two resources with one scope each, 10 attributes a span, an event in one of 50.
inline std::string TracesRequest(int traces, uint64_t seed) {
  std::mt19937_64 random(seed);
  Pb request;
  for (int service = 0; service < 2; ++service) {
    Pb scope;
    scope.Message(field::scope_items::kScope, Pb().Bytes(field::instrumentation_scope::kName, "recommender.api")
                                                  .Bytes(field::instrumentation_scope::kVersion, "1.4.2"));
    for (int trace = 0; trace < traces; ++trace) {
      for (int i = 0; i < 4; ++i) {
        const uint64_t number = seed * 1'000'000 + static_cast<uint64_t>(trace) + 1;
        Pb span = Span(number * 0x9e3779b97f4a7c15, random() | 1, kTestTime + random() % 1'000'000'000,
                       kTestTime + 1'000'000'000 + random() % 1'000'000'000);
        span.Bytes(field::span::kParentSpanId, Id(random(), 8)).Fixed32(field::span::kFlags, 0x101);
        internal::AddAttributes(span, random, trace);
        if (random() % 50 == 0)
          span.Message(field::span::kEvents,
                       Pb().Fixed64(field::event::kTimeUnixNano, kTestTime)
                           .Bytes(field::event::kName, "exception")
                           .Message(field::event::kAttributes, Attribute("exception.type", StringValue("Timeout"))));
        scope.Message(field::scope_items::kItems, span);
      }
    }
    request.Message(field::request::kResources,
                    Pb().Message(field::resource_items::kResource, Resource(service == 0 ? "recommender" : "model"))
                        .Message(field::resource_items::kScopes, scope));
  }
  return request.bytes();
}

}  // namespace sightline::otlp::testing
