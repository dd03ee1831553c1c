// Attributes of one item -> its map column, its types column, and the columns of the hot attributes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp/attribute_text.h"
#include "otlp/block_builder.h"
#include "otlp/columns.h"

namespace sightline::otlp {

// The number of `text` in `column`, mended first where it must be. A text that is there already needs no check.
inline uint32_t InternClean(LowCardinalityColumn& column, std::string_view text, uint64_t hash, TextMender& mender,
                            Marks& marks) {
  if (text.empty()) return 0;
  const uint32_t found = column.interner().Find(text, hash);
  if (found != Interner::kAbsent) [[likely]]
    return found;
  const std::string_view clean = mender.Clean(text, marks);
  const bool same = clean.data() == text.data() && clean.size() == text.size();
  return same ? column.interner().Insert(text, hash) : column.interner().Intern(clean);
}
inline uint32_t InternClean(LowCardinalityColumn& column, std::string_view text, TextMender& mender, Marks& marks) {
  return InternClean(column, text, HashText(text), mender, marks);
}
// The same for a name or a key, whose limit is another.
inline uint32_t InternName(LowCardinalityColumn& column, std::string_view text, uint64_t hash, TextMender& mender,
                           Marks& marks) {
  if (text.empty()) return 0;
  const uint32_t found = column.interner().Find(text, hash);
  if (found != Interner::kAbsent) [[likely]]
    return found;
  const std::string_view clean = mender.CleanName(text, marks);
  const bool same = clean.data() == text.data() && clean.size() == text.size();
  return same ? column.interner().Insert(text, hash) : column.interner().Intern(clean);
}
inline uint32_t InternName(LowCardinalityColumn& column, std::string_view text, TextMender& mender, Marks& marks) {
  return InternName(column, text, HashText(text), mender, marks);
}

// The letter of the type of a hot attribute's values, as attribute_text.h has them: s i d b.
char TypeLetter(HotAttribute::Type type);

// The columns of the hot attributes of one table, found by key. Thread: of its owner.
class HotColumns {
 public:
  struct Entry {
    uint64_t hash = 0;
    std::string key;
    char type = 0;                              // letter of the configured type
    std::unique_ptr<LowCardinalityColumn> low;  // one of the two
    std::unique_ptr<StringColumn> high;
    uint32_t last = 0;       // number of the value of the last row that had one
    bool is_in_map = false;  // a value of it is in the map of some row

    bool Is(std::string_view text) const {
      return text.size() == key.size() && SameText(text.data(), key.data(), text.size());
    }
  };

  explicit HotColumns(const std::vector<HotAttribute>& hot_attributes);
  void AddTo(std::vector<NamedColumn>& columns);
  void Cleared();  // the columns were

  // Those that went to the map, each once until the columns are cleared.
  void MarkInMap(Entry& entry) {
    if (!std::exchange(entry.is_in_map, true)) newly_in_map_.push_back(&entry);
  }
  std::vector<Entry*>& newly_in_map() { return newly_in_map_; }

  // nullptr: not hot.
  Entry* Find(std::string_view key, uint64_t hash) {
    for (uint32_t at = static_cast<uint32_t>(hash) & mask_;; at = (at + 1) & mask_) {
      Entry* entry = slots_[at];
      if (entry == nullptr || (entry->hash == hash && entry->Is(key))) return entry;
    }
  }

 private:
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<Entry*> slots_;  // a power of two, at most a quarter full
  uint32_t mask_ = 0;
  std::vector<Entry*> newly_in_map_;
};

// Where the attributes of an item go. `hot` may be null.
struct AttributeTarget {
  MapColumn& map;
  LowCardinalityColumn& types;
  HotColumns* hot = nullptr;
};

// Thread: of its owner.
class AttributeWriter {
 public:
  AttributeWriter(const Limits& limits, TextMender* mender) : limits_(limits), mender_(mender) {}

  // Writes the KeyValue messages as row `row`, then Closes it only if something was written. Returns how many were cut.
  //
  // An attribute goes to its hot column if its type is the configured one and its text is not empty; else, and if the
  // key came before in this item, to the map.
  uint32_t Write(const std::vector<std::string_view>& key_values, uint64_t row, const AttributeTarget& target,
                 Marks& marks);

  // For the next Write: an integer attribute of our own.
  void AddOriginal(std::string_view key, uint64_t value) { originals_.push_back({key, value}); }

 private:
  struct Original {
    std::string_view key;
    uint64_t value;
  };
  bool WriteHot(HotColumns::Entry& entry, const AttributeValue& value, uint64_t row, Marks& marks);
  void WriteOriginals(const AttributeTarget& target);

  const Limits limits_;
  TextMender* const mender_;
  std::vector<Original> originals_;
  Buffer types_;
};

}  // namespace sightline::otlp
