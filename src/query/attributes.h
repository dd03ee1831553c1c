// Attributes as answers carry them, and the resources and scopes that items name by id.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/rows.h"

namespace sightline::query {

// `type` is a letter of the Types columns: s string, i int, d double, b bool, x bytes (base64), a array (JSON), m
// key-value list (JSON), e empty.
struct Attribute {
  std::string key;
  char type = 's';
  std::string text;
};

// A resource, or a scope that has more than a name and a version.
struct AttributeSet {
  std::string id;
  std::vector<Attribute> attributes;
  std::string schema_url;
  uint32_t dropped_attributes = 0;
};

// `types` has one letter for each attribute, in their order; a missing one means a string.
void SetTypes(std::vector<Attribute>& attributes, const std::string& types);
// A Map(String, String) of texts.
std::vector<Attribute> ReadMap(RowReader& row);
std::vector<std::vector<Attribute>> ReadMaps(RowReader& row);

// Reads attribute sets and remembers them: they are keyed by content, so what was read once stays true. Thread: any.
class AttributeSets {
 public:
  // Those of `ids` that exist, each once; empty ids are skipped.
  Result<std::vector<AttributeSet>> Read(Question& question, std::set<std::string> ids);

 private:
  std::mutex mutex_;
  std::map<std::string, AttributeSet> known_;  // by id; guarded by mutex_
};

}  // namespace sightline::query
