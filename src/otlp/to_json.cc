#include "otlp/to_json.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "base/hex.h"
#include "base/json_text.h"
#include "otlp/attribute_text.h"
#include "otlp/wire.h"

namespace sightline::otlp {
namespace {

void AppendDouble(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    out += fmt::format("{}", value);
  }
}

// True where proto3 has it as the default, so that it need not be written.
bool IsDefault(const FieldInfo& field, const FieldReader& reader) {
  switch (field.kind) {
    case FieldKind::kString:
    case FieldKind::kBytes:
    case FieldKind::kId:
      return reader.bytes().empty();
    case FieldKind::kBool:
    case FieldKind::kEnum:
    case FieldKind::kInt64:
    case FieldKind::kUint32:
    case FieldKind::kSint32:
    case FieldKind::kFixed32:
    case FieldKind::kFixed64:
    case FieldKind::kSfixed64:
    case FieldKind::kDouble:
      return reader.Uint() == 0;
    default:
      return false;
  }
}

void AppendQuoted(std::string_view plain, std::string& out) {
  out += '"';
  out += plain;
  out += '"';
}

void AppendNumber(FieldKind kind, uint64_t bits, std::string& out) {
  if (kind == FieldKind::kDoubles) return AppendDouble(std::bit_cast<double>(bits), out);
  AppendQuoted(fmt::format_int(bits).str(), out);
}

// Numbers of a list: all of them, or one.
void AppendNumbers(FieldKind kind, const FieldReader& reader, std::string& out) {
  if (TagType(reader.tag()) != WireType::kBytes) return AppendNumber(kind, reader.Uint(), out);
  bool first = true;
  const auto append = [&](uint64_t bits) {
    if (!first) out += ',';
    first = false;
    AppendNumber(kind, bits, out);
  };
  if (kind == FieldKind::kUint64s) {
    ForEachPackedVarint(reader.bytes(), append);
  } else {
    ForEachPackedFixed64(reader.bytes(), append);
  }
}

void AppendValue(const FieldInfo& field, const FieldReader& reader, std::string& out) {
  switch (field.kind) {
    case FieldKind::kMessage:
      return AppendJson(field.message, reader.bytes(), out);
    case FieldKind::kString:
      return AppendJsonString(out, reader.bytes());
    case FieldKind::kBytes:
      out += '"';
      AppendBase64(reader.bytes(), out);
      out += '"';
      return;
    case FieldKind::kId:
      return AppendQuoted(HexEncode(reader.bytes()), out);
    case FieldKind::kBool:
      out += reader.Bool() ? "true" : "false";
      return;
    case FieldKind::kEnum:
      out += fmt::format_int(reader.Int32()).str();
      return;
    case FieldKind::kInt64:
      return AppendQuoted(fmt::format_int(reader.Int()).str(), out);
    case FieldKind::kUint32:
    case FieldKind::kFixed32:
      out += fmt::format_int(reader.Uint32()).str();
      return;
    case FieldKind::kSint32:
      out += fmt::format_int(reader.Sint32()).str();
      return;
    case FieldKind::kFixed64:
      return AppendQuoted(fmt::format_int(reader.Uint()).str(), out);
    case FieldKind::kSfixed64:
      return AppendQuoted(fmt::format_int(reader.Int()).str(), out);
    case FieldKind::kDouble:
      return AppendDouble(reader.Double(), out);
    case FieldKind::kFixed64s:
    case FieldKind::kDoubles:
    case FieldKind::kUint64s:
      return AppendNumbers(field.kind, reader, out);
    case FieldKind::kUnknown:
      return;
  }
}

// JSON has the elements of a list in one place; on the wire they may lie apart.
void AppendList(const FieldInfo& field, uint32_t tag, std::string_view bytes, std::string& out) {
  out += '[';
  const size_t begin = out.size();
  for (FieldReader reader(bytes); reader.Next();) {
    if (reader.tag() != tag) continue;
    if (out.size() > begin) out += ',';
    AppendValue(field, reader, out);
  }
  out += ']';
}

}  // namespace

void AppendJson(Message message, std::string_view bytes, std::string& out) {
  const MessageInfo& info = Info(message);
  uint32_t lists_done = 0;
  out += '{';
  const size_t begin = out.size();
  for (FieldReader reader(bytes); reader.Next();) {
    const uint32_t number = TagNumber(reader.tag());
    if (number > kFieldNumberMax) continue;
    const FieldInfo& field = info.fields[number];
    if (field.json_name_size == 0 || !field.Accepts(reader.tag())) continue;
    if (field.repeated ? (lists_done >> number & 1) != 0 : message != Message::kAnyValue && IsDefault(field, reader)) {
      continue;
    }
    if (out.size() > begin) out += ',';
    AppendQuoted(std::string_view(field.json_name.data(), field.json_name_size), out);
    out += ':';
    if (!field.repeated) {
      AppendValue(field, reader, out);
      continue;
    }
    lists_done |= 1U << number;
    AppendList(field, reader.tag(), bytes, out);
  }
  out += '}';
}

}  // namespace sightline::otlp
