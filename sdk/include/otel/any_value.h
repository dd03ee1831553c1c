// The values of attributes and log bodies (the specification's AnyValue), and lists of attributes. All of them borrow:
// what is given to a call is copied by it, what an exporter reads lives as long as the record it stands in.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otel {

struct Attribute;

class AnyValue {
 public:
  enum class Type : uint8_t {
    kEmpty,
    kBool,
    kInt,
    kDouble,
    kString,
    kBytes,
    kBools,
    kInts,
    kDoubles,
    kStrings,
    kArray,  // of any values
    kMap,
  };

  constexpr AnyValue() = default;
  template <std::same_as<bool> T>  // a pointer is no bool
  constexpr AnyValue(T value) : type_(Type::kBool), bool_(value) {}
  // Above the largest signed number it becomes that.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  constexpr AnyValue(T value) : type_(Type::kInt), int_(Clamp(value)) {}
  template <std::floating_point T>
  constexpr AnyValue(T value) : type_(Type::kDouble), double_(static_cast<double>(value)) {}
  constexpr AnyValue(std::string_view text) : AnyValue(Type::kString, text.data(), text.size()) {}
  constexpr AnyValue(const char* text) : AnyValue(std::string_view(text == nullptr ? "" : text)) {}
  AnyValue(const std::string& text) : AnyValue(std::string_view(text)) {}
  constexpr AnyValue(std::span<const std::byte> bytes) : AnyValue(Type::kBytes, bytes.data(), bytes.size()) {}
  constexpr AnyValue(std::span<const bool> values) : AnyValue(Type::kBools, values.data(), values.size()) {}
  constexpr AnyValue(std::span<const int64_t> values) : AnyValue(Type::kInts, values.data(), values.size()) {}
  constexpr AnyValue(std::span<const double> values) : AnyValue(Type::kDoubles, values.data(), values.size()) {}
  constexpr AnyValue(std::span<const std::string_view> values)
      : AnyValue(Type::kStrings, values.data(), values.size()) {}
  AnyValue(const std::vector<int64_t>& values) : AnyValue(std::span<const int64_t>(values)) {}
  AnyValue(const std::vector<double>& values) : AnyValue(std::span<const double>(values)) {}
  AnyValue(const std::vector<std::string_view>& values) : AnyValue(std::span<const std::string_view>(values)) {}
  constexpr AnyValue(std::span<const AnyValue> values) : AnyValue(Type::kArray, values.data(), values.size()) {}
  constexpr AnyValue(std::span<const Attribute> entries);
  // In a call: logger.Emit({.body = AnyValue::Map({{"user", 7}, {"plan", "free"}})}).
  static constexpr AnyValue Map(std::initializer_list<Attribute> entries);

  constexpr Type type() const { return type_; }
  // Each only for values of its type.
  constexpr bool as_bool() const { return bool_; }
  constexpr int64_t as_int() const { return int_; }
  constexpr double as_double() const { return double_; }
  constexpr std::string_view as_string() const { return {static_cast<const char*>(data_), size_}; }
  constexpr std::span<const std::byte> as_bytes() const { return Items<std::byte>(); }
  constexpr std::span<const bool> as_bools() const { return Items<bool>(); }
  constexpr std::span<const int64_t> as_ints() const { return Items<int64_t>(); }
  constexpr std::span<const double> as_doubles() const { return Items<double>(); }
  constexpr std::span<const std::string_view> as_strings() const { return Items<std::string_view>(); }
  constexpr std::span<const AnyValue> as_array() const { return Items<AnyValue>(); }
  constexpr std::span<const Attribute> as_map() const;

 private:
  constexpr AnyValue(Type type, const void* data, size_t size)
      : type_(type), size_(static_cast<uint32_t>(size)), data_(data) {}

  template <typename T>
  constexpr std::span<const T> Items() const {
    return {static_cast<const T*>(data_), size_};
  }
  template <typename T>
  static constexpr int64_t Clamp(T value) {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == sizeof(int64_t)) {
      constexpr auto kMax = static_cast<T>(std::numeric_limits<int64_t>::max());
      return static_cast<int64_t>(value < kMax ? value : kMax);
    }
    return static_cast<int64_t>(value);
  }

  Type type_ = Type::kEmpty;
  uint32_t size_ = 0;  // of what data_ points to, in items
  union {
    bool bool_;
    int64_t int_;
    double double_;
    const void* data_ = nullptr;
  };
};

struct Attribute {
  std::string_view key;
  AnyValue value;
};

constexpr AnyValue::AnyValue(std::span<const Attribute> entries)
    : AnyValue(Type::kMap, entries.data(), entries.size()) {}
constexpr AnyValue AnyValue::Map(std::initializer_list<Attribute> entries) {
  return {std::span<const Attribute>(entries.begin(), entries.size())};
}
constexpr std::span<const Attribute> AnyValue::as_map() const {
  return Items<Attribute>();
}

// A list of attributes as it is given to a call: counter.Add(1, {{"http.route", "/search"}, {"cached", true}}). Of
// attributes with the same key the last one counts; those without a key are ignored.
class AttributesView : public std::span<const Attribute> {
 public:
  constexpr AttributesView() = default;
  constexpr AttributesView(std::span<const Attribute> list) : std::span<const Attribute>(list) {}
  constexpr AttributesView(std::initializer_list<Attribute> list)
      : std::span<const Attribute>(list.begin(), list.size()) {}
  AttributesView(const std::vector<Attribute>& list) : std::span<const Attribute>(list) {}
};

}  // namespace otel
