// The part of the scan that decides nothing but whether bytes are what OTLP's messages look like: wire types of known
// fields, lengths, packed numbers, nesting of values. Data: a message's bytes -> right, or an error with field and
// offset; and whether a value in it is nested too deep (which is no error of the request).
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "otlp/wire.h"
#include "otlp/wire_schema.h"

namespace sightline::otlp {

// Functions return false when the request is malformed; TakeError then says how, and nothing else must be asked.
// Thread: one.
class WireCheck {
 public:
  // `request` outlives the check; all bytes given later lie in it. With `trusted` bytes (they were checked before)
  // fields pass unseen.
  WireCheck(std::string_view request, Message request_message, uint32_t value_depth_max, bool trusted)
      : request_(request), request_message_(request_message), value_depth_max_(value_depth_max), trusted_(trusted) {}

  // The field that `fields` stands on, with all that is in it.
  bool Field(Message message, const FieldReader& fields) { return trusted_ || FieldAt(message, fields, 0); }

  // Every field of a message.
  bool All(Message message, std::string_view bytes) { return trusted_ || AllAt(message, bytes, 0); }

  // After a walk: whether it came to the end without a fault.
  bool Ended(Message message, const FieldReader& fields) {
    return fields.fault() == WireFault::kNone || Malformed(message, fields);
  }

  uint32_t value_depth_max() const { return value_depth_max_; }
  bool too_deep() const { return too_deep_; }
  void set_too_deep(bool too_deep) { too_deep_ = too_deep; }

  // An error of the whole request, at a byte of it. Always false.
  bool Stop(const char* at, std::string_view what);

  Error TakeError() { return std::move(error_); }
  uint32_t Offset(const char* at) const { return static_cast<uint32_t>(at - request_.data()); }

 private:
  bool FieldAt(Message message, const FieldReader& fields, uint32_t depth) {
    const uint32_t number = TagNumber(fields.tag());
    if (number > kFieldNumberMax) return true;
    const FieldInfo& field = Info(message).fields[number];
    if (!field.Accepts(fields.tag())) [[unlikely]]
      return field.wire_types == 0 || WrongType(message, field, fields);
    if (field.message != Message::kNone) return AllAt(field.message, fields.bytes(), depth);
    return !field.repeated || TagType(fields.tag()) != WireType::kBytes || Packed(message, field, fields);
  }

  bool AllAt(Message message, std::string_view bytes, uint32_t depth);
  bool Packed(Message message, const FieldInfo& field, const FieldReader& fields);
  bool WrongType(Message message, const FieldInfo& field, const FieldReader& fields);
  bool Malformed(Message message, const FieldReader& fields);

  const std::string_view request_;
  const Message request_message_;
  const uint32_t value_depth_max_;
  const bool trusted_;
  bool too_deep_ = false;
  Error error_;
};

}  // namespace sightline::otlp
