#include "logs/attribute_limits.h"

#include <algorithm>
#include <vector>

#include "common/key_filter.h"

namespace otel::internal {
namespace {

bool AreDistinct(AttributesView list) {
  KeyFilter keys;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].key.empty()) return false;
    if (!keys.TestAndAdd(list[i].key)) continue;
    for (size_t j = 0; j < i; ++j) {
      if (list[i].key == list[j].key) return false;
    }
  }
  return true;
}

}  // namespace

LimitedAttributes ApplyLimits(AttributesView given, const LogRecordLimits& limits, Arena& arena) {
  if (!limits.attribute_value_length && given.size() <= limits.attribute_count && AreDistinct(given)) {
    return {given};
  }
  LimitedAttributes limited;
  std::vector<Attribute> kept;
  for (const Attribute& attribute : given) {
    if (attribute.key.empty()) continue;
    const auto same = std::ranges::find(kept, attribute.key, &Attribute::key);
    if (same != kept.end()) {
      same->value = attribute.value;
    } else if (kept.size() < limits.attribute_count) {
      kept.push_back(attribute);
    } else {
      ++limited.dropped;
    }
  }
  const size_t characters_max = limits.attribute_value_length.value_or(Arena::kNoLimit);
  limited.attributes = std::span<const Attribute>(arena.Copy(kept, characters_max));
  return limited;
}

}  // namespace otel::internal
