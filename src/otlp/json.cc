#include "otlp/json.h"

#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "otlp/json_values.h"
#include "otlp/wire_schema.h"
#include "otlp/wire_writer.h"

namespace sightline::otlp {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view TypeName(ondemand::json_type type) {
  switch (type) {
    case ondemand::json_type::array:
      return "an array";
    case ondemand::json_type::object:
      return "an object";
    case ondemand::json_type::number:
      return "a number";
    case ondemand::json_type::string:
      return "a string";
    case ondemand::json_type::boolean:
      return "a boolean";
    case ondemand::json_type::null:
      return "null";
  }
  return "no value";
}

// What is wrong with the text itself, in the words of who wrote it.
std::string FaultText(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return "the body is empty";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "the text does not end in the brace or bracket that its beginning needs";
    case simdjson::TAPE_ERROR:
      return "no JSON: a comma, a colon, a brace or the quotes of a name or a text are missing, or there is one too "
             "many";
    case simdjson::INCORRECT_TYPE:
      return "no JSON object";
    case simdjson::UNCLOSED_STRING:
      return "a text is not closed by quotes";
    case simdjson::STRING_ERROR:
      return "a text has an escape that JSON does not know, or half a surrogate pair";
    case simdjson::UNESCAPED_CHARS:
      return "a text has a control character that is not escaped";
    case simdjson::UTF8_ERROR:
      return "the text is not valid UTF-8";
    default:
      return simdjson::error_message(error);
  }
}

// Walks the JSON once, message by message along the table of fields, and writes each field as it comes. Functions
// return false at a fault; what_ then says it, and path_ is put together on the way back up. Thread: one.
class Transcoder {
 public:
  Transcoder(Signal signal, const Limits& limits)
      : request_(RequestMessage(signal)), depth_max_(std::min(limits.value_depth_max, kValueDepthCap)) {}

  Result<std::string> Run(std::string_view json) {
    if (json.starts_with("\xEF\xBB\xBF")) {
      what_ = "a byte order mark stands before the object";
      return Error(simdjson::SUCCESS);
    }
    const simdjson::padded_string padded(json);
    ondemand::parser parser;
    ondemand::document document;
    writer_.Reserve(json.size() / 2);
    if (const auto error = parser.iterate(padded).get(document)) return Error(error);
    ondemand::object object;
    ondemand::json_type type{};
    if (const auto error = document.type().get(type)) return Error(error);
    if (type != ondemand::json_type::object) {
      what_ = fmt::format("an object is wanted, not {}", TypeName(type));
      return Error(simdjson::SUCCESS);
    }
    if (const auto error = document.get_object().get(object)) return Error(error);
    if (!Object(request_, object, 0)) return Error(simdjson::SUCCESS);
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      what_ = "more text behind the end of the object";
      return Error(simdjson::SUCCESS);
    }
    return writer_.Take();
  }

 private:
  bool Object(Message message, ondemand::object& object, uint32_t depth);
  bool Field(uint32_t number, const FieldInfo& field, ondemand::value& value, uint32_t depth);
  bool Array(uint32_t number, const FieldInfo& field, ondemand::array& array, uint32_t depth);
  bool Nested(uint32_t number, const FieldInfo& field, ondemand::value& value, uint32_t depth);
  bool Scalar(uint32_t number, const FieldInfo& field, ondemand::value& value);
  bool Number(uint32_t number, const FieldInfo& field, std::string_view text);
  bool Double(uint32_t tag, std::string_view text, bool tagged);

  bool Wrong(std::string what) {
    what_ = std::move(what);
    return false;
  }
  bool Wrong(simdjson::error_code error) { return Wrong(FaultText(error)); }

  std::unexpected<sightline::Error> Error(simdjson::error_code error) {
    if (error != simdjson::SUCCESS) Wrong(error);
    return Fail(Code::kInvalidArgument, "not a valid {} in JSON: at ${}: {}", Info(request_).name, path_, what_);
  }

  const Message request_;
  const uint32_t depth_max_;
  WireWriter writer_;
  std::string what_, path_;
};

// The field of that JSON name, 0 if there is none.
uint32_t NumberOf(const MessageInfo& message, std::string_view name) {
  for (uint32_t number = 1; number <= kFieldNumberMax; ++number) {
    const FieldInfo& field = message.fields[number];
    if (field.json_name_size == name.size() && name == std::string_view(field.json_name.data(), name.size()))
      return name.empty() ? 0 : number;
  }
  return 0;
}

bool Transcoder::Object(Message message, ondemand::object& object, uint32_t depth) {
  const MessageInfo& info = Info(message);
  for (auto entry : object) {
    ondemand::field member;
    if (const auto error = std::move(entry).get(member)) return Wrong(error);
    std::string_view key;
    if (const auto error = member.unescaped_key().get(key)) return Wrong(error);
    const uint32_t number = NumberOf(info, key);
    if (number == 0) continue;
    if (!Field(number, info.fields[number], member.value(), depth)) {
      path_.insert(0, fmt::format(".{}", key));
      return false;
    }
  }
  return true;
}

bool Transcoder::Field(uint32_t number, const FieldInfo& field, ondemand::value& value, uint32_t depth) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return Wrong(error);
  if (type == ondemand::json_type::null) {
    bool null = false;
    if (const auto error = simdjson::simdjson_result<bool>(value.is_null()).get(null)) return Wrong(error);
    return null || Wrong("neither null nor another value");
  }
  if (!field.repeated)
    return field.message == Message::kNone ? Scalar(number, field, value) : Nested(number, field, value, depth);
  if (type != ondemand::json_type::array) return Wrong(fmt::format("an array is wanted, not {}", TypeName(type)));
  ondemand::array array;
  if (const auto error = value.get_array().get(array)) return Wrong(error);
  return Array(number, field, array, depth);
}

bool Transcoder::Array(uint32_t number, const FieldInfo& field, ondemand::array& array, uint32_t depth) {
  const bool packed = field.message == Message::kNone;
  const size_t begin = packed ? writer_.Begin(Tag(number, WireType::kBytes)) : 0;
  size_t index = 0;
  for (auto element : array) {
    ondemand::value value;
    bool right = false;
    if (const auto error = std::move(element).get(value)) {
      Wrong(error);
    } else {
      right = packed ? Scalar(number, field, value) : Nested(number, field, value, depth);
    }
    if (!right) {
      path_.insert(0, fmt::format("[{}]", index));
      return false;
    }
    ++index;
  }
  if (packed) writer_.End(begin);
  return true;
}

// One level deeper than allowed stays an empty value: the scan refuses the item by it, and nothing below is looked at.
bool Transcoder::Nested(uint32_t number, const FieldInfo& field, ondemand::value& value, uint32_t depth) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return Wrong(error);
  const bool any_value = field.message == Message::kAnyValue;
  if (type != ondemand::json_type::object && !(any_value && type == ondemand::json_type::null))
    return Wrong(fmt::format("an object is wanted, not {}", TypeName(type)));
  const size_t begin = writer_.Begin(Tag(number, WireType::kBytes));
  const uint32_t inner_depth = depth + (any_value ? 1 : 0);
  if (type == ondemand::json_type::object && inner_depth <= depth_max_) {
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return Wrong(error);
    if (!Object(field.message, object, inner_depth)) return false;
  }
  writer_.End(begin);
  return true;
}

bool Transcoder::Scalar(uint32_t number, const FieldInfo& field, ondemand::value& value) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return Wrong(error);
  const auto wanted = [&](std::string_view what) {
    return Wrong(fmt::format("{} is wanted, not {}", what, TypeName(type)));
  };
  if (field.kind == FieldKind::kBool) {
    bool flag = false;
    if (type != ondemand::json_type::boolean) return wanted("true or false");
    if (const auto error = value.get_bool().get(flag)) return Wrong(error);
    writer_.Varint(Tag(number, WireType::kVarint), flag ? 1 : 0);
    return true;
  }
  const bool textual =
      field.kind == FieldKind::kString || field.kind == FieldKind::kBytes || field.kind == FieldKind::kId;
  if (type == ondemand::json_type::number && !textual) {
    std::string_view token = value.raw_json_token();
    token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
    // By its sign the parser takes -Infinity for a number, which it is only in quotes.
    const size_t digit = token.starts_with('-') ? 1 : 0;
    if (digit == token.size() || token[digit] < '0' || token[digit] > '9') {
      return Wrong(
          fmt::format("{} is no number in JSON: NaN, Infinity and -Infinity stand in quotes", token.substr(0, 64)));
    }
    return Number(number, field, token);
  }
  if (type != ondemand::json_type::string) return wanted(textual ? "a string" : "a number or a string");
  std::string_view text;
  if (const auto error = value.get_string().get(text)) return Wrong(error);
  if (!textual) return Number(number, field, text);

  const uint32_t tag = Tag(number, WireType::kBytes);
  if (field.kind == FieldKind::kString) {
    writer_.Bytes(tag, text);
  } else if (field.kind == FieldKind::kId) {
    writer_.Bytes(tag, HexIdBytes(text));
  } else if (const std::optional<std::string> bytes = Base64Bytes(text)) {
    writer_.Bytes(tag, *bytes);
  } else {
    return Wrong("not base64");
  }
  return true;
}

bool Transcoder::Double(uint32_t tag, std::string_view text, bool tagged) {
  std::optional<double> value = ParseDouble(text);
  if (text == "NaN") value = std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") value = std::numeric_limits<double>::infinity();
  if (text == "-Infinity") value = -std::numeric_limits<double>::infinity();
  if (!value) return Wrong(fmt::format("\"{}\" is no number in the range of doubles", text.substr(0, 64)));
  if (tagged) {
    writer_.Fixed64(tag, std::bit_cast<uint64_t>(*value));
  } else {
    writer_.RawFixed64(std::bit_cast<uint64_t>(*value));
  }
  return true;
}

// The token of a JSON number, or the text of a string in its place.
bool Transcoder::Number(uint32_t number, const FieldInfo& field, std::string_view text) {
  const auto out_of_range = [&](std::string_view range) {
    return Wrong(fmt::format("\"{}\" is no whole number {}", text.substr(0, 64), range));
  };
  const auto within = [](std::optional<int64_t> value, int64_t from, int64_t to) {
    return value && *value >= from && *value <= to;
  };
  switch (field.kind) {
    case FieldKind::kDouble:
      return Double(Tag(number, WireType::kFixed64), text, true);
    case FieldKind::kDoubles:
      return Double(0, text, false);
    case FieldKind::kFixed64:
    case FieldKind::kFixed64s:
    case FieldKind::kUint64s: {
      const std::optional<uint64_t> value = ParseUint64(text);
      if (!value) return out_of_range("of 64 bits without sign");
      if (field.kind == FieldKind::kFixed64) writer_.Fixed64(Tag(number, WireType::kFixed64), *value);
      if (field.kind == FieldKind::kFixed64s) writer_.RawFixed64(*value);
      if (field.kind == FieldKind::kUint64s) writer_.Raw(*value);
      return true;
    }
    default:
      break;
  }
  const std::optional<int64_t> value = ParseInt64(text);
  switch (field.kind) {
    case FieldKind::kInt64:
      if (!value) return out_of_range("of 64 bits");
      writer_.Varint(Tag(number, WireType::kVarint), static_cast<uint64_t>(*value));
      return true;
    case FieldKind::kSfixed64:
      if (!value) return out_of_range("of 64 bits");
      writer_.Fixed64(Tag(number, WireType::kFixed64), static_cast<uint64_t>(*value));
      return true;
    case FieldKind::kUint32:
    case FieldKind::kFixed32:
      if (!within(value, 0, std::numeric_limits<uint32_t>::max())) return out_of_range("of 32 bits without sign");
      if (field.kind == FieldKind::kUint32) {
        writer_.Varint(Tag(number, WireType::kVarint), static_cast<uint64_t>(*value));
      } else {
        writer_.Fixed32(Tag(number, WireType::kFixed32), static_cast<uint32_t>(*value));
      }
      return true;
    case FieldKind::kEnum:
    case FieldKind::kSint32: {
      if (!within(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()))
        return out_of_range("of 32 bits");
      const auto zigzag = static_cast<uint32_t>((*value << 1) ^ (*value >> 63));
      writer_.Varint(Tag(number, WireType::kVarint),
                     field.kind == FieldKind::kEnum ? static_cast<uint64_t>(*value) : zigzag);
      return true;
    }
    default:
      return Wrong("no number is wanted here");
  }
}

}  // namespace

Result<std::string> JsonToProtobuf(Signal signal, std::string_view json, const Limits& limits) {
  return Transcoder(signal, limits).Run(json);
}

}  // namespace sightline::otlp
