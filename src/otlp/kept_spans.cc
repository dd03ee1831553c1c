#include "otlp/kept_spans.h"

#include <algorithm>
#include <utility>

namespace sightline::otlp {
namespace {

constexpr size_t kSmallStateMax = 16;
constexpr uint8_t kSmallState = 1, kMediumState = 2;

}  // namespace

uint32_t DistinctColumn::ElementOf(uint64_t number) {
  number ^= number >> 33;
  number *= 0xff51afd7ed558ccd;
  number ^= number >> 33;
  number *= 0xc4ceb9fe1a85ec53;
  number ^= number >> 33;
  return static_cast<uint32_t>(number);
}

void DistinctColumn::Append(std::span<const uint32_t> different_elements) {
  buffer_.AppendNumber(different_elements.size() <= kSmallStateMax ? kSmallState : kMediumState);
  buffer_.AppendVarint(different_elements.size());
  for (const uint32_t element : different_elements) buffer_.AppendNumber(element);
  ++rows_;
}

KeptSpansTable::KeptSpansTable() {
  constexpr char kLow[] = "LowCardinality(String)";
  AddRollupColumns();
  Add("ServiceName", kLow, service_name);
  Add("SamplingPolicy", kLow, sampling_policy);
  Add("Spans", "SimpleAggregateFunction(sum, UInt64)", spans);
  Add("Bytes", "SimpleAggregateFunction(sum, UInt64)", bytes);
  Add("StandFor", "SimpleAggregateFunction(sum, Float64)", stand_for);
  Add("Traces", "AggregateFunction(uniqCombined(14), UInt64)", traces);
}

size_t KeptSpans::Hasher::operator()(const Key& key) const {
  const auto product =
      static_cast<unsigned __int128>(key.names ^ 0x9e3779b97f4a7c15) * (uint64_t{key.time} ^ 0xd6e8feb86659fd93);
  return static_cast<size_t>(product >> 64) ^ static_cast<size_t>(product);
}

uint32_t KeptSpans::NumberOf(std::string_view name, uint32_t& last) {
  if (names_.at(last) != name) last = names_.Intern(name);
  return last;
}

KeptSpans::Row& KeptSpans::RowOf(const Key& key) {
  const auto [number, is_new] = numbers_.try_emplace(key, static_cast<uint32_t>(rows_.size()));
  if (is_new) rows_.push_back({.key = key, .traces = {}});
  return rows_[number->second];
}

void KeptSpans::Add(const Span& span) {
  const uint64_t service = NumberOf(span.service_name, last_service_);
  const uint64_t policy = NumberOf(span.policy, last_policy_);
  Row& row = RowOf({.names = service << 32 | policy, .time = SecondOf(span.start_unix_nanos) / kKeptResolutions[0]});
  ++row.spans;
  row.bytes += span.message_bytes;
  row.stand_for += span.adjusted_count;
  const uint32_t trace = DistinctColumn::ElementOf(span.trace_hash);
  if (!row.traces.empty() && row.traces.back() == trace) return;
  row.traces.push_back(trace);
  ++traces_;
}

// The same spans in units of time that are `factor` times as long.
void KeptSpans::MakeCoarser(uint32_t factor) {
  std::vector<Row> finer = std::exchange(rows_, {});
  numbers_.clear();
  for (Row& row : finer) {
    Row& sum = RowOf({row.key.names, row.key.time / factor});
    sum.spans += row.spans;
    sum.bytes += row.bytes;
    sum.stand_for += row.stand_for;
    sum.traces.insert(sum.traces.end(), row.traces.begin(), row.traces.end());
  }
}

void KeptSpans::WriteRow(KeptSpansTable& table, const Row& row, uint32_t seconds) const {
  table.seconds.Append(static_cast<uint16_t>(seconds));
  table.time.Append(row.key.time * seconds);
  table.service_name.Append(names_.at(static_cast<uint32_t>(row.key.names >> 32)));
  table.sampling_policy.Append(names_.at(static_cast<uint32_t>(row.key.names)));
  table.spans.Append(row.spans);
  table.bytes.Append(row.bytes);
  table.stand_for.Append(row.stand_for);
  table.traces.Append(row.traces);
  table.EndRow();
}

void KeptSpans::Finish(uint64_t block, std::vector<TableBlock>& out) {
  std::vector<std::pair<Row, uint32_t>> rows;  // with the seconds of their resolution
  std::vector<int32_t> days;
  uint32_t before = kKeptResolutions[0];
  for (const uint32_t seconds : kKeptResolutions) {
    if (seconds != before) MakeCoarser(seconds / before);
    before = seconds;
    for (Row& row : rows_) {
      std::ranges::sort(row.traces);
      row.traces.erase(std::ranges::unique(row.traces).begin(), row.traces.end());
      rows.emplace_back(row, seconds);
      days.push_back(static_cast<int32_t>(row.key.time / (kSecondsOfDay / seconds)));
    }
  }
  KeptSpansTable table;
  WriteRowsByDay(
      table, KeptSpansTable::kName, block, days,
      [&](uint32_t row) { WriteRow(table, rows[row].first, rows[row].second); }, out);
  rows_.clear();
  numbers_.clear();
  names_.Clear();
  last_service_ = last_policy_ = 0;
  traces_ = 0;
}

}  // namespace sightline::otlp
