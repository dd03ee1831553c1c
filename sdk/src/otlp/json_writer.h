// Writes OTLP/JSON: protobuf's JSON, but for ids, which are hex, and enums, which are numbers.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "otel/ids.h"
#include "otlp/field.h"

namespace otel::internal {

// The same functions as ProtobufWriter.
// Thread: one.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(*out) {}

  // Left out where they have their type's default.
  void Text(Field field, std::string_view text) {
    if (!text.empty()) TextValue(field, text);
  }
  template <size_t kSize>
  void Id(Field field, const otel::Id<kSize>& id) {
    if (id.IsValid()) TextValue(field, id.Hex());
  }
  void Fixed64(Field field, uint64_t value) {
    if (value != 0) QuotedNumber(field, value);
  }
  void Fixed32(Field field, uint32_t value) { Uint32(field, value); }
  void Uint32(Field field, uint32_t value) {
    if (value != 0) Number(field, value);
  }
  void Sint32(Field field, int32_t value) {
    if (value != 0) Number(field, value);
  }
  void Double(Field field, double value) {
    if (value != 0) DoubleValue(field, value);
  }
  void Bool(Field field, bool value) {
    if (value) BoolValue(field, value);
  }

  // Always written: that they are there says something.
  void TextValue(Field field, std::string_view text);
  void Utf8Value(Field field, std::string_view text) { TextValue(field, text); }  // known to be UTF-8
  void BytesValue(Field field, std::string_view bytes);                           // base64
  void BoolValue(Field field, bool value);
  void Int64Value(Field field, int64_t value) { QuotedNumber(field, value); }
  void Sfixed64Value(Field field, int64_t value) { QuotedNumber(field, value); }
  void DoubleValue(Field field, double value);

  template <typename Fields>
  void Message(Field field, Fields&& fields) {
    Name(field);
    Object(fields);
  }
  template <typename Range, typename Fields>
  void Messages(Field field, const Range& range, Fields&& fields) {
    if (std::empty(range)) return;
    Begin(field);
    for (const auto& item : range) {
      Comma();
      Object([&] { fields(item); });
    }
    End();
  }
  template <typename Fields>
  void Object(Fields&& fields) {
    out_ += '{';
    comma_ = false;
    fields();
    out_ += '}';
    comma_ = true;
  }

  void Fixed64s(Field field, std::span<const uint64_t> values) { Uint64s(field, values); }
  void Uint64s(Field field, std::span<const uint64_t> values);
  void Doubles(Field field, std::span<const double> values);

 private:
  void Comma() {
    if (comma_) out_ += ',';
    comma_ = true;
  }
  void Name(Field field);
  void Number(Field field, int64_t value);
  template <typename T>
  void QuotedNumber(Field field, T value);
  void Begin(Field field) {
    Name(field);
    out_ += '[';
    comma_ = false;
  }
  void End() {
    out_ += ']';
    comma_ = true;
  }

  std::string& out_;
  bool comma_ = false;  // whether something stands before what comes next
};

// Appends the text in quotes, as JSON.
void AppendJsonText(std::string_view text, std::string* out);
// Appends the shortest number that reads as this one; what JSON has no number for is in quotes.
void AppendJsonDouble(double value, std::string* out);

}  // namespace otel::internal
