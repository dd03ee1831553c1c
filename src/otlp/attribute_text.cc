#include "otlp/attribute_text.h"

#include <simdjson.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The scan refuses deeper values long before; this only bounds the stack whatever the limits say.
constexpr int kJsonDepthMax = 256;

constexpr std::string_view kMarkNames[Marks::kCount] = {
    "utf8",         "attributes_cut", "value_cut",        "events_cut", "links_cut",
    "time_missing", "time_clamped",   "end_before_start", "id_dropped",
};

bool IsContinuation(char c) {
  return (static_cast<uint8_t>(c) & 0xC0) == 0x80;
}

// Length of the valid character at the start of `text`, or 0; `consumed` is how much of an invalid one to replace.
size_t CharacterLength(std::string_view text, size_t& consumed) {
  const auto lead = static_cast<uint8_t>(text[0]);
  consumed = 1;
  if (lead < 0x80) return 1;
  size_t length;
  uint8_t low = 0x80, high = 0xBF;  // bounds of the second byte: no overlong forms, surrogates, or beyond U+10FFFF
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size()) return 0;
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < low || byte > high) return 0;
    low = 0x80;
    high = 0xBF;
    consumed = i + 1;
  }
  return length;
}

void AppendJsonString(std::string_view text, std::string& out, Marks& marks) {
  std::string repaired;
  if (!IsValidUtf8(text)) {
    marks.Set(Marks::kUtf8);
    RepairUtf8(text, repaired);
    text = repaired;
  }
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<uint8_t>(c) < 0x20) {
          constexpr char kHex[] = "0123456789abcdef";
          out += "\\u00";
          out += kHex[static_cast<uint8_t>(c) >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void AppendJson(const AttributeValue& value, int depth, std::string& out, Marks& marks);

void AppendJsonArray(std::string_view array, int depth, std::string& out, Marks& marks) {
  out += '[';
  bool first = true;
  for (FieldReader fields(array); fields.Next();) {
    if (fields.tag() != field::array_value::kValues) continue;
    if (!first) out += ',';
    first = false;
    AppendJson(ReadAnyValue(fields.bytes()), depth, out, marks);
  }
  out += ']';
}

void AppendJsonMember(std::string_view key_value, bool first, int depth, std::string& out, Marks& marks) {
  if (!first) out += ',';
  const Attribute attribute = ReadKeyValue(key_value);
  AppendJsonString(attribute.key, out, marks);
  out += ':';
  AppendJson(attribute.value, depth, out, marks);
}

void AppendJsonObject(std::string_view list, int depth, std::string& out, Marks& marks) {
  out += '{';
  bool first = true;
  for (FieldReader fields(list); fields.Next();) {
    if (fields.tag() != field::key_value_list::kValues) continue;
    AppendJsonMember(fields.bytes(), first, depth, out, marks);
    first = false;
  }
  out += '}';
}

void AppendJson(const AttributeValue& value, int depth, std::string& out, Marks& marks) {
  char number[32];
  if (depth >= kJsonDepthMax) {
    out += "null";
    return;
  }
  switch (value.type) {
    case 's':
      AppendJsonString(value.bytes, out, marks);
      break;
    case 'b':
      out += value.number != 0 ? "true" : "false";
      break;
    case 'i':
      out.append(number, FormatInt(static_cast<int64_t>(value.number), number) - number);
      break;
    case 'd': {
      const auto real = std::bit_cast<double>(value.number);
      const std::string_view text(number, FormatDouble(real, number) - number);
      if (std::isfinite(real)) {
        out += text;
      } else {  // JSON has no such numbers
        out.append("\"").append(text).append("\"");
      }
      break;
    }
    case 'x':
      out += '"';
      AppendBase64(value.bytes, out);
      out += '"';
      break;
    case 'a':
      AppendJsonArray(value.bytes, depth + 1, out, marks);
      break;
    case 'm':
      AppendJsonObject(value.bytes, depth + 1, out, marks);
      break;
    default:
      out += "null";
  }
}

// A KeyValue as every encoder writes it: key, then value, each once, in less than 128 bytes. False: read it field by
// field. Half of a span's bytes are attributes, and this takes a third of the time that the general way takes.
bool ReadUsualKeyValue(std::string_view key_value, Attribute& attribute) {
  const char* const end = key_value.data() + key_value.size();
  const char* at = key_value.data();
  const auto length = [](const char* place) { return static_cast<size_t>(static_cast<uint8_t>(*place)); };
  if (end - at < 4 || *at != static_cast<char>(field::key_value::kKey) || length(at + 1) >= 0x80) return false;
  attribute.key = {at + 2, length(at + 1)};
  if (static_cast<size_t>(end - at) < attribute.key.size() + 4) return false;
  at += 2 + attribute.key.size();
  if (*at != static_cast<char>(field::key_value::kValue)) return false;
  const size_t size = length(at + 1);
  at += 2;
  if (size >= 0x80 || size < 2 || size != static_cast<size_t>(end - at)) return false;
  AttributeValue& value = attribute.value;
  switch (static_cast<uint32_t>(*at)) {
    case field::any_value::kString:
      value = {'s', {at + 2, size - 2}, 0};
      return length(at + 1) == size - 2;
    case field::any_value::kInt: {
      WireFault fault = WireFault::kNone;
      value = {'i', {}, 0};
      return ReadVarint(at + 1, end, value.number, fault) == end;
    }
    case field::any_value::kDouble:
      if (size != 9) return false;
      value = {'d', {}, 0};
      std::memcpy(&value.number, at + 1, 8);
      return true;
    case field::any_value::kBool:
      value = {'b', {}, at[1] != 0 ? 1u : 0u};
      return size == 2 && length(at + 1) < 0x80;
    default:
      return false;
  }
}

}  // namespace

std::string Marks::Names() const {
  std::string names;
  for (uint32_t i = 0; i < kCount; ++i) {
    if ((bits_ & (1u << i)) == 0) continue;
    if (!names.empty()) names += ',';
    names += kMarkNames[i];
  }
  return names;
}

AttributeValue ReadAnyValue(std::string_view any_value) {
  AttributeValue value;
  for (FieldReader fields(any_value); fields.Next();) {
    switch (fields.tag()) {
      case field::any_value::kString:
        value = {'s', fields.bytes(), 0};
        break;
      case field::any_value::kBool:
        value = {'b', {}, fields.Bool() ? 1u : 0u};
        break;
      case field::any_value::kInt:
        value = {'i', {}, fields.Uint()};
        break;
      case field::any_value::kDouble:
        value = {'d', {}, fields.Uint()};
        break;
      case field::any_value::kArray:
        value = {'a', fields.bytes(), 0};
        break;
      case field::any_value::kKvlist:
        value = {'m', fields.bytes(), 0};
        break;
      case field::any_value::kBytes:
        value = {'x', fields.bytes(), 0};
        break;
      default:
        break;
    }
  }
  return value;
}

Attribute ReadKeyValue(std::string_view key_value) {
  Attribute attribute;
  if (ReadUsualKeyValue(key_value, attribute)) [[likely]]
    return attribute;
  attribute = {};
  for (FieldReader fields(key_value); fields.Next();) {
    if (fields.tag() == field::key_value::kKey) {
      attribute.key = fields.bytes();
    } else if (fields.tag() == field::key_value::kValue) {
      attribute.value = ReadAnyValue(fields.bytes());
    }
  }
  return attribute;
}

char* FormatInt(int64_t value, char* out) {
  return std::to_chars(out, out + 20, value).ptr;
}

char* FormatDouble(double value, char* out) {
  if (!std::isfinite(value)) {
    const std::string_view text = std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
  }
  const double size = std::fabs(value);
  if (size != 0 && (size < 1e-6 || size >= 1e21)) {
    char* end = std::to_chars(out, out + 32, value, std::chars_format::scientific).ptr;
    // "1e-07" -> "1e-7"
    if (end - out >= 4 && end[-4] == 'e' && end[-3] == '-' && end[-2] == '0') {
      end[-2] = end[-1];
      --end;
    }
    return end;
  }
  if (size < 0x1p53) return std::to_chars(out, out + 32, value, std::chars_format::fixed).ptr;
  // Fixed to_chars prints all digits of the binary value; wanted are the shortest digits, filled up with zeros.
  char digits[32];
  const char* end = std::to_chars(digits, digits + 32, size, std::chars_format::scientific).ptr;
  const char* e = digits;
  while (*e != 'e') ++e;
  int exponent = 0;
  std::from_chars(e + 2, end, exponent);  // behind "e+"
  if (value < 0) *out++ = '-';
  int written = 0;
  for (const char* at = digits; at != e; ++at) {
    if (*at == '.') continue;
    *out++ = *at;
    ++written;
  }
  for (; written <= exponent; ++written) *out++ = '0';
  return out;
}

void AppendBase64(std::string_view bytes, std::string& out) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    uint32_t bits = static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << 16;
    if (left > 1) bits |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i + 1])) << 8;
    if (left > 2) bits |= static_cast<uint8_t>(bytes[i + 2]);
    out += kDigits[bits >> 18];
    out += kDigits[bits >> 12 & 63];
    out += left > 1 ? kDigits[bits >> 6 & 63] : '=';
    out += left > 2 ? kDigits[bits & 63] : '=';
  }
}

bool IsValidUtf8(std::string_view text) {
  // Most texts are short and ASCII: eight bytes at a time, the last eight overlapping.
  const char* at = text.data();
  size_t left = text.size();
  uint64_t word = 0, high = 0;
  if (left >= 8) {
    const char* const last = at + left - 8;
    for (; at < last; at += 8) {
      std::memcpy(&word, at, 8);
      high |= word;
    }
    std::memcpy(&word, last, 8);
    high |= word;
  } else {
    for (; left != 0; --left) high |= static_cast<uint64_t>(static_cast<uint8_t>(*at++));
  }
  if ((high & 0x8080808080808080u) == 0) [[likely]]
    return true;
  return simdjson::validate_utf8(text.data(), text.size());
}

void RepairUtf8(std::string_view text, std::string& out) {
  while (!text.empty()) {
    size_t consumed = 0;
    const size_t length = CharacterLength(text, consumed);
    if (length != 0) {
      out.append(text.substr(0, length));
      text.remove_prefix(length);
    } else {
      out.append(kReplacement);
      text.remove_prefix(consumed);
    }
  }
}

namespace {

std::string_view Cut(std::string_view valid, uint32_t bytes_max, Marks& marks) {
  if (valid.size() <= bytes_max) return valid;
  marks.Set(Marks::kValueCut);
  size_t size = bytes_max;
  while (size > 0 && IsContinuation(valid[size])) --size;
  return valid.substr(0, size);
}

}  // namespace

std::string_view TextMender::Mend(std::string_view text, uint32_t bytes_max, Marks& marks) {
  if (!IsValidUtf8(text)) {
    marks.Set(Marks::kUtf8);
    std::string repaired;
    RepairUtf8(text, repaired);
    scratch_ = std::move(repaired);
    text = scratch_;
  }
  return Cut(text, bytes_max, marks);
}

std::string_view TextMender::TextOf(const AttributeValue& value, Marks& marks) {
  switch (value.type) {
    case 's':
      return Clean(value.bytes, marks);
    case 'i':
      return {number_, static_cast<size_t>(FormatInt(static_cast<int64_t>(value.number), number_) - number_)};
    case 'd':
      return {number_, static_cast<size_t>(FormatDouble(std::bit_cast<double>(value.number), number_) - number_)};
    case 'b':
      return value.number != 0 ? "true" : "false";
    case 'x': {
      std::string_view bytes = value.bytes;
      if (bytes.size() > value_bytes_max_) {
        marks.Set(Marks::kValueCut);
        bytes = bytes.substr(0, value_bytes_max_);
      }
      scratch_.clear();
      AppendBase64(bytes, scratch_);
      return scratch_;
    }
    case 'a':
      scratch_.clear();
      AppendJsonArray(value.bytes, 1, scratch_, marks);
      return Cut(scratch_, value_bytes_max_, marks);
    case 'm':
      scratch_.clear();
      AppendJsonObject(value.bytes, 1, scratch_, marks);
      return Cut(scratch_, value_bytes_max_, marks);
    default:
      return {};
  }
}

std::string_view TextMender::JsonObject(const std::vector<std::string_view>& key_values, Marks& marks) {
  scratch_ = "{";
  for (size_t i = 0; i < key_values.size(); ++i) AppendJsonMember(key_values[i], i == 0, 1, scratch_, marks);
  scratch_ += '}';
  return Cut(scratch_, value_bytes_max_, marks);
}

}  // namespace sightline::otlp
