#include "common/arena.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace otel::internal {
namespace {

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// UTF-8: so many bytes that begin a character, and what continues them; at most four bytes for each, also where the
// text is no UTF-8.
std::string_view Cut(std::string_view text, size_t characters_max) {
  if (text.size() <= characters_max) return text;
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsContinuation(text[i]) && characters++ == characters_max) return text.substr(0, i);
    if (i / 4 >= characters_max) return text.substr(0, i);
  }
  return text;
}

}  // namespace

void* Arena::Allocate(size_t bytes, size_t alignment) {
  const auto misaligned = reinterpret_cast<uintptr_t>(next_) & (alignment - 1);
  const size_t padding = misaligned == 0 ? 0 : alignment - misaligned;
  if (next_ == nullptr || static_cast<size_t>(end_ - next_) < bytes + padding) {
    const size_t size = std::max(kBlockBytes, bytes);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));  // aligned for any type
    bytes_ += size;
    next_ = blocks_.back().get();
    end_ = next_ + size;
    return std::exchange(next_, next_ + bytes);
  }
  std::byte* const begin = next_ + padding;
  next_ = begin + bytes;
  return begin;
}

std::string_view Arena::Copy(std::string_view text, size_t characters_max) {
  text = Cut(text, characters_max);
  if (text.empty()) return {};
  auto* const to = static_cast<char*>(Allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

AnyValue Arena::Copy(const AnyValue& value, size_t characters_max) {
  using Type = AnyValue::Type;
  switch (value.type()) {
    case Type::kString:
      return Copy(value.as_string(), characters_max);
    case Type::kBytes:
      return std::span<const std::byte>(
          CopyItems(value.as_bytes().first(std::min(value.as_bytes().size(), characters_max))));
    case Type::kBools:
      return std::span<const bool>(CopyItems(value.as_bools()));
    case Type::kInts:
      return std::span<const int64_t>(CopyItems(value.as_ints()));
    case Type::kDoubles:
      return std::span<const double>(CopyItems(value.as_doubles()));
    case Type::kStrings: {
      auto texts = CopyItems(value.as_strings());
      for (auto& text : texts) text = Copy(text, characters_max);
      return std::span<const std::string_view>(texts);
    }
    case Type::kArray: {
      auto items = CopyItems(value.as_array());
      for (auto& item : items) item = Copy(item, characters_max);
      return std::span<const AnyValue>(items);
    }
    case Type::kMap:
      return std::span<const Attribute>(Copy(value.as_map(), characters_max));
    default:
      return value;
  }
}

std::span<Attribute> Arena::Copy(std::span<const Attribute> attributes, size_t characters_max) {
  auto copies = CopyItems(attributes);
  for (auto& attribute : copies) attribute = {Copy(attribute.key), Copy(attribute.value, characters_max)};
  return copies;
}

void Arena::Swap(Arena& other) noexcept {
  std::swap(blocks_, other.blocks_);
  std::swap(next_, other.next_);
  std::swap(end_, other.end_);
  std::swap(bytes_, other.bytes_);
}

void Arena::Reset() {
  if (blocks_.empty()) return;
  // The first one, when it is of the usual size.
  blocks_.resize(1);
  next_ = blocks_.front().get();
  end_ = next_ + kBlockBytes;
  bytes_ = kBlockBytes;
}

}  // namespace otel::internal
