#include "otel/attributes.h"

#include <algorithm>
#include <cmath>

#include "common/arena.h"
#include "otel/scope.h"

namespace otel {
namespace {

bool SameDouble(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

}  // namespace

bool Equal(const AnyValue& a, const AnyValue& b) {
  using Type = AnyValue::Type;
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Type::kEmpty:
      return true;
    case Type::kBool:
      return a.as_bool() == b.as_bool();
    case Type::kInt:
      return a.as_int() == b.as_int();
    case Type::kDouble:
      return SameDouble(a.as_double(), b.as_double());
    case Type::kString:
      return a.as_string() == b.as_string();
    case Type::kBytes:
      return std::ranges::equal(a.as_bytes(), b.as_bytes());
    case Type::kBools:
      return std::ranges::equal(a.as_bools(), b.as_bools());
    case Type::kInts:
      return std::ranges::equal(a.as_ints(), b.as_ints());
    case Type::kDoubles:
      return std::ranges::equal(a.as_doubles(), b.as_doubles(), SameDouble);
    case Type::kStrings:
      return std::ranges::equal(a.as_strings(), b.as_strings());
    case Type::kArray:
      return std::ranges::equal(a.as_array(), b.as_array(), Equal);
    case Type::kMap:
      return std::ranges::equal(a.as_map(), b.as_map(), [](const Attribute& x, const Attribute& y) {
        return x.key == y.key && Equal(x.value, y.value);
      });
  }
  return false;
}

Attributes::Attributes(AttributesView list) {
  std::vector<Attribute> sorted;  // a few: insertion is as good as any sort
  for (const Attribute& attribute : list) {
    if (attribute.key.empty()) continue;
    const auto place = std::ranges::lower_bound(sorted, attribute.key, {}, &Attribute::key);
    if (place != sorted.end() && place->key == attribute.key) {
      place->value = attribute.value;
    } else {
      sorted.insert(place, attribute);
    }
  }
  if (sorted.empty()) return;
  auto arena = std::make_shared<internal::Arena>();
  view_ = std::span<const Attribute>(arena->Copy(sorted));
  memory_ = std::move(arena);
}

std::optional<AnyValue> Attributes::Find(std::string_view key) const {
  const auto found = std::ranges::lower_bound(view_, key, {}, &Attribute::key);
  if (found == view_.end() || found->key != key) return std::nullopt;
  return found->value;
}

Attributes Attributes::MergedWith(const Attributes& other) const {
  if (empty()) return other;
  if (other.empty()) return *this;
  std::vector<Attribute> all(begin(), end());
  all.insert(all.end(), other.begin(), other.end());
  return Attributes(all);
}

bool operator==(const Attributes& a, const Attributes& b) {
  return Equal(AnyValue(std::span<const Attribute>(a.view_)), AnyValue(std::span<const Attribute>(b.view_)));
}

Resource Resource::MergedWith(const Resource& other) const {
  Resource merged{attributes.MergedWith(other.attributes), schema_url};
  if (schema_url.empty()) merged.schema_url = other.schema_url;
  if (!schema_url.empty() && !other.schema_url.empty() && schema_url != other.schema_url) merged.schema_url.clear();
  return merged;
}

}  // namespace otel
