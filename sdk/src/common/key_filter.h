// Which keys a list of attributes may have: almost every key that comes is new, and this tells so without a look at all
// that are there.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace otel::internal {

// A Bloom filter of one hash. Thread: of its owner.
class KeyFilter {
 public:
  // False: it has not been added. True: it may have been. From now on it has been.
  bool TestAndAdd(std::string_view key) {
    const uint64_t hash = Hash(key);
    uint64_t& word = words_[hash >> 63];
    const uint64_t bit = uint64_t{1} << (hash >> 57 & 63);
    const bool known = (word & bit) != 0;
    word |= bit;
    return known;
  }
  void Clear() { words_[0] = words_[1] = 0; }

 private:
  // Keys differ in how they end, and in their length: "features.doc_length", "model.score".
  static uint64_t Hash(std::string_view key) {
    uint64_t end = 0;
    if (key.size() >= sizeof end) {
      std::memcpy(&end, key.data() + key.size() - sizeof end, sizeof end);
    } else {
      for (const char c : key) end = end << 8 | static_cast<uint8_t>(c);
    }
    return (end + key.size()) * 0x9e3779b97f4a7c15;
  }

  uint64_t words_[2] = {};
};

}  // namespace otel::internal
