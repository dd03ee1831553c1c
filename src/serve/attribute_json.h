// Attributes as JSON. Values keep their types: integers are integers, doubles have a point or an exponent, arrays and
// maps are JSON, bytes are {"bytes":"<base64>"}, an empty value is null. What log records and spans share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/attributes.h"
#include "serve/json_writer.h"

namespace sightline::serve {

void WriteValue(JsonWriter& json, char type, const std::string& text);

// "key":value of each.
void WriteMembers(JsonWriter& json, const std::vector<query::Attribute>& attributes);

// "attributes":{…}, and "dropped_attributes_count" where some were dropped.
void WriteAttributes(JsonWriter& json, const std::vector<query::Attribute>& attributes, uint32_t dropped);

// "scope":{…}; `set_id` "": the scope has nothing but name and version.
void WriteScope(JsonWriter& json, const std::string& name, const std::string& version, const std::string& set_id);

// "attribute_sets":{…}. A set that is given twice is written once.
void WriteAttributeSets(JsonWriter& json, const std::vector<query::AttributeSet>& sets);

}  // namespace sightline::serve
