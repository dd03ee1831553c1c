#include "query/attributes.h"

#include <algorithm>

namespace sightline::query {
namespace {

// Enough for the services of one installation; beyond it the memory starts anew.
constexpr size_t kRememberedSetsMax = 1024;

char LetterAt(const std::string& types, size_t index) {
  return index < types.size() ? types[index] : 's';
}

AttributeSet ReadSet(RowReader& row) {
  AttributeSet set;
  set.id = row.Text();
  auto keys = row.Texts();
  auto values = row.Texts();
  for (size_t i = 0; i < keys.size(); ++i) set.attributes.push_back({std::move(keys[i]), 's', std::move(values.at(i))});
  SetTypes(set.attributes, row.Text());
  set.schema_url = row.Text();
  set.dropped_attributes = row.Number<uint32_t>();
  return set;
}

}  // namespace

void SetTypes(std::vector<Attribute>& attributes, const std::string& types) {
  for (size_t i = 0; i < attributes.size(); ++i) attributes[i].type = LetterAt(types, i);
}

std::vector<Attribute> ReadMap(RowReader& row) {
  return row.Array([&] {
    Attribute attribute;
    attribute.key = row.Text();
    attribute.text = row.Text();
    return attribute;
  });
}

std::vector<std::vector<Attribute>> ReadMaps(RowReader& row) {
  return row.Array([&] { return ReadMap(row); });
}

Result<std::vector<AttributeSet>> AttributeSets::Read(Question& question, std::set<std::string> ids) {
  std::vector<AttributeSet> sets;
  // Ids are hex; anything else would have to be escaped, and is no id.
  std::erase_if(ids, [](const std::string& id) {
    return id.empty() || id.find_first_not_of("0123456789abcdefABCDEF") != id.npos;
  });
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(ids, [&](const std::string& id) {
      const auto known = known_.find(id);
      if (known == known_.end()) return false;
      sets.push_back(known->second);
      return true;
    });
  }
  if (ids.empty()) return sets;
  std::string list = "[";
  for (const auto& id : ids) list += (list.size() > 1 ? ",'" : "'") + id + "'";
  auto read = [&](RowReader& row) {
    AttributeSet set = ReadSet(row);
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kRememberedSetsMax) known_.clear();
    known_.emplace(set.id, set);
    sets.push_back(std::move(set));
  };
  SIGHTLINE_TRY(question.ForEachRow("SELECT Id, Keys, Values, Types, SchemaUrl, DroppedAttributesCount FROM " +
                                        question.Table("attribute_sets") +
                                        " WHERE Id IN {ids:Array(String)} LIMIT 1 BY Id",
                                    {{"ids", list + "]"}}, read));
  return sets;
}

}  // namespace sightline::query
