// Conditions of pages on spans and log records -> SQL with bound parameters.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/rows.h"

namespace sightline::query {

// The attribute has this value, compared as text: on the item or, where the item has no such key, on its resource.
struct AttributeCondition {
  std::string key, value;
  bool resource_only = false;
};
// KEY=VALUE, or resource.KEY=VALUE. kInvalidArgument without a key or a "=".
Result<AttributeCondition> ParseAttributeCondition(std::string_view text);

// The WHERE of one statement. Values are bound, never part of the text. Thread: of its owner.
class Conditions {
 public:
  // Joined to the others with AND. Braces keep an OR together: the caller's.
  void Add(std::string_view sql);
  // The same for a condition that brings its values, whose names begin with no underscore.
  void AddBound(std::string_view sql, const std::map<std::string, std::string>& parameters) {
    Add(sql);
    parameters_.insert(parameters.begin(), parameters.end());
  }
  // Stands for the value in the text: Add("Duration >= " + Bind("UInt64", "5")). Names do not collide with names that
  // have no underscore in front.
  std::string Bind(std::string_view type, std::string value);
  std::string BindText(std::string value) { return Bind("String", std::move(value)); }

  // Of the column ServiceName. None: any; "": items whose resource names no service.
  void AddService(const std::optional<std::string>& service);

  // Of the column Timestamp; [from, to).
  void AddTimeRange(int64_t from_unix_nanos, int64_t to_unix_nanos);

  std::string Sql() const { return sql_.empty() ? "1" : sql_; }
  const std::map<std::string, std::string>& parameters() const { return parameters_; }

 private:
  std::string sql_;
  std::map<std::string, std::string> parameters_;
};

// Where the attributes of a table's items are.
struct AttributeColumns {
  std::string_view map;  // "SpanAttributes"
  // Those that have a column "a.KEY" (not empty: the value; empty: look into the map).
  const std::vector<otlp::HotAttribute>* hot = nullptr;
};

// All of `wanted` must hold. Asks the store which resources fit (column ResourceId).
Result<void> AddAttributeConditions(Conditions& conditions, const std::vector<AttributeCondition>& wanted,
                                    const AttributeColumns& columns, Question& question);

// For the parameter type Int64 in fromUnixTimestamp64Nano: DateTime64(9) holds 1900 to 2262, beyond it the engine
// wraps.
std::string NanosText(int64_t unix_nanos);

}  // namespace sightline::query
