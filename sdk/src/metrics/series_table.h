// Finds the series that a list of attributes belongs to: open addressing, linear probing, at most half full.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "metrics/attribute_set.h"
#include "otel/attributes.h"

namespace otel::internal {

// What identifies a series of points. Immutable.
struct SeriesKey {
  explicit SeriesKey(AttributesView list);

  const Attributes attributes;
  // The same, in the order in which they were given first: so they will be given again.
  const std::vector<Attribute> as_given;
  const uint64_t hash;
};

// Owns nothing. Thread: guarded by its owner.
class SeriesTable {
 public:
  // Nothing where it has no such series, and also where the list has a key twice.
  SeriesKey* Find(uint64_t hash, AttributesView list) const {
    if (entries_.empty()) return nullptr;
    for (size_t i = hash & mask(); entries_[i].key != nullptr; i = (i + 1) & mask()) {
      if (entries_[i].hash == hash && SameSet(entries_[i].key->as_given, list)) return entries_[i].key;
    }
    return nullptr;
  }

  // Does nothing for one that it has.
  void Insert(SeriesKey* key);
  void Erase(const SeriesKey* key);
  bool Has(const SeriesKey* key) const;
  void Clear();

 private:
  struct Entry {
    uint64_t hash = 0;
    SeriesKey* key = nullptr;
  };

  size_t mask() const { return entries_.size() - 1; }
  void Grow();

  std::vector<Entry> entries_;  // a power of two
  size_t size_ = 0;
};

}  // namespace otel::internal
