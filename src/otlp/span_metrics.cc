#include "otlp/span_metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace sightline::otlp {
namespace {

constexpr uint64_t kSecondNanos = 1'000'000'000;
constexpr uint32_t kFinestSeconds = kResolutions[0];

// Places in Key::rest. Below them the time, in units of the resolution.
constexpr int kBucketShift = 32, kKindShift = 42, kStatusShift = 46, kEntryShift = 48;

constexpr uint64_t kServer = 2, kConsumer = 5;                     // SpanKind
constexpr uint32_t kHasIsRemote = 0x100, kParentIsRemote = 0x200;  // SpanFlags

constexpr int kThresholdDigits = 14;  // of 56 bits

constexpr char kBeforeDimensions = '\xff';  // in a text of Series

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the part before `separator` off `rest`.
std::string_view Next(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

double WeightOfThreshold(std::string_view digits) {
  if (digits.empty() || digits.size() > kThresholdDigits) return 1;
  uint64_t threshold = 0;
  for (const char c : digits) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return 1;
    threshold = threshold << 4 | static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  threshold <<= 4 * (kThresholdDigits - digits.size());
  constexpr uint64_t kAll = 1ULL << 56;
  return static_cast<double>(kAll) / static_cast<double>(kAll - threshold);
}

}  // namespace

uint16_t DurationBucket(uint64_t nanos) {
  // ceil(2^(63 + k/8)) for k = 1..7: bounds inside a doubling, for numbers shifted until the highest bit is set. The
  // powers are irrational, so comparing integers with the rounded-up bound is exact.
  constexpr uint64_t kBounds[] = {0x8b95c1e3ea8bd6e7, 0x9837f0518db8a970, 0xa5fed6a9b15138eb, 0xb504f333f9de6485,
                                  0xc5672a115506dade, 0xd744fccad69d6af5, 0xeac0c6e7dd24392f};
  static_assert(std::size(kBounds) + 1 == kBucketsPerDoubling);
  if (nanos <= 1) return 0;
  const int zeros = std::countl_zero(nanos);
  const uint64_t mantissa = nanos << zeros;
  uint32_t bucket = static_cast<uint32_t>(63 - zeros) * kBucketsPerDoubling;
  for (const uint64_t bound : kBounds) bucket += mantissa >= bound;
  return static_cast<uint16_t>(bucket);
}

double SpanWeight(std::string_view trace_state) {
  while (!trace_state.empty()) {
    std::string_view member = Trim(Next(trace_state, ','));
    if (Next(member, '=') != "ot") continue;
    while (!member.empty()) {
      std::string_view value = Next(member, ';');
      if (Next(value, ':') == "th") return WeightOfThreshold(value);
    }
    return 1;
  }
  return 1;
}

bool IsEntrySpan(uint64_t kind, std::string_view parent_span_id, uint32_t flags) {
  if (kind == kServer || kind == kConsumer) return true;
  if (parent_span_id.find_first_not_of('\0') == std::string_view::npos) return true;
  constexpr uint32_t kRemote = kHasIsRemote | kParentIsRemote;
  return (flags & kRemote) == kRemote;
}

SpanMetricsTable::SpanMetricsTable() {
  constexpr char kLow[] = "LowCardinality(String)";
  AddRollupColumns();
  Add("ServiceName", kLow, service_name);
  Add("SpanName", kLow, span_name);
  Add("SpanKind", kLow, span_kind);
  Add("StatusCode", kLow, status_code);
  Add("Entry", "Bool", entry);
  Add("Bucket", "UInt16", bucket);
  Add("Dimensions", kLow, dimensions);
  Add("Calls", "SimpleAggregateFunction(sum, Float64)", calls);
  Add("DurationSum", "SimpleAggregateFunction(sum, Float64)", duration_sum);
  Add("DurationMax", "SimpleAggregateFunction(max, UInt64)", duration_max);
  Add("LastSeen", "SimpleAggregateFunction(max, DateTime)", last_seen);
}

SpanMetrics::SpanMetrics(const SpanMetricsOptions& options)
    : limit_(options.series_per_service_max, options.series_max) {}

size_t SpanMetrics::Hasher::operator()(const Key& key) const {
  const auto product = static_cast<unsigned __int128>(key.names ^ 0x9e3779b97f4a7c15) * (key.rest ^ 0xd6e8feb86659fd93);
  return static_cast<size_t>(product >> 64) ^ static_cast<size_t>(product);
}

uint32_t SpanMetrics::ServiceNumber(std::string_view name) {
  if (name != last_service_) {
    last_service_number_ = services_.Intern(name);
    last_service_ = name;
  }
  return last_service_number_;
}

// Name and dimensions as one text: a byte that is in no UTF-8 between them.
std::string_view SpanMetrics::Series(std::string_view name, std::string_view dimensions) {
  if (dimensions.empty()) [[likely]]
    return name;
  series_text_.assign(name);
  series_text_ += kBeforeDimensions;
  series_text_ += dimensions;
  return series_text_;
}

uint32_t SpanMetrics::RowOf(const Key& key) {
  const auto [number, is_new] = numbers_.try_emplace(key, static_cast<uint32_t>(rows_.size()));
  if (is_new) rows_.push_back({.key = key});
  return number->second;
}

void SpanMetrics::SetReceived(int64_t unix_nanos) {
  constexpr int64_t kHourNanos = 3600 * static_cast<int64_t>(kSecondNanos);
  limit_.SetHour(unix_nanos / kHourNanos);
}

SpanMetrics::Row& SpanMetrics::RowFor(const Call& call, uint32_t second) {
  const uint64_t service = uint64_t{ServiceNumber(call.service_name)} << 32;
  const uint64_t rest =
      uint64_t{second / kFinestSeconds} | uint64_t{DurationBucket(call.duration_nanos)} << kBucketShift |
      uint64_t{call.kind} << kKindShift | uint64_t{call.status} << kStatusShift | uint64_t{call.entry} << kEntryShift;
  const std::string_view series = Series(call.span_name, call.dimensions);
  const uint64_t hash = HashText(series);
  uint32_t number = series.empty() ? 0 : series_.Find(series, hash);
  if (number != Interner::kAbsent) {
    const auto found = numbers_.find(Key{service | number, rest});
    if (found != numbers_.end()) [[likely]]
      return rows_[found->second];
  }
  const uint64_t service_hash = HashText(call.service_name);
  const uint64_t labels = uint64_t{call.kind} << 8 | call.status;
  if (!limit_.Admit(service_hash, (hash ^ service_hash * 0x9e3779b97f4a7c15) + labels * 0xd6e8feb86659fd93)) {
    ++overflowed_;
    number = series_.Intern(Series(kOtherSpanName, kOverflowDimensions));
  } else if (number == Interner::kAbsent) {
    number = series_.Insert(series, hash);
  }
  return rows_[RowOf({service | number, rest})];
}

void SpanMetrics::Add(const Call& call) {
  const uint32_t second = SecondOf(call.start_unix_nanos);
  Row& row = RowFor(call, second);
  row.calls += call.weight;
  row.duration_sum += call.weight * static_cast<double>(call.duration_nanos);
  row.duration_max = std::max(row.duration_max, call.duration_nanos);
  row.last_seen = std::max(row.last_seen, second);
}

size_t SpanMetrics::bytes() const {
  return rows_.size() * sizeof(Row) + series_.keys().size() + services_.keys().size();
}

// The same calls in units of time that are `factor` times as long.
void SpanMetrics::MakeCoarser(uint32_t factor) {
  const std::vector<Row> finer = std::exchange(rows_, {});
  numbers_.clear();
  for (const Row& row : finer) {
    const auto time = static_cast<uint32_t>(row.key.rest);
    Row& sum = rows_[RowOf({row.key.names, row.key.rest - time + time / factor})];
    sum.calls += row.calls;
    sum.duration_sum += row.duration_sum;
    sum.duration_max = std::max(sum.duration_max, row.duration_max);
    sum.last_seen = std::max(sum.last_seen, row.last_seen);
  }
}

void SpanMetrics::WriteRow(SpanMetricsTable& table, const Row& row, uint32_t seconds) const {
  constexpr std::string_view kKindNames[] = {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"};
  constexpr std::string_view kCodeNames[] = {"Unset", "Ok", "Error"};
  static_assert(std::size(kKindNames) == SpanTable::kKinds && std::size(kCodeNames) == SpanTable::kCodes);
  table.service_name.Append(services_.at(static_cast<uint32_t>(row.key.names >> 32)));
  const std::string_view series = series_.at(static_cast<uint32_t>(row.key.names));
  const size_t name_size = std::min(series.find(kBeforeDimensions), series.size());
  table.span_name.Append(series.substr(0, name_size));
  if (name_size < series.size()) table.dimensions.Set(table.rows(), series.substr(name_size + 1));
  table.seconds.Append(static_cast<uint16_t>(seconds));
  table.time.Append(static_cast<uint32_t>(row.key.rest) * seconds);
  table.span_kind.Append(kKindNames[row.key.rest >> kKindShift & 15]);
  table.status_code.Append(kCodeNames[row.key.rest >> kStatusShift & 3]);
  table.entry.Append(row.key.rest >> kEntryShift & 1);
  table.bucket.Append(static_cast<uint16_t>(row.key.rest >> kBucketShift & 1023));
  table.calls.Append(row.calls);
  table.duration_sum.Append(row.duration_sum);
  table.duration_max.Append(row.duration_max);
  table.last_seen.Append(row.last_seen);
  table.EndRow();
}

void SpanMetrics::Finish(uint64_t block, std::vector<TableBlock>& out) {
  std::vector<std::pair<Row, uint32_t>> rows;  // with the seconds of their resolution
  std::vector<int32_t> days;
  uint32_t before = kFinestSeconds;
  for (const uint32_t seconds : kResolutions) {
    if (seconds != before) MakeCoarser(seconds / before);
    before = seconds;
    for (const Row& row : rows_) {
      rows.emplace_back(row, seconds);
      days.push_back(static_cast<int32_t>(static_cast<uint32_t>(row.key.rest) / (kSecondsOfDay / seconds)));
    }
  }
  SpanMetricsTable table;
  WriteRowsByDay(
      table, SpanMetricsTable::kName, block, days,
      [&](uint32_t row) { WriteRow(table, rows[row].first, rows[row].second); }, out);
  rows_.clear();
  numbers_.clear();
  services_.Clear();
  series_.Clear();
  last_service_.clear();
  last_service_number_ = 0;
}

}  // namespace sightline::otlp
