#include "otlp/scan_check.h"

#include <string>

#include "otlp/plain_attribute.h"
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

}  // namespace

// Beyond the limit nothing is walked: the item is refused, so nobody reads these bytes, and recursion stays bounded.
bool WireCheck::AllAt(Message message, std::string_view bytes, uint32_t depth) {
  if (message == Message::kAnyValue && ++depth > value_depth_max_) {
    too_deep_ = true;
    return true;
  }
  if (PlainAttribute plain; message == Message::kKeyValue && depth < value_depth_max_ && SplitPlain(bytes, plain) &&
                            IsPlainValue(plain.value)) {
    return true;
  }
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
