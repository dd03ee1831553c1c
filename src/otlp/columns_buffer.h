// A growing byte buffer without initialization: what every column stores into. std::string and std::vector would zero
// the bytes first and check more than is needed for stores of a few bytes each.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sightline::otlp {

// memcpy and memcmp for texts that are mostly shorter than 32 bytes: two overlapping words instead of a call.
inline void CopyText(char* to, const char* from, size_t size) {
  if (size > 32) [[unlikely]] {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    char head[16], tail[16];
    std::memcpy(head, from, 16);
    std::memcpy(tail, from + size - 16, 16);
    std::memcpy(to, head, 16);
    std::memcpy(to + size - 16, tail, 16);
  } else if (size >= 8) {
    uint64_t head, tail;
    std::memcpy(&head, from, 8);
    std::memcpy(&tail, from + size - 8, 8);
    std::memcpy(to, &head, 8);
    std::memcpy(to + size - 8, &tail, 8);
  } else if (size >= 4) {
    uint32_t head, tail;
    std::memcpy(&head, from, 4);
    std::memcpy(&tail, from + size - 4, 4);
    std::memcpy(to, &head, 4);
    std::memcpy(to + size - 4, &tail, 4);
  } else {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

inline bool SameText(const char* a, const char* b, size_t size) {
  uint64_t x, y;
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      std::memcpy(&x, a + i, 8);
      std::memcpy(&y, b + i, 8);
      if (x != y) return false;
    }
    std::memcpy(&x, a + size - 8, 8);
    std::memcpy(&y, b + size - 8, 8);
    return x == y;
  }
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// Thread: of its owner.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  const char* data() const { return data_; }
  char* data() { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }
  void clear() { size_ = 0; }
  void Truncate(size_t size) { size_ = size; }

  // `count` more bytes, not initialized. The pointer is good until the next growth.
  char* Extend(size_t count) {
    if (count > capacity_ - size_) [[unlikely]]
      Reserve(size_ + count);
    char* place = data_ + size_;
    size_ += count;
    return place;
  }

  void Append(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(Extend(bytes.size()), bytes.data(), bytes.size());
  }

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void AppendNumber(T value) {
    std::memcpy(Extend(sizeof(T)), &value, sizeof(T));
  }

  void AppendZeros(size_t count) {
    if (count != 0) std::memset(Extend(count), 0, count);
  }

  // LEB128, as both protobuf and ClickHouse write lengths.
  void AppendVarint(uint64_t value) {
    char* place = Extend(10);
    char* const begin = place;
    while (value >= 0x80) {
      *place++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *place++ = static_cast<char>(value);
    size_ -= 10 - static_cast<size_t>(place - begin);
  }

  // A String of ClickHouse: varint length and bytes, in one growth.
  void AppendString(std::string_view text) {
    if (text.size() < 0x80) [[likely]] {
      char* place = Extend(text.size() + 1);
      *place = static_cast<char>(text.size());
      CopyText(place + 1, text.data(), text.size());
    } else {
      AppendVarint(text.size());
      Append(text);
    }
  }

  void Reserve(size_t wanted) {
    if (wanted <= capacity_) return;
    size_t capacity = capacity_ < 256 ? 256 : capacity_;
    while (capacity < wanted) capacity += capacity / 2;
    auto* data = static_cast<char*>(std::realloc(data_, capacity));
    if (data == nullptr) throw std::bad_alloc();
    data_ = data;
    capacity_ = capacity;
  }

 private:
  void Swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace sightline::otlp
