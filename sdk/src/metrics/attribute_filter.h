// Which attributes of a measurement a view keeps.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "otel/attributes.h"

namespace otel::internal {

class AttributeFilter {
 public:
  AttributeFilter() = default;
  AttributeFilter(std::optional<std::vector<std::string>> keys, std::vector<std::string> excluded)
      : keys_(std::move(keys)), excluded_(std::move(excluded)) {}

  bool KeepsAll() const { return !keys_.has_value() && excluded_.empty(); }
  bool Keeps(std::string_view key) const {
    return (!keys_.has_value() || std::ranges::find(*keys_, key) != keys_->end()) &&
           std::ranges::find(excluded_, key) == excluded_.end();
  }

  // Calls `use` with the attributes that are kept; of few they are not copied to the heap.
  template <typename Use>
  auto Kept(AttributesView list, Use use) const {
    if (KeepsAll()) return use(list);
    constexpr size_t kFew = 16;
    if (list.size() > kFew) return use(AttributesView(Select(list, true)));
    Attribute kept[kFew];
    size_t count = 0;
    for (const Attribute& attribute : list) {
      if (Keeps(attribute.key)) kept[count++] = attribute;
    }
    return use(AttributesView(std::span<const Attribute>(kept, count)));
  }

  Attributes Dropped(AttributesView list) const {
    return KeepsAll() ? Attributes() : Attributes(AttributesView(Select(list, false)));
  }

 private:
  std::vector<Attribute> Select(AttributesView list, bool kept) const {
    std::vector<Attribute> selected;
    std::ranges::copy_if(list, std::back_inserter(selected), [&](const Attribute& a) { return Keeps(a.key) == kept; });
    return selected;
  }

  std::optional<std::vector<std::string>> keys_;
  std::vector<std::string> excluded_;
};

}  // namespace otel::internal
