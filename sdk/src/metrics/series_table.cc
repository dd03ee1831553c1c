#include "metrics/series_table.h"

#include <algorithm>

namespace otel::internal {
namespace {

std::vector<Attribute> InOrderOf(AttributesView list, const Attributes& attributes) {
  std::vector<Attribute> ordered(attributes.begin(), attributes.end());
  if (!HasEachKeyOnce(list)) return ordered;
  const auto place = [&](const Attribute& attribute) {
    return std::ranges::find(list, attribute.key, &Attribute::key);
  };
  std::ranges::sort(ordered, {}, place);
  return ordered;
}

}  // namespace

SeriesKey::SeriesKey(AttributesView list)
    : attributes(list), as_given(InOrderOf(list, attributes)), hash(HashOf(attributes.view())) {}

void SeriesTable::Insert(SeriesKey* key) {
  if (2 * (size_ + 1) > entries_.size()) Grow();
  size_t i = key->hash & mask();
  for (; entries_[i].key != nullptr; i = (i + 1) & mask()) {
    if (entries_[i].key == key) return;
  }
  entries_[i] = {key->hash, key};
  ++size_;
}

// No gap may stay before an entry that was pushed behind the one that goes: those move up.
void SeriesTable::Erase(const SeriesKey* key) {
  if (entries_.empty()) return;
  size_t gap = key->hash & mask();
  for (; entries_[gap].key != key; gap = (gap + 1) & mask()) {
    if (entries_[gap].key == nullptr) return;
  }
  for (size_t i = (gap + 1) & mask(); entries_[i].key != nullptr; i = (i + 1) & mask()) {
    const size_t distance = (i - entries_[i].hash) & mask();
    if (distance < ((i - gap) & mask())) continue;
    entries_[gap] = entries_[i];
    gap = i;
  }
  entries_[gap] = {};
  --size_;
}

bool SeriesTable::Has(const SeriesKey* key) const {
  if (entries_.empty()) return false;
  for (size_t i = key->hash & mask(); entries_[i].key != nullptr; i = (i + 1) & mask()) {
    if (entries_[i].key == key) return true;
  }
  return false;
}

void SeriesTable::Clear() {
  entries_.clear();
  size_ = 0;
}

void SeriesTable::Grow() {
  const auto old = std::exchange(entries_, std::vector<Entry>(std::max<size_t>(8, 2 * entries_.size())));
  for (const Entry& entry : old) {
    if (entry.key == nullptr) continue;
    size_t i = entry.hash & mask();
    while (entries_[i].key != nullptr) i = (i + 1) & mask();
    entries_[i] = entry;
  }
}

}  // namespace otel::internal
