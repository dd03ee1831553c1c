#include "metrics/attribute_set.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace otel::internal {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr uint64_t kOdd1 = 0x9e3779b97f4a7c15, kOdd2 = 0xd6e8feb86659fd93;

// Folds the product of two words, as wyhash does: every bit of both takes part in every bit of the result.
uint64_t Mix(uint64_t a, uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

template <typename Word>
uint64_t Load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

uint64_t HashBytes(const char* data, size_t size, uint64_t seed) {
  uint64_t a = 0, b = 0;
  if (size >= 8) {
    for (; size > 16; data += 8, size -= 8) seed = Mix(Load<uint64_t>(data) ^ kOdd1, seed ^ kOdd2);
    a = Load<uint64_t>(data);
    b = Load<uint64_t>(data + size - 8);
  } else if (size >= 4) {
    a = Load<uint32_t>(data);
    b = Load<uint32_t>(data + size - 4);
  } else if (size > 0) {
    a = Load<uint8_t>(data) | Load<uint8_t>(data + size / 2) << 8 | Load<uint8_t>(data + size - 1) << 16;
  }
  return Mix(a ^ kOdd1, b ^ seed ^ size * kOdd2);
}

uint64_t HashDouble(double value) {
  if (std::isnan(value)) return kOdd1;
  return std::bit_cast<uint64_t>(value + 0.0);  // -0 equals 0
}

template <typename Items, typename Hash>
uint64_t HashItems(const Items& items, uint64_t seed, Hash hash) {
  for (const auto& item : items) seed = Mix(seed ^ kOdd2, hash(item) ^ kOdd1);
  return Mix(seed, items.size() ^ kOdd2);
}

uint64_t HashValue(const AnyValue& value, uint64_t seed);

uint64_t HashAttribute(const Attribute& attribute, uint64_t seed) {
  return HashValue(attribute.value, HashBytes(attribute.key.data(), attribute.key.size(), seed));
}

uint64_t HashArray(const AnyValue& value, uint64_t seed) {
  const auto number = [](auto item) { return static_cast<uint64_t>(item); };
  const auto text = [](std::string_view item) { return HashBytes(item.data(), item.size(), kOdd1); };
  switch (value.type()) {
    case AnyValue::Type::kBools:
      return HashItems(value.as_bools(), seed, number);
    case AnyValue::Type::kInts:
      return HashItems(value.as_ints(), seed, number);
    case AnyValue::Type::kDoubles:
      return HashItems(value.as_doubles(), seed, HashDouble);
    case AnyValue::Type::kStrings:
      return HashItems(value.as_strings(), seed, text);
    case AnyValue::Type::kArray:
      return HashItems(value.as_array(), seed, [](const AnyValue& item) { return HashValue(item, kOdd1); });
    case AnyValue::Type::kMap:
      return HashItems(value.as_map(), seed, [](const Attribute& item) { return HashAttribute(item, kOdd1); });
    default:
      return seed;
  }
}

uint64_t HashValue(const AnyValue& value, uint64_t seed) {
  seed ^= static_cast<uint64_t>(value.type());
  switch (value.type()) {
    case AnyValue::Type::kString:
      return HashBytes(value.as_string().data(), value.as_string().size(), seed);
    case AnyValue::Type::kBytes:
      return HashBytes(reinterpret_cast<const char*>(value.as_bytes().data()), value.as_bytes().size(), seed);
    case AnyValue::Type::kBool:
      return Mix(static_cast<uint64_t>(value.as_bool()) ^ kOdd1, seed);
    case AnyValue::Type::kInt:
      return Mix(static_cast<uint64_t>(value.as_int()) ^ kOdd1, seed);
    case AnyValue::Type::kDouble:
      return Mix(HashDouble(value.as_double()) ^ kOdd1, seed);
    default:
      return HashArray(value, seed);
  }
}

// Where the program lies is random, and known before any initializer runs.
uint64_t ProcessSeed() {
  static constinit char place = 0;
  return reinterpret_cast<uintptr_t>(&place) ^ kOdd1;
}

// Texts of attributes are short: a call of memcmp costs more than their comparison.
bool SameText(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  const char *const from_a = a.data(), *const from_b = b.data();
  if (from_a == from_b) return true;
  const auto same = [&]<typename Word>(Word) {  // of what begins and what ends the text
    const size_t last = size - sizeof(Word);
    return Load<Word>(from_a) == Load<Word>(from_b) && Load<Word>(from_a + last) == Load<Word>(from_b + last);
  };
  if (size > 16) return std::memcmp(from_a, from_b, size) == 0;
  if (size >= 8) return same(uint64_t{});
  if (size >= 4) return same(uint32_t{});
  for (size_t i = 0; i < size; ++i) {
    if (from_a[i] != from_b[i]) return false;
  }
  return true;
}

bool Same(const Attribute& a, const Attribute& b) {
  if (a.value.type() != b.value.type() || !SameText(a.key, b.key)) return false;
  switch (a.value.type()) {
    case AnyValue::Type::kString:
      return SameText(a.value.as_string(), b.value.as_string());
    case AnyValue::Type::kInt:
      return a.value.as_int() == b.value.as_int();
    case AnyValue::Type::kBool:
      return a.value.as_bool() == b.value.as_bool();
    default:
      return Equal(a.value, b.value);
  }
}

}  // namespace

uint64_t HashOf(AttributesView list) {
  const uint64_t seed = ProcessSeed();
  uint64_t sum = 0;  // of what is well mixed: no order shows in it
  for (const Attribute& attribute : list) sum += HashAttribute(attribute, seed);
  return sum;
}

bool SameSet(AttributesView set, AttributesView list) {
  if (set.size() != list.size()) return false;
  for (size_t i = 0; i < set.size(); ++i) {
    if (Same(set[i], list[i])) continue;
    // As many as the set has, and each of the set's among them: so there are no others.
    return std::ranges::all_of(set, [&](const Attribute& member) {
      return std::ranges::any_of(list, [&](const Attribute& given) { return Same(member, given); });
    });
  }
  return true;
}

bool HasEachKeyOnce(AttributesView list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].key.empty()) return false;
    for (size_t j = 0; j < i; ++j) {
      if (SameText(list[i].key, list[j].key)) return false;
    }
  }
  return true;
}

}  // namespace otel::internal
