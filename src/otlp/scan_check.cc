#include "otlp/scan_check.h"

#include <string>

#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

std::string_view WireTypeName(WireType type) {
  switch (type) {
    case WireType::kVarint:
      return "varint";
    case WireType::kFixed64:
      return "fixed64";
    case WireType::kBytes:
      return "length-delimited";
    case WireType::kFixed32:
      return "fixed32";
    default:
      return "group";
  }
}

std::string FieldName(Message message, uint64_t number) {
  const MessageInfo& info = Info(message);
  if (number <= kFieldNumberMax && info.fields[number].wire_types != 0)
    return fmt::format("{}.{} (field {})", info.name, info.fields[number].name, number);
  return fmt::format("{} (unknown field {})", info.name, number);
}

// Whether an AnyValue is one scalar field and nothing else.
bool IsPlainValue(const uint8_t* at, size_t size) {
  if (size < 2) return size == 0;
  switch (at[0]) {
    case field::any_value::kString:
    case field::any_value::kBytes:
      if (at[1] < 0x80) return size == 2 + size_t{at[1]};
      return size > 3 && at[2] < 0x80 && size == 3 + (size_t{at[1]} & 0x7f) + (size_t{at[2]} << 7);
    case field::any_value::kBool:
    case field::any_value::kInt:
      return size == 2 ? at[1] < 0x80 : size == 3 && at[1] >= 0x80 && at[2] < 0x80;
    case field::any_value::kDouble:
      return size == 9;
    default:
      return false;
  }
}

// Nearly every attribute is a key and a plain value, each with a one- or two-byte length: seen at a glance. False says
// nothing but that a closer look is needed.
bool IsPlainAttribute(std::string_view key_value) {
  const auto* at = reinterpret_cast<const uint8_t*>(key_value.data());
  const size_t size = key_value.size();
  if (size < 4 || at[0] != field::key_value::kKey || at[1] >= 0x80) return false;
  const size_t value = 2 + size_t{at[1]};
  if (size < value + 2 || at[value] != field::key_value::kValue) return false;
  const uint8_t low = at[value + 1];
  if (low < 0x80) return size == value + 2 + low && IsPlainValue(at + value + 2, low);
  if (size < value + 3 || at[value + 2] >= 0x80) return false;
  const size_t value_size = (size_t{low} & 0x7f) + (size_t{at[value + 2]} << 7);
  return size == value + 3 + value_size && IsPlainValue(at + value + 3, value_size);
}

}  // namespace

// Beyond the limit nothing is walked: the item is refused, so nobody reads these bytes, and recursion stays bounded.
bool WireCheck::AllAt(Message message, std::string_view bytes, uint32_t depth) {
  if (message == Message::kAnyValue && ++depth > value_depth_max_) {
    too_deep_ = true;
    return true;
  }
  if (message == Message::kKeyValue && depth < value_depth_max_ && IsPlainAttribute(bytes)) return true;
  FieldReader fields(bytes);
  while (fields.Next())
    if (!FieldAt(message, fields, depth)) return false;
  return fields.fault() == WireFault::kNone || Malformed(message, fields);
}

bool WireCheck::Packed(Message message, const FieldInfo& field, const FieldReader& fields) {
  const bool right = field.kind == FieldKind::kUint64s ? ForEachPackedVarint(fields.bytes(), [](uint64_t) {})
                                                       : fields.bytes().size() % 8 == 0;
  if (right) return true;
  return Stop(fields.field(), fmt::format("{} has packed numbers that do not fill its {} bytes",
                                          FieldName(message, TagNumber(fields.tag())), fields.bytes().size()));
}

bool WireCheck::WrongType(Message message, const FieldInfo& field, const FieldReader& fields) {
  std::string wanted;
  for (const WireType type : {WireType::kVarint, WireType::kFixed64, WireType::kBytes, WireType::kFixed32})
    if (field.Accepts(static_cast<uint32_t>(type)))
      wanted += fmt::format("{}{}", wanted.empty() ? "" : " or ", WireTypeName(type));
  return Stop(fields.field(), fmt::format("{} has wire type {}, not {}", FieldName(message, TagNumber(fields.tag())),
                                          WireTypeName(TagType(fields.tag())), wanted));
}

bool WireCheck::Malformed(Message message, const FieldReader& fields) {
  // The fault may lie in the tag itself: then the reader has none to tell.
  uint64_t tag = 0;
  WireFault fault = WireFault::kNone;
  const bool tagged = ReadVarint(fields.field(), request_.data() + request_.size(), tag, fault) != nullptr;
  const bool named = tagged && tag >= 8 && tag <= UINT32_MAX;
  return Stop(fields.field(),
              fmt::format("{} {}", named ? FieldName(message, tag >> 3) : std::string(Info(message).name),
                          WireFaultText(fields.fault())));
}

bool WireCheck::Stop(const char* at, std::string_view what) {
  error_ = Error{Code::kInvalidArgument, fmt::format("not a valid {}: at byte {} of {}: {}",
                                                     Info(request_message_).name, Offset(at), request_.size(), what)};
  return false;
}

}  // namespace sightline::otlp
