#include "otlp/span_dimensions.h"

#include <algorithm>

#include "base/json_text.h"
#include "otlp/columns.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp {

DimensionReader::DimensionReader(const std::vector<Dimension>& dimensions, const Limits& limits)
    : dimensions_(dimensions),
      value_mender_(limits),
      name_mender_(limits),
      span_values_(dimensions.size()),
      resource_values_(dimensions.size()) {}

void DimensionReader::Look(std::string_view key_value, std::vector<std::optional<std::string>>& values) {
  const Attribute attribute = ReadKeyValue(key_value);
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    if (dimensions_[i].key != attribute.key || values[i]) continue;
    Marks marks;  // those of the attribute itself are counted with it
    const std::string text(value_mender_.TextOf(attribute.value, marks));
    values[i] = name_mender_.CleanName(text, marks);
  }
}

void DimensionReader::ReadResource(std::string_view resource) {
  const uint64_t hash = HashText(resource);
  if (resource_hash_ == hash) return;
  std::ranges::fill(resource_values_, std::nullopt);
  for (FieldReader fields(resource); fields.Next();) {
    if (fields.tag() == field::resource::kAttributes) Look(fields.bytes(), resource_values_);
  }
  resource_hash_ = hash;
}

std::string_view DimensionReader::Read(const std::vector<std::string_view>& attributes, std::string_view resource) {
  if (dimensions_.empty()) return {};
  ReadResource(resource);
  std::ranges::fill(span_values_, std::nullopt);
  for (const std::string_view key_value : attributes) Look(key_value, span_values_);
  return Write();
}

std::string_view DimensionReader::ReadSpan(std::string_view span, std::string_view resource) {
  if (dimensions_.empty()) return {};
  ReadResource(resource);
  std::ranges::fill(span_values_, std::nullopt);
  for (FieldReader fields(span); fields.Next();) {
    if (fields.tag() == field::span::kAttributes) Look(fields.bytes(), span_values_);
  }
  return Write();
}

const std::string* DimensionReader::Value(size_t i) const {
  for (const auto* value : {&span_values_[i], &resource_values_[i], &dimensions_[i].default_value}) {
    if (*value) return &**value;
  }
  return nullptr;
}

std::string_view DimensionReader::Write() {
  text_.clear();
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    const std::string* value = Value(i);
    if (value == nullptr) continue;
    text_ += text_.empty() ? '{' : ',';
    AppendJsonString(text_, dimensions_[i].key);
    text_ += ':';
    AppendJsonString(text_, *value);
  }
  if (!text_.empty()) text_ += '}';
  return text_;
}

}  // namespace sightline::otlp
