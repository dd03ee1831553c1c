#include "otlp/json_writer.h"

#include <charconv>
#include <cmath>

#include "otlp/utf8.h"

namespace otel::internal {
namespace {

template <typename T>
void AppendNumber(T value, std::string* out) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  out->append(text, end);
}

void AppendEscaped(char character, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  switch (character) {
    case '"':
    case '\\':
      *out += {'\\', character};
      break;
    case '\n':
      *out += "\\n";
      break;
    case '\t':
      *out += "\\t";
      break;
    default:
      *out += {'\\', 'u', '0', '0', kDigits[character >> 4 & 0xf], kDigits[character & 0xf]};
  }
}

bool NeedsEscape(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

void AppendBase64(std::string_view bytes, std::string* out) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
    }
    *out += kDigits[group >> 18];
    *out += kDigits[group >> 12 & 63];
    *out += i + 1 < bytes.size() ? kDigits[group >> 6 & 63] : '=';
    *out += i + 2 < bytes.size() ? kDigits[group & 63] : '=';
  }
}

}  // namespace

void AppendJsonText(std::string_view text, std::string* out) {
  if (!IsUtf8(text)) return AppendJsonText(RepairUtf8(text), out);
  *out += '"';
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!NeedsEscape(text[i])) continue;
    *out += text.substr(copied, i - copied);
    AppendEscaped(text[i], out);
    copied = i + 1;
  }
  *out += text.substr(copied);
  *out += '"';
}

void AppendJsonDouble(double value, std::string* out) {
  if (std::isfinite(value)) return AppendNumber(value, out);
  *out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
}

void JsonWriter::Name(Field field) {
  Comma();
  out_ += '"';
  out_ += field.name;
  out_ += "\":";
}

void JsonWriter::TextValue(Field field, std::string_view text) {
  Name(field);
  AppendJsonText(text, &out_);
}

void JsonWriter::BytesValue(Field field, std::string_view bytes) {
  Name(field);
  out_ += '"';
  AppendBase64(bytes, &out_);
  out_ += '"';
}

void JsonWriter::BoolValue(Field field, bool value) {
  Name(field);
  out_ += value ? "true" : "false";
}

void JsonWriter::DoubleValue(Field field, double value) {
  Name(field);
  AppendJsonDouble(value, &out_);
}

void JsonWriter::Number(Field field, int64_t value) {
  Name(field);
  AppendNumber(value, &out_);
}

template <typename T>
void JsonWriter::QuotedNumber(Field field, T value) {
  Name(field);
  out_ += '"';
  AppendNumber(value, &out_);
  out_ += '"';
}
template void JsonWriter::QuotedNumber(Field, uint64_t);
template void JsonWriter::QuotedNumber(Field, int64_t);

void JsonWriter::Uint64s(Field field, std::span<const uint64_t> values) {
  if (values.empty()) return;
  Begin(field);
  for (const uint64_t value : values) {
    Comma();
    out_ += '"';
    AppendNumber(value, &out_);
    out_ += '"';
  }
  End();
}

void JsonWriter::Doubles(Field field, std::span<const double> values) {
  if (values.empty()) return;
  Begin(field);
  for (const double value : values) {
    Comma();
    AppendJsonDouble(value, &out_);
  }
  End();
}

}  // namespace otel::internal
