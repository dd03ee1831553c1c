#include "query/stored_values.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace sightline::query {
namespace {

using traceql::Value;

int64_t WholeOf(std::string_view text) {
  int64_t whole = 0;
  std::from_chars(text.data(), text.data() + text.size(), whole);
  return whole;
}

double DoubleOf(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Value StoredValues::Find(Values values, std::string_view key) {
  const auto found = std::ranges::find(values, key, [](const auto& each) { return each.first; });
  return found == values.end() ? Value::Nil() : found->second;
}

Value StoredValues::Array(std::vector<Value> elements) {
  if (elements.empty()) return Value::Nil();
  return Value::Array(arrays_.emplace_back(std::move(elements)));
}

Value StoredValues::OfJson(const simdjson::dom::element& element) {
  using enum simdjson::dom::element_type;
  switch (element.type()) {
    case INT64:
      return Value::Int(int64_t(element));
    case UINT64:
    case DOUBLE:
      return Value::Float(double(element));
    case BOOL:
      return Value::Bool(bool(element));
    case STRING:
      return Value::String(texts_.emplace_back(std::string_view(element)));
    case NULL_VALUE:
      return Value::Nil();
    case OBJECT:
      return Array({Value::Nil()});
    case ARRAY:
      break;
  }
  std::vector<Value> elements;
  for (const simdjson::dom::element each : simdjson::dom::array(element)) {
    elements.push_back(each.is_array() || each.is_object() ? Value::Nil() : OfJson(each));
  }
  return Value::Array(arrays_.emplace_back(std::move(elements)));
}

Value StoredValues::ArrayOf(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json).get(element) == simdjson::SUCCESS && element.is_array()) return OfJson(element);
  return Value::Array(arrays_.emplace_back());
}

Value StoredValues::Of(const Attribute& attribute) {
  switch (attribute.type) {
    case 'i':
      return Value::Int(WholeOf(attribute.text));
    case 'd':
      return Value::Float(DoubleOf(attribute.text));
    case 'b':
      return Value::Bool(attribute.text == "true");
    case 'a':
      return ArrayOf(attribute.text);
    case 'e':
      return Value::Nil();
    default:
      return Value::String(attribute.text);
  }
}

StoredValues::ByKey StoredValues::Of(const std::vector<Attribute>& attributes) {
  ByKey values;
  for (const Attribute& attribute : attributes) values.emplace_back(attribute.key, Of(attribute));
  return values;
}

}  // namespace sightline::query
