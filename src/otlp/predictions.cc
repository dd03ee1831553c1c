#include "otlp/predictions.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <string>

#include "otlp/attribute_sets.h"

namespace sightline::otlp {
namespace {

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Numbers may have been sent as texts. Nothing else is a number.
std::optional<double> DoubleOf(const AttributeValue* value) {
  if (value == nullptr) return std::nullopt;
  if (value->type == 'd') return std::bit_cast<double>(value->number);
  if (value->type == 'i') return static_cast<double>(static_cast<int64_t>(value->number));
  if (value->type == 's') return ParseWhole<double>(value->bytes);
  return std::nullopt;
}

std::optional<int64_t> IntOf(const AttributeValue* value) {
  if (value == nullptr) return std::nullopt;
  if (value->type == 'i') return static_cast<int64_t>(value->number);
  if (value->type == 's') return ParseWhole<int64_t>(value->bytes);
  if (value->type != 'd') return std::nullopt;
  constexpr double kExactMax = 1LL << 53;
  const auto number = std::bit_cast<double>(value->number);
  if (std::trunc(number) != number || std::abs(number) > kExactMax) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

PredictionsTable::PredictionsTable() {
  constexpr char kLow[] = "LowCardinality(String)";
  AddBlock();
  Add("Timestamp", "DateTime64(9)", timestamp);
  Add("TraceId", "FixedString(16)", trace_id);
  Add("SpanId", "FixedString(8)", span_id);
  Add("ServiceName", kLow, service_name);
  Add("SpanName", kLow, span_name);
  Add("StatusCode", kLow, status_code);
  Add("Duration", "UInt64", duration);
  Add("Model", kLow, model);
  Add("Version", kLow, version);
  Add("PredictionId", "String", prediction_id);
  Add("Score", "Nullable(Float64)", score);
  Add("Confidence", "Nullable(Float64)", confidence);
  Add("Rank", "Nullable(Int64)", rank);
  Add("Features", "Map(LowCardinality(String), String)", features);
  Add("FeatureTypes", kLow, feature_types);
  Add("AdjustedCount", "Float64", adjusted_count);
}

void Predictions::ReadAttributes(std::span<const std::string_view> key_values) {
  read_.clear();
  for (const std::string_view key_value : key_values) read_.push_back(ReadKeyValue(key_value));
}

const AttributeValue* Predictions::Find(const std::vector<std::string>& keys) const {
  for (const std::string& key : keys) {
    const auto found = std::ranges::find(read_, key, &Attribute::key);
    if (found != read_.end() && found->value.type != 'e') return &found->value;
  }
  return nullptr;
}

const PredictionRule* Predictions::RuleOf(const Span& span) const {
  const auto meets = [&](const PredictionRule& rule) {
    return PredictionNames::Meets(rule, span.name) &&
           (rule.with_attribute.empty() ||
            std::ranges::find(read_, rule.with_attribute, &Attribute::key) != read_.end());
  };
  const auto found = std::ranges::find_if(rules_, meets);
  return found == rules_.end() ? nullptr : &*found;
}

// Good until the next text is mended.
std::string_view Predictions::TextOf(const std::vector<std::string>& keys, Marks& marks) {
  const AttributeValue* value = Find(keys);
  return value == nullptr ? std::string_view() : mender_.TextOf(*value, marks);
}

void Predictions::Add(const Span& span, AttributeWriter& attributes) {
  ReadAttributes(span.attributes);
  const PredictionRule* const rule = RuleOf(span);
  if (rule == nullptr) return;
  PredictionsTable& table = tables_.For(DayOf(span.start_unix_nanos));
  const uint64_t row = table.rows();
  Marks marks;  // of the span, whose own row says them
  table.timestamp.Append(span.start_unix_nanos);
  table.trace_id.Set(row, span.trace_id);
  table.span_id.Set(row, span.span_id);
  table.service_name.Append(span.service_name);
  table.span_name.Append(mender_.CleanName(span.name, marks));
  table.status_code.Append(span.status);
  table.duration.Append(span.duration_nanos);
  table.model.Append(TextOf(rule->model, marks));
  table.version.Append(TextOf(rule->version, marks));
  table.prediction_id.Append(TextOf(rule->prediction_id, marks));
  table.score.Append(DoubleOf(Find(rule->score)));
  table.confidence.Append(DoubleOf(Find(rule->confidence)));
  table.rank.Append(IntOf(Find(rule->rank)));
  features_.clear();
  for (size_t i = 0; i < read_.size(); ++i) {
    if (!rule->features.empty() && read_[i].key.starts_with(rule->features)) features_.push_back(span.attributes[i]);
  }
  attributes.Write(features_, row, {table.features, table.feature_types}, marks);
  table.adjusted_count.Append(span.weight);
  table.EndRow();
}

}  // namespace sightline::otlp
