// The fields of the messages that all signals share, each described once: W is ProtobufWriter or JsonWriter.
// https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto/common/v1
#pragma once

#include <string_view>

#include "otel/any_value.h"
#include "otel/scope.h"
#include "otlp/field.h"
#include "otlp/utf8.h"

namespace otel::internal {

// A value within so many others is sent as an empty one: receivers refuse a whole request for messages within more than
// 100 messages, and a map within a map is three more.
inline constexpr int kValueDepthMax = 24;

template <typename W>
void WriteValue(W& w, const AnyValue& value, int depth = 0);

template <typename W>
void WriteAttributes(W& w, Field field, std::span<const Attribute> attributes, int depth = 0) {
  const auto write = [&](const Attribute& attribute) {
    w.Text({1, "key"}, attribute.key);
    w.Message({2, "value"}, [&] { WriteValue(w, attribute.value, depth); });
  };
  if constexpr (requires { w.ShortAttribute(field, attributes.front()); }) {
    for (const Attribute& attribute : attributes) {
      if (!w.ShortAttribute(field, attribute)) w.Message(field, [&] { write(attribute); });
    }
  } else {
    w.Messages(field, attributes, write);
  }
}

template <typename W, typename T>
void WriteItems(W& w, std::span<const T> items, int depth) {
  w.Message({5, "arrayValue"}, [&] {
    w.Messages({1, "values"}, items, [&](const T& item) { WriteValue(w, AnyValue(item), depth + 1); });
  });
}

// A text that is not UTF-8 is sent as bytes, as the specification says.
template <typename W>
void WriteText(W& w, std::string_view text) {
  if (IsUtf8(text)) {
    w.Utf8Value({1, "stringValue"}, text);
  } else {
    w.BytesValue({7, "bytesValue"}, text);
  }
}

template <typename W>
void WriteValue(W& w, const AnyValue& value, int depth) {
  using Type = AnyValue::Type;
  if (depth > kValueDepthMax) return;
  switch (value.type()) {
    case Type::kEmpty:
      return;
    case Type::kBool:
      return w.BoolValue({2, "boolValue"}, value.as_bool());
    case Type::kInt:
      return w.Int64Value({3, "intValue"}, value.as_int());
    case Type::kDouble:
      return w.DoubleValue({4, "doubleValue"}, value.as_double());
    case Type::kString:
      return WriteText(w, value.as_string());
    case Type::kBytes: {
      const std::span<const std::byte> bytes = value.as_bytes();
      return w.BytesValue({7, "bytesValue"}, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    case Type::kBools:
      return WriteItems(w, value.as_bools(), depth);
    case Type::kInts:
      return WriteItems(w, value.as_ints(), depth);
    case Type::kDoubles:
      return WriteItems(w, value.as_doubles(), depth);
    case Type::kStrings:
      return WriteItems(w, value.as_strings(), depth);
    case Type::kArray:
      return WriteItems(w, value.as_array(), depth);
    case Type::kMap:
      return w.Message({6, "kvlistValue"}, [&] { WriteAttributes(w, {1, "values"}, value.as_map(), depth + 1); });
  }
}

template <typename W>
void WriteResource(W& w, const Resource& resource) {
  w.Message({1, "resource"}, [&] { WriteAttributes(w, {1, "attributes"}, resource.attributes.view()); });
}

template <typename W>
void WriteScope(W& w, const InstrumentationScope& scope) {
  w.Message({1, "scope"}, [&] {
    w.Text({1, "name"}, scope.name);
    w.Text({2, "version"}, scope.version);
    WriteAttributes(w, {3, "attributes"}, scope.attributes.view());
  });
}

}  // namespace otel::internal
