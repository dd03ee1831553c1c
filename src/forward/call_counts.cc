#include "forward/call_counts.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <optional>

#include "otlp/span_metrics.h"
#include "otlp/wire_fields.h"

namespace sightline::forward {
namespace {

namespace field = otlp::field;

constexpr uint32_t kSeriesPerRequest = 2000;
constexpr uint32_t kNumberBits = 28;  // of a service or a name in a key
constexpr uint64_t kOverflowKey = UINT64_MAX;

constexpr std::string_view kKinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                       "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
constexpr std::string_view kStatuses[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};

// Of what Encode makes: protobuf, though nobody else reads it.
namespace encoded {
using otlp::Tag;
using otlp::WireType;
constexpr uint32_t kService = Tag(1, WireType::kBytes), kName = Tag(2, WireType::kBytes),
                   kRow = Tag(3, WireType::kBytes), kDimension = Tag(4, WireType::kBytes),
                   // A row without counts: beside the others, so that programs that know of none pass it over.
    kExemplar = Tag(5, WireType::kBytes);
constexpr uint32_t kRowService = Tag(1, WireType::kVarint), kRowName = Tag(2, WireType::kVarint),
                   kRowKind = Tag(3, WireType::kVarint), kRowStatus = Tag(4, WireType::kVarint),
                   kRowOverflow = Tag(5, WireType::kVarint), kRowCount = Tag(6, WireType::kFixed64),
                   kRowSum = Tag(7, WireType::kFixed64), kRowBucket = Tag(8, WireType::kVarint),
                   kRowBucketCount = Tag(9, WireType::kFixed64), kRowExemplar = Tag(10, WireType::kBytes);
constexpr size_t kExemplarBytes = 16 + 8 + 2 * sizeof(uint64_t);
}  // namespace encoded

constexpr char kSeparator = '\xff', kNoValue = '\xfe';

// Takes the part before the next separator off `rest`.
std::string_view NextPart(std::string_view& rest) {
  const std::string_view part = rest.substr(0, rest.find(kSeparator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

uint32_t BucketOf(uint64_t nanos) {
  const double milliseconds = static_cast<double>(nanos) * 1e-6;
  return static_cast<uint32_t>(std::ranges::lower_bound(kDurationBoundsMs, milliseconds) - kDurationBoundsMs.begin());
}

}  // namespace

const std::vector<otlp::Dimension> CallCounts::kNoDimensions;

CallCounts::CallCounts(uint32_t series_max, const std::vector<otlp::Dimension>& dimensions)
    : series_max_(series_max),
      dimensions_(dimensions),
      dimension_reader_(dimensions, otlp::Limits{}),
      mender_(otlp::Limits{}) {}

void CallCounts::Clear() {
  services_.Clear();
  names_.Clear();
  numbers_.clear();
  rows_.clear();
}

void CallCounts::ClearWrittenExemplars() {
  for (Row& row : rows_) {
    if (row.durations.count > 0) row.exemplar = {};
  }
}

void CallCounts::Exemplar::Merge(const Exemplar& other) {
  if (std::pair(other.nanos, other.end_unix_nanos) > std::pair(nanos, end_unix_nanos)) *this = other;
}

void CallCounts::Row::Merge(const Row& other) {
  durations.Merge(other.durations);
  exemplar.Merge(other.exemplar);
}

CallCounts::Row& CallCounts::RowOf(uint32_t service, std::string_view name, uint8_t kind, uint8_t status) {
  uint64_t key = kOverflowKey;
  uint32_t name_number = 0;
  if (const uint64_t hash = otlp::HashText(name); !name.empty()) {
    name_number = names_.Find(name, hash);
    // Names have a bound of their own, as they stay when their series are none.
    if (name_number == otlp::Interner::kAbsent && names_.size() < series_max_) name_number = names_.Insert(name, hash);
  }
  if (name_number != otlp::Interner::kAbsent) {
    key = uint64_t{service} << (kNumberBits + 8) | uint64_t{name_number} << 8 | uint64_t{kind} << 4 | status;
  }
  const auto found = numbers_.find(key);
  if (found != numbers_.end()) return rows_[found->second];
  const bool is_overflow = key == kOverflowKey || rows_.size() >= series_max_;
  const auto [entry, is_new] =
      numbers_.try_emplace(is_overflow ? kOverflowKey : key, static_cast<uint32_t>(rows_.size()));
  if (is_new && is_overflow) rows_.push_back({.is_overflow = true, .durations = {}, .exemplar = {}});
  if (is_new && !is_overflow) {
    rows_.push_back(
        {.service = service, .name = name_number, .kind = kind, .status = status, .durations = {}, .exemplar = {}});
  }
  return rows_[entry->second];
}

uint32_t CallCounts::ServiceOf(std::string_view resource) {
  std::string_view name;
  for (otlp::FieldReader fields(resource); fields.Next();) {
    if (fields.tag() != field::resource::kAttributes) continue;
    const otlp::Attribute attribute = otlp::ReadKeyValue(fields.bytes());
    if (attribute.key == "service.name" && attribute.value.type == 's') name = attribute.value.bytes;
  }
  otlp::Marks marks;
  return ServiceNumber(mender_.CleanName(name, marks));
}

// Bounded as names are: beyond it calls are of no service.
uint32_t CallCounts::ServiceNumber(std::string_view name) {
  if (name.empty()) return 0;
  const uint64_t hash = otlp::HashText(name);
  const uint32_t number = services_.Find(name, hash);
  if (number != otlp::Interner::kAbsent) return number;
  return services_.size() < series_max_ ? services_.Insert(name, hash) : 0;
}

// The name, and behind it each dimension's value or kNoValue, with a byte between them that is in no UTF-8.
std::string_view CallCounts::Series(std::string_view name, std::string_view span, std::string_view resource) {
  if (dimensions_.empty()) return name;
  dimension_reader_.ReadSpan(span, resource);
  series_text_.assign(name);
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    const std::string* value = dimension_reader_.Value(i);
    series_text_ += kSeparator;
    if (value != nullptr) {
      series_text_ += *value;
    } else {
      series_text_ += kNoValue;
    }
  }
  return series_text_;
}

std::string_view CallCounts::WithoutValues(std::string_view series) {
  series_text_.assign(NextPart(series));
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    series_text_ += kSeparator;
    series_text_ += kNoValue;
  }
  return series_text_;
}

template <typename Visit>
void CallCounts::ForEachSpan(std::string_view request, const otlp::Scan& scan, Visit visit) {
  uint32_t last_scope = UINT32_MAX, service = 0;
  otlp::Marks marks;
  for (size_t i = 0; i < scan.items.size(); ++i) {
    const otlp::SpanHead& head = scan.heads[i];
    if (scan.items[i].scope != last_scope) {
      last_scope = scan.items[i].scope;
      service = ServiceOf(scan.scopes[last_scope].resource.In(request));
    }
    const uint64_t nanos =
        head.end_unix_nanos > head.start_unix_nanos ? head.end_unix_nanos - head.start_unix_nanos : 0;
    const uint8_t kind = head.kind < std::size(kKinds) ? head.kind : uint8_t{0};
    const uint8_t status = head.status < std::size(kStatuses) ? head.status : uint8_t{0};
    const std::string_view series =
        Series(mender_.CleanName(head.name.In(request), marks), scan.items[i].message.In(request),
               scan.scopes[last_scope].resource.In(request));
    visit(RowOf(service, series, kind, status), head, nanos);
  }
}

void CallCounts::Add(std::string_view request, const otlp::Scan& scan) {
  ForEachSpan(request, scan, [&](Row& row, const otlp::SpanHead& head, uint64_t nanos) {
    const double weight = head.trace_state.size == 0 ? 1 : otlp::SpanWeight(head.trace_state.In(request));
    row.durations.buckets[BucketOf(nanos)] += weight;
    row.durations.count += weight;
    row.durations.sum += weight * static_cast<double>(nanos) * 1e-6;
  });
}

void CallCounts::AddExemplars(std::string_view request, const otlp::Scan& scan) {
  ForEachSpan(request, scan, [&](Row& row, const otlp::SpanHead& head, uint64_t nanos) {
    Exemplar exemplar{.end_unix_nanos = std::max<uint64_t>({head.end_unix_nanos, head.start_unix_nanos, 1}),
                      .nanos = nanos};
    std::memcpy(exemplar.trace_id.data(), request.data() + head.trace_id, exemplar.trace_id.size());
    std::memcpy(exemplar.span_id.data(), &head.span_id, exemplar.span_id.size());
    row.exemplar.Merge(exemplar);
  });
}

void CallCounts::Merge(const CallCounts& other) {
  for (const Row& row : other.rows_) {
    if (row.is_overflow) {
      OverflowRow().Merge(row);
      continue;
    }
    const uint32_t service = ServiceNumber(other.services_.at(row.service));
    RowOf(service, other.names_.at(row.name), row.kind, row.status).Merge(row);
  }
}

CallCounts::Row& CallCounts::OverflowRow() {
  const auto [entry, is_new] = numbers_.try_emplace(kOverflowKey, static_cast<uint32_t>(rows_.size()));
  if (is_new) rows_.push_back({.is_overflow = true, .durations = {}, .exemplar = {}});
  return rows_[entry->second];
}

double CallCounts::overflowed() const {
  const auto entry = numbers_.find(kOverflowKey);
  return entry == numbers_.end() ? 0 : rows_[entry->second].durations.count;
}

// The texts and the dimensions' keys, then rows that name texts by their order; of the buckets those that are not 0.
std::string CallCounts::Encode() const {
  otlp::WireWriter out;
  const auto write_texts = [&](uint32_t tag, const otlp::Interner& texts) {
    for (uint32_t i = 0; i < texts.size(); ++i) out.Bytes(tag, texts.at(i));
  };
  write_texts(encoded::kService, services_);
  write_texts(encoded::kName, names_);
  for (const otlp::Dimension& dimension : dimensions_) out.Bytes(encoded::kDimension, dimension.key);
  const auto begin_row = [&](uint32_t tag, const Row& row) {
    const size_t message = out.Begin(tag);
    out.Varint(encoded::kRowService, row.service);
    out.Varint(encoded::kRowName, row.name);
    out.Varint(encoded::kRowKind, row.kind);
    out.Varint(encoded::kRowStatus, row.status);
    if (row.is_overflow) out.Varint(encoded::kRowOverflow, 1);
    return message;
  };
  for (const Row& row : rows_) {
    if (row.durations.count == 0) continue;
    const size_t message = begin_row(encoded::kRow, row);
    out.Fixed64(encoded::kRowCount, std::bit_cast<uint64_t>(row.durations.count));
    out.Fixed64(encoded::kRowSum, std::bit_cast<uint64_t>(row.durations.sum));
    for (size_t i = 0; i < row.durations.buckets.size(); ++i) {
      if (row.durations.buckets[i] == 0) continue;
      out.Varint(encoded::kRowBucket, i);
      out.Fixed64(encoded::kRowBucketCount, std::bit_cast<uint64_t>(row.durations.buckets[i]));
    }
    out.End(message);
  }
  for (const Row& row : rows_) {
    const Exemplar& exemplar = row.exemplar;
    if (exemplar.end_unix_nanos == 0) continue;
    const size_t message = begin_row(encoded::kExemplar, row);
    const size_t bytes = out.Begin(encoded::kRowExemplar);
    out.RawBytes({exemplar.trace_id.data(), exemplar.trace_id.size()});
    out.RawBytes({exemplar.span_id.data(), exemplar.span_id.size()});
    out.RawFixed64(exemplar.end_unix_nanos);
    out.RawFixed64(exemplar.nanos);
    out.End(bytes);
    out.End(message);
  }
  return out.Take();
}

CallCounts::Exemplar CallCounts::ReadExemplar(std::string_view bytes) {
  Exemplar exemplar;
  const auto take = [&](void* to, size_t size) {
    std::memcpy(to, bytes.data(), size);
    bytes.remove_prefix(size);
  };
  take(exemplar.trace_id.data(), exemplar.trace_id.size());
  take(exemplar.span_id.data(), exemplar.span_id.size());
  take(&exemplar.end_unix_nanos, sizeof(exemplar.end_unix_nanos));
  take(&exemplar.nanos, sizeof(exemplar.nanos));
  return exemplar;
}

std::optional<CallCounts::Row> CallCounts::ReadRow(std::string_view message) {
  Row row;
  size_t bucket = 0;
  for (otlp::FieldReader in(message); in.Next();) {
    switch (in.tag()) {
      case encoded::kRowService:
        row.service = static_cast<uint32_t>(in.Uint());
        break;
      case encoded::kRowName:
        row.name = static_cast<uint32_t>(in.Uint());
        break;
      case encoded::kRowKind:
        row.kind = static_cast<uint8_t>(in.Uint());
        break;
      case encoded::kRowStatus:
        row.status = static_cast<uint8_t>(in.Uint());
        break;
      case encoded::kRowOverflow:
        row.is_overflow = true;
        break;
      case encoded::kRowCount:
        row.durations.count = in.Double();
        break;
      case encoded::kRowSum:
        row.durations.sum = in.Double();
        break;
      case encoded::kRowBucket:
        bucket = in.Uint();
        break;
      case encoded::kRowBucketCount:
        if (bucket >= row.durations.buckets.size()) return std::nullopt;
        row.durations.buckets[bucket] = in.Double();
        break;
      case encoded::kRowExemplar:
        if (in.bytes().size() != encoded::kExemplarBytes) return std::nullopt;
        row.exemplar = ReadExemplar(in.bytes());
        break;
      default:
        return std::nullopt;
    }
  }
  return row;
}

bool CallCounts::Merge(std::string_view encoded_counts) {
  std::vector<std::string_view> services, names, dimensions;
  otlp::FieldReader fields(encoded_counts);
  while (fields.Next()) {
    if (fields.tag() == encoded::kService) services.push_back(fields.bytes());
    if (fields.tag() == encoded::kName) names.push_back(fields.bytes());
    if (fields.tag() == encoded::kDimension) dimensions.push_back(fields.bytes());
    if (fields.tag() != encoded::kRow && fields.tag() != encoded::kExemplar) continue;
    const std::optional<Row> read = ReadRow(fields.bytes());
    if (!read) return false;
    const Row& row = *read;
    if (row.is_overflow) {
      OverflowRow().Merge(row);
      continue;
    }
    const bool is_known = row.service < services.size() && row.name < names.size();
    if (!is_known || row.kind >= std::size(kKinds) || row.status >= std::size(kStatuses)) return false;
    const bool has_our_dimensions = std::ranges::equal(dimensions, dimensions_, {}, {}, &otlp::Dimension::key);
    const std::string_view series = has_our_dimensions ? names[row.name] : WithoutValues(names[row.name]);
    RowOf(ServiceNumber(services[row.service]), series, row.kind, row.status).Merge(row);
  }
  return fields.fault() == otlp::WireFault::kNone;
}

void CallCounts::Write(const MetricTimes& times, std::string_view instance_id,
                       std::vector<OutgoingRequest>& out) const {
  std::vector<uint32_t> order(rows_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::erase_if(order, [this](uint32_t row) { return rows_[row].durations.count == 0; });
  std::ranges::sort(order, {}, [this](uint32_t row) { return std::pair(rows_[row].service, row); });
  const auto write_points = [&](std::span<const uint32_t> rows, const auto& write) {
    for (const uint32_t number : rows) {
      const Row& row = rows_[number];
      std::string_view rest = names_.at(row.name);
      std::vector<std::pair<std::string_view, std::string_view>> all = {{"service.name", services_.at(row.service)},
                                                                        {"span.name", NextPart(rest)},
                                                                        {"span.kind", kKinds[row.kind]},
                                                                        {"status.code", kStatuses[row.status]},
                                                                        {"collector.instance.id", instance_id}};
      for (const otlp::Dimension& dimension : dimensions_) {
        const std::string_view value = NextPart(rest);
        if (value != std::string_view(&kNoValue, 1)) all.emplace_back(dimension.key, value);
      }
      const std::pair<std::string_view, std::string_view> overflow[] = {{kOverflow, ""},
                                                                        {"collector.instance.id", instance_id}};
      const Exemplar& kept = row.exemplar;
      const MetricExemplar exemplar{.trace_id = {kept.trace_id.data(), kept.trace_id.size()},
                                    .span_id = {kept.span_id.data(), kept.span_id.size()},
                                    .unix_nanos = kept.end_unix_nanos,
                                    .value = static_cast<double>(kept.nanos) * 1e-6};
      write(row.durations, row.is_overflow ? MetricAttributes(overflow) : MetricAttributes(all),
            kept.end_unix_nanos == 0 ? nullptr : &exemplar);
    }
  };
  for (size_t first = 0; first < order.size(); first += kSeriesPerRequest) {
    const auto chunk = std::span(order).subspan(first, std::min<size_t>(kSeriesPerRequest, order.size() - first));
    otlp::WireWriter request;
    for (size_t begin = 0, end = 0; begin < chunk.size(); begin = end) {
      const uint32_t service = rows_[chunk[begin]].service;
      while (end < chunk.size() && rows_[chunk[end]].service == service) ++end;
      const auto rows = chunk.subspan(begin, end - begin);
      const std::pair<std::string_view, std::string_view> resource[] = {{"service.name", services_.at(service)}};
      const OpenScope scope = BeginScope(request, resource);
      MetricWriter metric(request, times);
      metric.BeginSum("traces.span.metrics.calls", "{call}", "Spans before sampling.");
      write_points(rows, [&](const Durations& durations, MetricAttributes attributes, const MetricExemplar* exemplar) {
        MetricExemplar call = exemplar == nullptr ? MetricExemplar{} : *exemplar;
        call.value = 1;
        metric.SumPoint(durations.count, attributes, exemplar == nullptr ? nullptr : &call);
      });
      metric.End();
      metric.BeginHistogram("traces.span.metrics.duration", "ms", "Durations of spans before sampling.");
      write_points(rows, [&](const Durations& durations, MetricAttributes attributes, const MetricExemplar* exemplar) {
        metric.HistogramPoint(durations.buckets, kDurationBoundsMs, durations.sum, attributes, exemplar);
      });
      metric.End();
      EndScope(request, scope);
    }
    out.push_back({request.Take(), 2 * chunk.size()});
  }
}

}  // namespace sightline::forward
