#include "common/arena.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/constant_text.h"

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

void* Arena::AllocateBlock(size_t bytes) {
  const auto make = [&](auto& blocks, size_t size) {
    blocks.push_back(std::make_unique_for_overwrite<std::byte[]>(size));  // aligned for any type
    bytes_ += size;
    return blocks.back().get();
  };
  if (bytes > kBlockBytes) return make(large_blocks_, bytes);  // leaves the rest of the other one for what comes
  next_ = used_ < blocks_.size() ? blocks_[used_].get() : make(blocks_, kBlockBytes);
  ++used_;
  end_ = next_ + kBlockBytes;
  return std::exchange(next_, next_ + bytes);
}

std::string_view Arena::Copy(std::string_view text, size_t characters_max) {
  text = Cut(text, characters_max);
  if (text.empty()) return {};
  if (IsConstant(text.data())) return text;
  auto* const to = static_cast<char*>(Allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

AnyValue Arena::Copy(const AnyValue& value, size_t characters_max) {
  using Type = AnyValue::Type;
  switch (value.type()) {
    // Made anew, as the value was mostly written just now: the processor waits where it reads at once what it wrote in
    // parts.
    case Type::kBool:
      return value.as_bool();
    case Type::kInt:
      return value.as_int();
    case Type::kDouble:
      return value.as_double();
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
    case Type::kEmpty:
      break;
  }
  return {};
}

std::span<Attribute> Arena::Copy(std::span<const Attribute> attributes, size_t characters_max) {
  auto copies = CopyItems(attributes);
  for (auto& attribute : copies) attribute = {Copy(attribute.key), Copy(attribute.value, characters_max)};
  return copies;
}

void Arena::Swap(Arena& other) noexcept {
  std::swap(blocks_, other.blocks_);
  std::swap(large_blocks_, other.large_blocks_);
  std::swap(used_, other.used_);
  std::swap(next_, other.next_);
  std::swap(end_, other.end_);
  std::swap(bytes_, other.bytes_);
}

void Arena::Reset() {
  large_blocks_.clear();
  if (blocks_.size() > kKeptBlocks) blocks_.resize(kKeptBlocks);
  used_ = 0;
  next_ = first_block_.data();
  end_ = next_ + first_block_.size();
  bytes_ = blocks_.size() * kBlockBytes;
}

}  // namespace otel::internal
