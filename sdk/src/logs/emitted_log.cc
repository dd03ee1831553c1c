#include <algorithm>
#include <vector>

#include "common/arena.h"
#include "otel/log_record_processor.h"

namespace otel {

void EmittedLog::SetSeverity(Severity severity, std::string_view text) {
  data_.severity = severity;
  data_.severity_text = arena_.Copy(text);
}

void EmittedLog::SetBody(const AnyValue& body) {
  data_.body = arena_.Copy(body);
}

void EmittedLog::SetAttribute(std::string_view key, const AnyValue& value) {
  if (key.empty()) return;
  RemoveAttribute(key);
  std::vector<Attribute> all(data_.attributes.begin(), data_.attributes.end());
  all.push_back({arena_.Copy(key), arena_.Copy(value)});
  data_.attributes = std::span<const Attribute>(arena_.CopyItems(std::span<const Attribute>(all)));
}

void EmittedLog::RemoveAttribute(std::string_view key) {
  const auto has_key = [key](const Attribute& attribute) { return attribute.key == key; };
  if (std::ranges::none_of(data_.attributes, has_key)) return;
  std::vector<Attribute> others(data_.attributes.begin(), data_.attributes.end());
  std::erase_if(others, has_key);
  data_.attributes = std::span<const Attribute>(arena_.CopyItems(std::span<const Attribute>(others)));
}

}  // namespace otel
