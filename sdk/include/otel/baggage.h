// Name and value pairs that travel with a request through all services. https://www.w3.org/TR/baggage/
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otel {

// Immutable; copies share the memory.
class Baggage {
 public:
  // Of the header. What is beyond them is left out.
  static constexpr size_t kHeaderEntriesMax = 64;
  static constexpr size_t kHeaderBytesMax = 8192;

  struct Entry {
    std::string key;
    std::string value;
    std::string metadata;  // the properties after the value, as they stand in the header
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  constexpr Baggage() = default;
  // Entries that are malformed are left out.
  static Baggage FromHeader(std::string_view header);
  // Entries whose key may not stand in a header are left out.
  std::string ToHeader() const;

  bool empty() const { return entries_ == nullptr; }
  const std::vector<Entry>& entries() const;
  std::optional<std::string_view> Get(std::string_view key) const;
  // With the entry in place of the one with that key. Unchanged where the key is empty.
  Baggage With(std::string_view key, std::string_view value, std::string_view metadata = {}) const;
  Baggage Without(std::string_view key) const;

 private:
  explicit Baggage(std::vector<Entry> entries);

  std::shared_ptr<const std::vector<Entry>> entries_;  // none where there are none
};

}  // namespace otel
