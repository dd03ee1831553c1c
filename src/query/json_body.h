// What is within log bodies that are JSON objects: key-value lists, which are stored as JSON, and texts that hold one.
// Data: a body's text -> values by the path of their keys. SQL reads the same (traceql/sql_body.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "query/stored_values.h"
#include "traceql/value.h"

namespace sightline::query {

// In SQL, of rows that may have such a body. Long ones are not looked through for fields.
inline constexpr const char* kIsJsonBody = "startsWith(trimLeft(Body), '{') AND length(Body) <= 32768";

// The body of one record. Thread: of its owner.
class JsonBody {
 public:
  // No object: nothing is in it.
  explicit JsonBody(std::string_view text);
  ~JsonBody();

  // Behind these keys, from the outermost on. An object is an array of one value that compares with nothing. Nil:
  // absent or null. As long as this and `values`.
  traceql::Value At(std::span<const std::string> path, StoredValues& values) const;

 private:
  struct Document;
  std::unique_ptr<Document> document_;  // null: no object
};

// The fields that bodies have, that is paths to what is no object. Objects within arrays are not looked into.
// Thread: of its owner.
class BodyFields {
 public:
  static constexpr size_t kFieldsMax = 2000;  // more are not told apart
  static constexpr size_t kDepthMax = 10;     // keys of a path

  struct Field {
    uint64_t bodies = 0;                // that have it
    std::unordered_set<size_t> values;  // their hashes
  };

  BodyFields();
  ~BodyFields();
  void Add(std::string_view text);  // of a body
  const std::map<std::vector<std::string>, Field>& fields() const { return fields_; }

 private:
  struct Walk;
  std::unique_ptr<Walk> walk_;
  std::map<std::vector<std::string>, Field> fields_;
};

}  // namespace sightline::query
