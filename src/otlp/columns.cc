#include "otlp/columns.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sightline::otlp {
namespace {

// LowCardinality in Native: the keys' version, then for each block the index width and that keys follow.
constexpr uint64_t kSharedDictionariesWithAdditionalKeys = 1;
constexpr uint64_t kHasAdditionalKeys = 1 << 9;
constexpr uint64_t kNeedUpdateDictionary = 1 << 10;

constexpr size_t kSlotsMin = 64;
// A dictionary that grew beyond this in one block gives its table back: clearing it would cost every later block.
constexpr size_t kSlotsKept = 1 << 17;

void AppendUInt64(std::string& out, uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void AppendString(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out.append(text);
}

template <typename T>
void AppendNarrowed(std::string& out, const Buffer& numbers) {
  const size_t count = numbers.size() / sizeof(uint32_t);
  const size_t begin = out.size();
  const size_t size = begin + count * sizeof(T);
  out.resize_and_overwrite(size, [&](char* data, size_t) {
    char* place = data + begin;
    const char* source = numbers.data();
    for (size_t i = 0; i < count; ++i) {
      uint32_t wide;
      std::memcpy(&wide, source + i * sizeof wide, sizeof wide);
      const T narrow = static_cast<T>(wide);
      std::memcpy(place + i * sizeof narrow, &narrow, sizeof narrow);
    }
    return size;
  });
}

}  // namespace

uint64_t HashText(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

uint32_t Interner::Find(std::string_view text, uint64_t hash) const {
  const auto tag = static_cast<uint32_t>(hash >> 32);
  for (uint32_t at = static_cast<uint32_t>(hash) & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.number_one == 0) return kAbsent;
    if (slot.tag != tag) continue;
    const Entry& entry = entries_[slot.number_one - 1];
    if (entry.size == text.size() && SameText(keys_.data() + entry.offset, text.data(), text.size())) {
      return slot.number_one - 1;
    }
  }
}

uint32_t Interner::Intern(std::string_view text, uint64_t hash) {
  if (text.empty()) return 0;
  const uint32_t found = Find(text, hash);
  return found != kAbsent ? found : Insert(text, hash);
}

uint32_t Interner::Insert(std::string_view text, uint64_t hash) {
  if ((entries_.size() + 1) * 2 > slots_.size()) Grow();
  const uint32_t number = size();
  keys_.AppendString(text);
  entries_.push_back({hash, keys_.size() - text.size(), static_cast<uint32_t>(text.size())});
  uint32_t at = static_cast<uint32_t>(hash) & mask_;
  while (slots_[at].number_one != 0) at = (at + 1) & mask_;
  slots_[at] = {static_cast<uint32_t>(hash >> 32), number + 1};
  return number;
}

void Interner::Grow() {
  const size_t wanted = slots_.size() * 2;
  slots_.assign(wanted, Slot{});
  mask_ = static_cast<uint32_t>(wanted - 1);
  for (uint32_t number = 1; number < entries_.size(); ++number) {
    const uint64_t hash = entries_[number].hash;
    uint32_t at = static_cast<uint32_t>(hash) & mask_;
    while (slots_[at].number_one != 0) at = (at + 1) & mask_;
    slots_[at] = {static_cast<uint32_t>(hash >> 32), number + 1};
  }
}

void Interner::Clear() {
  keys_.clear();
  entries_.clear();
  if (slots_.size() > kSlotsKept) slots_ = {};
  slots_.assign(slots_.empty() ? kSlotsMin : slots_.size(), Slot{});
  mask_ = static_cast<uint32_t>(slots_.size() - 1);
  keys_.AppendString({});  // number 0; never looked up by hash
  entries_.push_back({0, 1, 0});
}

void LowCardinalityColumn::WritePrefix(std::string& out) const {
  AppendUInt64(out, kSharedDictionariesWithAdditionalKeys);
}

void LowCardinalityColumn::WriteData(std::string& out) const {
  if (rows() == 0) return;
  const uint32_t keys = interner_.size();
  const uint64_t width = keys <= (1u << 8) ? 0 : keys <= (1u << 16) ? 1 : 2;
  AppendUInt64(out, kHasAdditionalKeys | kNeedUpdateDictionary | width);
  AppendUInt64(out, keys);
  out.append(interner_.keys().view());
  AppendUInt64(out, rows());
  if (width == 0) {
    AppendNarrowed<uint8_t>(out, numbers_);
  } else if (width == 1) {
    AppendNarrowed<uint16_t>(out, numbers_);
  } else {
    out.append(numbers_.view());
  }
}

void LowCardinalityColumn::Clear() {
  interner_.Clear();
  numbers_.clear();
}

void MapColumn::WriteData(std::string& out) const {
  offsets_.ends().WriteData(out);
  keys_.WriteData(out);
  values_.WriteData(out);
}

void MapColumn::Clear() {
  offsets_.Clear();
  keys_.Clear();
  values_.Clear();
}

void WriteBlock(const std::vector<NamedColumn>& columns, uint64_t rows, std::string& out) {
  if (rows == 0) return;
  size_t expected = 64;
  for (const NamedColumn& named : columns) {
    named.column->PadTo(rows);
    expected += named.column->bytes() + named.name.size() + named.type.size() + 64;
  }
  out.reserve(out.size() + expected);
  AppendVarint(out, columns.size());
  AppendVarint(out, rows);
  for (const NamedColumn& named : columns) {
    AppendString(out, named.name);
    AppendString(out, named.type);
    named.column->WritePrefix(out);
    named.column->WriteData(out);
  }
}

void ClearColumns(const std::vector<NamedColumn>& columns) {
  for (const NamedColumn& named : columns) named.column->Clear();
}

size_t ColumnBytes(const std::vector<NamedColumn>& columns) {
  size_t bytes = 0;
  for (const NamedColumn& named : columns) bytes += named.column->bytes();
  return bytes;
}

}  // namespace sightline::otlp
