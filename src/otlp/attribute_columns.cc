#include "otlp/attribute_columns.h"

namespace sightline::otlp {

char TypeLetter(HotAttribute::Type type) {
  switch (type) {
    case HotAttribute::Type::kString:
      return 's';
    case HotAttribute::Type::kInt:
      return 'i';
    case HotAttribute::Type::kDouble:
      return 'd';
    case HotAttribute::Type::kBool:
      return 'b';
  }
  return 0;
}

HotColumns::HotColumns(const std::vector<HotAttribute>& hot_attributes) {
  size_t slots = 8;
  while (slots < hot_attributes.size() * 4) slots *= 2;
  slots_.resize(slots);
  mask_ = static_cast<uint32_t>(slots - 1);
  for (const HotAttribute& hot : hot_attributes) {
    auto entry = std::make_unique<Entry>();
    entry->hash = HashText(hot.key);
    entry->key = hot.key;
    entry->type = TypeLetter(hot.type);
    if (hot.high_cardinality) {
      entry->high = std::make_unique<StringColumn>();
    } else {
      entry->low = std::make_unique<LowCardinalityColumn>();
    }
    uint32_t at = static_cast<uint32_t>(entry->hash) & mask_;
    while (slots_[at] != nullptr) at = (at + 1) & mask_;
    slots_[at] = entry.get();
    entries_.push_back(std::move(entry));
  }
}

void HotColumns::Cleared() {
  for (const auto& entry : entries_) {
    entry->last = 0;
    entry->is_in_map = false;
  }
  newly_in_map_.clear();
}

void HotColumns::AddTo(std::vector<NamedColumn>& columns) {
  for (const auto& entry : entries_) {
    if (entry->low != nullptr) {
      columns.push_back({"a." + entry->key, "LowCardinality(String)", entry->low.get()});
    } else {
      columns.push_back({"a." + entry->key, "String", entry->high.get()});
    }
  }
}

bool AttributeWriter::WriteHot(HotColumns::Entry& entry, const AttributeValue& value, uint64_t row, Marks& marks) {
  if (entry.type != value.type) return false;
  if (entry.low != nullptr) {
    if (entry.low->rows() > row) return false;  // the key's second appearance
    const std::string_view text = value.type == 's' ? value.bytes : mender_->TextOf(value, marks);
    if (text.empty()) return false;
    // Values repeat from span to span: the last one is compared before a hash is taken.
    const std::string_view last = entry.low->interner().at(entry.last);
    if (text.size() != last.size() || !SameText(text.data(), last.data(), text.size())) {
      entry.last = InternClean(*entry.low, text, *mender_, marks);
    }
    entry.low->SetNumber(row, entry.last);
    return true;
  }
  if (entry.high->rows() > row) return false;
  const std::string_view text = mender_->TextOf(value, marks);
  if (text.empty()) return false;
  entry.high->Set(row, text);
  return true;
}

uint32_t AttributeWriter::Write(const std::vector<std::string_view>& key_values, uint64_t row,
                                const AttributeTarget& target, Marks& marks) {
  size_t count = key_values.size();
  uint32_t cut = 0;
  if (count > limits_.attributes_per_item_max) [[unlikely]] {
    cut = static_cast<uint32_t>(count - limits_.attributes_per_item_max);
    count = limits_.attributes_per_item_max;
    marks.Set(Marks::kAttributesCut);
  }
  types_.clear();
  for (size_t i = 0; i < count; ++i) {
    const Attribute attribute = ReadKeyValue(key_values[i]);
    const uint64_t hash = HashText(attribute.key);
    if (target.hot != nullptr) {
      HotColumns::Entry* entry = target.hot->Find(attribute.key, hash);
      if (entry != nullptr) {
        if (WriteHot(*entry, attribute.value, row, marks)) continue;
        target.hot->MarkInMap(*entry);
      }
    }
    target.map.keys().AppendNumber(InternName(target.map.keys(), attribute.key, hash, *mender_, marks));
    target.map.values().Append(mender_->TextOf(attribute.value, marks));
    types_.AppendNumber(attribute.value.type);
  }
  if (!originals_.empty()) [[unlikely]]
    WriteOriginals(target);
  if (!types_.empty()) {
    target.map.Close(row);
    target.types.Set(row, types_.view());
  }
  return cut;
}

void AttributeWriter::WriteOriginals(const AttributeTarget& target) {
  for (const Original& original : originals_) {
    target.map.keys().Append(original.key);
    target.map.values().Append(std::to_string(original.value));
    types_.AppendNumber(original.value <= INT64_MAX ? 'i' : 's');  // readers of 'i' expect 64 signed bits
  }
  originals_.clear();
}

}  // namespace sightline::otlp
