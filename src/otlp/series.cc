#include "otlp/series.h"

#include <algorithm>
#include <array>

#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
// As OpenTelemetry's SDKs call what is beyond their limits.
constexpr std::string_view kOverflowKey = "otel.metric.overflow";
constexpr char kOverflowMark = 'o';
constexpr size_t kOverflowedPart = 8;  // of what is remembered

void AppendSized(std::string_view text, std::string& out) {
  const uint64_t size = text.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out.append(text);
}

template <typename T>
void AppendRaw(T value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

std::string_view MetricTypeName(MetricType type) {
  constexpr std::array<std::string_view, 6> kNames = {"",       "gauge", "sum", "histogram", "exponential_histogram",
                                                      "summary"};
  return kNames[static_cast<size_t>(type)];
}

void MetricHeader::Read(std::string_view message) {
  name = description = unit = data = {};
  metadata.clear();
  type = MetricType::kNone;
  temporality = 0;
  monotonic = false;
  auto take = [&](MetricType found, std::string_view bytes) {  // of a oneof the last member counts
    type = found;
    data = bytes;
  };
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case field::metric::kName:
        name = fields.bytes();
        break;
      case field::metric::kDescription:
        description = fields.bytes();
        break;
      case field::metric::kUnit:
        unit = fields.bytes();
        break;
      case field::metric::kMetadata:
        metadata.push_back(fields.bytes());
        break;
      case field::metric::kGauge:
        take(MetricType::kGauge, fields.bytes());
        break;
      case field::metric::kSum:
        take(MetricType::kSum, fields.bytes());
        break;
      case field::metric::kHistogram:
        take(MetricType::kHistogram, fields.bytes());
        break;
      case field::metric::kExponentialHistogram:
        take(MetricType::kExponentialHistogram, fields.bytes());
        break;
      case field::metric::kSummary:
        take(MetricType::kSummary, fields.bytes());
        break;
      default:
        break;
    }
  }
  if (type == MetricType::kGauge || type == MetricType::kSummary) return;
  for (FieldReader fields(data); fields.Next();) {
    if (fields.tag() == field::metric_data::kAggregationTemporality) temporality = fields.Int32();
    if (fields.tag() == field::metric_data::kIsMonotonic && type == MetricType::kSum) monotonic = fields.Bool();
  }
}

SeriesIndex::SeriesIndex(const Limits& limits, size_t remembered_max, std::shared_ptr<MetricSeriesLimit> series_limit)
    : limits_(limits), remembered_max_(remembered_max), mender_(limits), series_limit_(std::move(series_limit)) {}

void SeriesIndex::StartMetric(const MetricHeader& header, const ScopeContext& context, std::string_view resource) {
  header_ = &header;
  context_ = &context;
  resource_ = resource;
  raw_.clear();
  AppendRaw(context.serial, raw_);  // stands for all of the resource and scope
  for (const std::string_view text : {header.name, header.description, header.unit}) AppendSized(text, raw_);
  AppendRaw(header.type, raw_);
  AppendRaw(header.temporality, raw_);
  AppendRaw(header.monotonic, raw_);
  AppendRaw(header.metadata.size(), raw_);
  for (const std::string_view key_value : header.metadata) AppendSized(key_value, raw_);
  const Hash128 metric = HashBytes(raw_);  // so that long descriptions are not hashed for each point
  raw_.clear();
  AppendRaw(metric, raw_);
  raw_metric_size_ = raw_.size();
}

SeriesRef SeriesIndex::Find(const std::vector<std::string_view>& key_values, int64_t received_unix_nanos) {
  raw_.resize(raw_metric_size_);
  for (const std::string_view key_value : key_values) AppendSized(key_value, raw_);
  const Hash128 hash = HashBytes(raw_);
  const int32_t day = DayOf(received_unix_nanos);
  const auto found = known_.find(hash);
  if (found != known_.end() && found->second.written_day == day) [[likely]]
    return found->second.series;
  return FindNew(hash, key_values, received_unix_nanos);
}

SeriesRef SeriesIndex::FindNew(const Hash128& hash, const std::vector<std::string_view>& key_values,
                               int64_t received_unix_nanos) {
  const int32_t day = DayOf(received_unix_nanos);
  if (const auto found = overflowed_.find(hash); found != overflowed_.end() && found->second.written_day == day) {
    ++overflowed_points_;
    return found->second.series;
  }
  SeriesRef series;
  DecodeMetric(series.marks);
  const Marks of_metric = series.marks;
  DecodeAttributes(key_values, series.marks);
  limited_by_.clear();
  series.id = CanonicalId(*context_);
  if (series_limit_ != nullptr && !IsAdmitted(series.id, day)) {
    ++overflowed_points_;
    series = FindOverflow(of_metric, received_unix_nanos);
    Remember(overflowed_, remembered_max_ / kOverflowedPart, hash, {series, day});
    return series;
  }
  WriteRow(series.id, *context_, received_unix_nanos);
  Remember(known_, remembered_max_, hash, {series, day});
  return series;
}

void SeriesIndex::Remember(Series& series, size_t max, const Hash128& hash, const Known& known) {
  if (series.size() >= max) series.clear();
  series[hash] = known;
}

// The series of all that were not admitted of the metric, in the same resource and scope. The metric is decoded.
SeriesRef SeriesIndex::FindOverflow(Marks of_metric, int64_t received_unix_nanos) {
  const int32_t day = DayOf(received_unix_nanos);
  raw_.resize(raw_metric_size_);
  raw_ += kOverflowMark;  // shorter than any attribute
  const Hash128 hash = HashBytes(raw_);
  if (const auto found = known_.find(hash); found != known_.end() && found->second.written_day == day)
    return found->second.series;
  SeriesRef series{.marks = of_metric};
  attributes_.assign(1, {.key = std::string(kOverflowKey), .text = "true", .type = 'b'});
  limited_by_ = series_limit_->LimitedBy(context_->service_name, name_);
  series.id = CanonicalId(*context_);
  const uint64_t metric = MetricSeriesLimit::KeyOf(context_->service_name, name_);
  if (series_limit_->AdmitOverflow(metric, series.id)) {
    WriteRow(series.id, *context_, received_unix_nanos);
  } else {
    ScopeContext of_service;
    of_service.service_name = context_->service_name;
    series.id = CanonicalId(of_service);
    const Hash128 of_all{series.id, static_cast<uint64_t>(kOverflowMark)};  // else a row of it for each resource
    if (const auto found = known_.find(of_all); found == known_.end() || found->second.written_day != day) {
      WriteRow(series.id, of_service, received_unix_nanos);
      Remember(known_, remembered_max_, of_all, {series, day});
    }
  }
  Remember(known_, remembered_max_, hash, {series, day});
  return series;
}

bool SeriesIndex::IsAdmitted(uint64_t id, int32_t day) {
  const uint64_t metric = MetricSeriesLimit::KeyOf(context_->service_name, name_);
  const auto standing = series_limit_->Admit(metric, id, day);
  if (standing.is_watched) ShowAttributes(metric);
  return standing.has_own_rows;
}

void SeriesIndex::ShowAttributes(uint64_t metric) {
  shown_.clear();
  for (const Point& attribute : attributes_) {
    shown_.emplace_back("point." + attribute.key, XXH3_64bits(attribute.text.data(), attribute.text.size()));
  }
  Marks marks;  // counted already, with the resource
  for (FieldReader fields(resource_); fields.Next();) {
    if (fields.tag() != field::resource::kAttributes) continue;
    const Attribute attribute = ReadKeyValue(fields.bytes());
    std::string name = "resource.";
    name += mender_.CleanName(attribute.key, marks);
    const std::string_view text = mender_.TextOf(attribute.value, marks);
    shown_.emplace_back(std::move(name), XXH3_64bits(text.data(), text.size()));
  }
  series_limit_->Watch(metric, shown_);
}

void SeriesIndex::DecodeMetric(Marks& marks) {
  name_ = mender_.CleanName(header_->name, marks);
  description_ = mender_.Clean(header_->description, marks);
  unit_ = mender_.CleanName(header_->unit, marks);
  metadata_ = header_->metadata.empty() ? std::string_view() : mender_.JsonObject(header_->metadata, marks);
}

void SeriesIndex::DecodeAttributes(const std::vector<std::string_view>& key_values, Marks& marks) {
  size_t count = key_values.size();
  if (count > limits_.attributes_per_item_max) {
    count = limits_.attributes_per_item_max;
    marks.Set(Marks::kAttributesCut);
  }
  attributes_.clear();
  for (size_t i = 0; i < count; ++i) {
    const Attribute attribute = ReadKeyValue(key_values[i]);
    Point& point = attributes_.emplace_back();
    point.key = mender_.CleanName(attribute.key, marks);
    point.text = mender_.TextOf(attribute.value, marks);
    point.type = attribute.value.type;
    point.order = i;
  }
  // Attributes are a set: the same ones in another order are the same series.
  std::sort(attributes_.begin(), attributes_.end(),
            [](const Point& a, const Point& b) { return a.key != b.key ? a.key < b.key : a.order < b.order; });
}

uint64_t SeriesIndex::CanonicalId(const ScopeContext& context) {
  canonical_.clear();
  const std::string_view type = MetricTypeName(header_->type);
  for (const std::string_view text :
       {std::string_view(name_), type, std::string_view(description_), std::string_view(unit_)}) {
    AppendSized(text, canonical_);
  }
  AppendRaw(header_->temporality, canonical_);
  AppendRaw(header_->monotonic, canonical_);
  for (const std::string* text :
       {&context.service_name, &context.resource_id, &context.scope_name, &context.scope_version, &context.scope_id}) {
    AppendSized(*text, canonical_);
  }
  AppendRaw(attributes_.size(), canonical_);
  for (const Point& attribute : attributes_) {
    AppendSized(attribute.key, canonical_);
    AppendSized(attribute.text, canonical_);
    AppendRaw(attribute.type, canonical_);
  }
  AppendSized(metadata_, canonical_);
  if (!limited_by_.empty()) canonical_ += kOverflowMark;  // an SDK's own overflow has the same attribute
  // Tables are ordered by the id. Series of one resource are exported with one clock, so that their times compress to a
  // third when they lie together: the first 16 bits are the resource's.
  constexpr int kOwnBits = 48;
  const uint64_t of_resource = XXH3_64bits(context.resource_id.data(), context.resource_id.size());
  const uint64_t own = XXH3_64bits(canonical_.data(), canonical_.size());
  return of_resource >> kOwnBits << kOwnBits | (own & ((uint64_t{1} << kOwnBits) - 1));
}

void SeriesIndex::WriteRow(uint64_t id, const ScopeContext& context, int64_t received_unix_nanos) {
  const uint64_t row = table_.rows();
  table_.series_id.Append(id);
  table_.seen.Append(static_cast<uint32_t>(std::clamp<int64_t>(received_unix_nanos / kNanosPerSecond, 0, UINT32_MAX)));
  table_.metric_name.Append(name_);
  table_.metric_type.Append(MetricTypeName(header_->type));
  table_.description.Append(description_);
  table_.unit.Append(unit_);
  table_.aggregation_temporality.Append(header_->temporality);
  table_.is_monotonic.Append(header_->monotonic ? 1 : 0);
  table_.service_name.Append(context.service_name);
  table_.resource_id.Append(context.resource_id);
  table_.scope_name.Append(context.scope_name);
  table_.scope_version.Append(context.scope_version);
  table_.scope_id.Append(context.scope_id);
  std::string types;
  for (const Point& attribute : attributes_) {
    table_.attributes.keys().Append(attribute.key);
    table_.attributes.values().Append(attribute.text);
    types += attribute.type;
  }
  table_.attributes.Close(row);
  table_.attribute_types.Append(types);
  table_.metadata.Append(metadata_);
  table_.limited_by.Append(limited_by_);
  table_.EndRow();
}

}  // namespace sightline::otlp
