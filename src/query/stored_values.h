// Values as TraceQL evaluates them, of attributes as they are stored. Data: type letters and texts -> typed values.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/attributes.h"
#include "traceql/value.h"

namespace simdjson::dom {
class element;
}

namespace sightline::query {

// Keeps what values refer to, besides the attributes themselves. Bytes and key-value lists are strings to the language:
// base64 and JSON, as they are stored. Thread: of its owner.
class StoredValues {
 public:
  using ByKey = std::vector<std::pair<std::string_view, traceql::Value>>;  // of equal keys the first counts

  traceql::Value Of(const Attribute& attribute);
  ByKey Of(const std::vector<Attribute>& attributes);
  traceql::Value Array(std::vector<traceql::Value> elements);  // nil without elements
  // Null is nil, what is within an array's arrays and objects compares with nothing.
  traceql::Value OfJson(const simdjson::dom::element& element);

  using Values = std::span<const std::pair<std::string_view, traceql::Value>>;
  static traceql::Value Find(Values values, std::string_view key);  // nil: there is none

 private:
  traceql::Value ArrayOf(const std::string& json);

  std::deque<std::vector<traceql::Value>> arrays_;
  std::deque<std::string> texts_;
};

}  // namespace sightline::query
