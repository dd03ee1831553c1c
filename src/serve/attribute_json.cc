#include "serve/attribute_json.h"

#include <simdjson.h>

#include <charconv>
#include <set>

namespace sightline::serve {
namespace {

bool IsJson(const std::string& text) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element element;
  return parser.parse(text).get(element) == simdjson::SUCCESS;
}

template <typename T>
bool ParseWhole(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// False where the text is not of that type after all: then it is shown as the text it is.
bool WriteTyped(JsonWriter& json, char type, const std::string& text) {
  int64_t integer = 0;
  double number = 0;
  switch (type) {
    case 'i':
      if (!ParseWhole(text, integer)) return false;
      json.Int(integer);
      return true;
    case 'd':
      if (!ParseWhole(text, number)) return false;
      json.Double(number);
      return true;
    case 'b':
      json.Bool(text == "true");
      return true;
    case 'x':
      json.Begin('{').Key("bytes").String(text).End('}');
      return true;
    case 'a':
    case 'm':
      if (!IsJson(text)) return false;  // a value that was cut on the way in
      json.Raw(text);
      return true;
    case 'e':
      json.Null();
      return true;
    default:
      return false;
  }
}

}  // namespace

void WriteValue(JsonWriter& json, char type, const std::string& text) {
  if (!WriteTyped(json, type, text)) json.String(text);
}

void WriteMembers(JsonWriter& json, const std::vector<query::Attribute>& attributes) {
  for (const auto& attribute : attributes) {
    json.Key(attribute.key);
    WriteValue(json, attribute.type, attribute.text);
  }
}

void WriteAttributes(JsonWriter& json, const std::vector<query::Attribute>& attributes, uint32_t dropped) {
  json.Key("attributes").Begin('{');
  WriteMembers(json, attributes);
  json.End('}');
  if (dropped > 0) json.Key("dropped_attributes_count").UInt(dropped);
}

void WriteScope(JsonWriter& json, const std::string& name, const std::string& version, const std::string& set_id) {
  json.Key("scope").Begin('{').Key("name").String(name).Key("version").String(version);
  if (!set_id.empty()) json.Key("set").String(set_id);
  json.End('}');
}

void WriteAttributeSets(JsonWriter& json, const std::vector<query::AttributeSet>& sets) {
  std::set<std::string> written;
  json.Key("attribute_sets").Begin('{');
  for (const auto& set : sets) {
    if (!written.insert(set.id).second) continue;
    json.Key(set.id).Begin('{');
    WriteAttributes(json, set.attributes, set.dropped_attributes);
    json.Key("schema_url").String(set.schema_url).End('}');
  }
  json.End('}');
}

}  // namespace sightline::serve
