#include "otlp/service_graph_edges.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "otlp/span_metrics.h"
#include "otlp/wire.h"
#include "otlp/wire_writer.h"

namespace sightline::otlp {
namespace {

constexpr uint32_t kMinuteSeconds = kGraphResolutions[0];
constexpr uint64_t kVersion = 1;

// Places in Key::rest. Below them the time, in units of the resolution.
constexpr int kBucketShift = 32, kConnectionShift = 42, kFailedShift = 46, kClientSideShift = 47;
constexpr uint64_t kRestMax = (1ULL << (kClientSideShift + 1)) - 1;
constexpr uint64_t kConnections = 4;

// Reads what WireWriter::Raw and RawFixed64 wrote.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  uint64_t Varint() {
    uint64_t value = 0;
    WireFault fault = WireFault::kNone;
    const char* next = is_good_ ? ReadVarint(at_, end_, value, fault) : nullptr;
    if (next == nullptr) return Fail();
    at_ = next;
    return value;
  }
  std::string_view Text() {
    const uint64_t size = Varint();
    if (size > left()) return Fail(), std::string_view();
    const std::string_view text(at_, size);
    at_ += size;
    return text;
  }
  double Double() {
    if (left() < sizeof(uint64_t)) return static_cast<double>(Fail());
    uint64_t bits = 0;
    std::memcpy(&bits, at_, sizeof(bits));
    at_ += sizeof(bits);
    return std::bit_cast<double>(bits);
  }

  uint64_t left() const { return static_cast<uint64_t>(end_ - at_); }
  bool is_good() const { return is_good_; }

 private:
  uint64_t Fail() {
    is_good_ = false;
    return 0;
  }

  const char* at_;
  const char* end_;
  bool is_good_ = true;
};

}  // namespace

std::string_view ConnectionText(Connection connection) {
  constexpr std::string_view kTexts[kConnections] = {"", "messaging_system", "database", "virtual_node"};
  return kTexts[static_cast<size_t>(connection)];
}

ServiceGraphEdgesTable::ServiceGraphEdgesTable() {
  constexpr char kLow[] = "LowCardinality(String)";
  AddRollupColumns();
  Add("Client", kLow, client);
  Add("Server", kLow, server);
  Add("ConnectionType", kLow, connection);
  Add("Failed", "Bool", failed);
  Add("ClientSide", "Bool", client_side);
  Add("Bucket", "UInt16", bucket);
  Add("Calls", "SimpleAggregateFunction(sum, Float64)", calls);
  Add("Spans", "SimpleAggregateFunction(sum, Float64)", spans);
  Add("DurationSum", "SimpleAggregateFunction(sum, Float64)", duration_sum);
  Add("DurationMax", "SimpleAggregateFunction(max, UInt64)", duration_max);
  Add("MatchedAfter", "UInt64", matched_after);
  Add("MatchedTo", "UInt64", matched_to);
  Add("ExpiredAfter", "UInt64", expired_after);
  Add("ExpiredTo", "UInt64", expired_to);
}

void ServiceGraphEdgesTable::NameBlock() {
  matched_after.Set(rows(), step.matched_after);
  matched_to.Set(rows(), step.matched_to);
  expired_after.Set(rows(), step.expired_after);
  expired_to.Set(rows(), step.expired_to);
}

size_t ServiceGraphEdges::Hasher::operator()(const Key& key) const {
  const auto product = static_cast<unsigned __int128>(key.nodes ^ 0x9e3779b97f4a7c15) * (key.rest ^ 0xd6e8feb86659fd93);
  return static_cast<size_t>(product >> 64) ^ static_cast<size_t>(product);
}

uint32_t ServiceGraphEdges::NameNumber(std::string_view name) {
  if (name.empty()) return 0;
  const uint64_t hash = HashText(name);
  const uint32_t found = names_.Find(name, hash);
  if (found != Interner::kAbsent) [[likely]]
    return found;
  return names_.size() < kGraphNamesMax ? names_.Insert(name, hash) : names_.Intern(kOtherNode);
}

void ServiceGraphEdges::AddRow(const Row& row) {
  const auto [number, is_new] = numbers_.try_emplace(row.key, static_cast<uint32_t>(rows_.size()));
  if (is_new) {
    rows_.push_back(row);
    return;
  }
  Row& sum = rows_[number->second];
  sum.calls += row.calls;
  sum.spans += row.spans;
  sum.duration_sum += row.duration_sum;
  sum.duration_max = std::max(sum.duration_max, row.duration_max);
}

void ServiceGraphEdges::Add(const Side& side, Nodes nodes) {
  const uint64_t rest = uint64_t{side.start_second / kMinuteSeconds} |
                        uint64_t{DurationBucket(side.duration_nanos)} << kBucketShift |
                        static_cast<uint64_t>(side.connection) << kConnectionShift |
                        uint64_t{side.failed} << kFailedShift | uint64_t{side.is_client_side} << kClientSideShift;
  AddRow({.key = {.nodes = uint64_t{nodes.client} << 32 | nodes.server, .rest = rest},
          .calls = side.is_call ? side.weight : 0,
          .spans = side.weight,
          .duration_sum = side.weight * static_cast<double>(side.duration_nanos),
          .duration_max = side.duration_nanos});
}

// version | number of names, each as length and bytes | number of rows, each as client, server, rest, calls, spans, sum
// of durations (doubles), longest
std::string ServiceGraphEdges::Encode() const {
  if (empty()) return {};
  WireWriter out;
  out.Raw(kVersion);
  out.Raw(names_.size());
  for (uint32_t i = 0; i < names_.size(); ++i) {
    const std::string_view name = names_.at(i);
    out.Raw(name.size());
    out.RawBytes(name);
  }
  out.Raw(rows_.size());
  for (const Row& row : rows_) {
    out.Raw(row.key.nodes >> 32);
    out.Raw(row.key.nodes & UINT32_MAX);
    out.Raw(row.key.rest);
    for (const double sum : {row.calls, row.spans, row.duration_sum}) out.RawFixed64(std::bit_cast<uint64_t>(sum));
    out.Raw(row.duration_max);
  }
  return out.Take();
}

bool ServiceGraphEdges::Merge(std::string_view encoded) {
  if (encoded.empty()) return true;
  Reader in(encoded);
  if (in.Varint() != kVersion) return false;
  const uint64_t name_count = in.Varint();
  if (name_count > in.left()) return false;
  std::vector<std::string_view> names(name_count);
  for (std::string_view& name : names) name = in.Text();
  const uint64_t row_count = in.Varint();
  if (!in.is_good() || row_count > in.left()) return false;
  std::vector<Row> rows(row_count);
  for (Row& row : rows) {
    const uint64_t client = in.Varint(), server = in.Varint();
    row.key = {.nodes = client << 32 | server, .rest = in.Varint()};
    row.calls = in.Double();
    row.spans = in.Double();
    row.duration_sum = in.Double();
    row.duration_max = in.Varint();
    if (client >= name_count || server >= name_count || row.key.rest > kRestMax) return false;
    if ((row.key.rest >> kConnectionShift & 15) >= kConnections) return false;
  }
  if (!in.is_good() || in.left() != 0) return false;
  for (Row& row : rows) {
    const uint64_t client = NameNumber(names[row.key.nodes >> 32]);
    row.key.nodes = client << 32 | NameNumber(names[row.key.nodes & UINT32_MAX]);
    AddRow(row);
  }
  return true;
}

ServiceGraphEdges::Sum ServiceGraphEdges::SumOf(const Row& row, uint32_t resolution_seconds) const {
  const uint64_t rest = row.key.rest;
  return {.client = names_.at(static_cast<uint32_t>(row.key.nodes >> 32)),
          .server = names_.at(static_cast<uint32_t>(row.key.nodes)),
          .connection = static_cast<Connection>(rest >> kConnectionShift & 15),
          .failed = (rest >> kFailedShift & 1) != 0,
          .is_client_side = (rest >> kClientSideShift & 1) != 0,
          .minute = static_cast<uint32_t>(rest) * resolution_seconds,
          .bucket = static_cast<uint16_t>(rest >> kBucketShift & 1023),
          .calls = row.calls,
          .spans = row.spans,
          .duration_sum = row.duration_sum,
          .duration_max = row.duration_max};
}

std::vector<ServiceGraphEdges::Sum> ServiceGraphEdges::Sums() const {
  std::vector<Sum> sums;
  sums.reserve(rows_.size());
  for (const Row& row : rows_) sums.push_back(SumOf(row, kMinuteSeconds));
  return sums;
}

void ServiceGraphEdges::WriteRow(ServiceGraphEdgesTable& table, const Row& row, uint32_t seconds) const {
  const Sum sum = SumOf(row, seconds);
  table.seconds.Append(static_cast<uint16_t>(seconds));
  table.time.Append(sum.minute);
  table.client.Append(sum.client);
  table.server.Append(sum.server);
  table.connection.Append(ConnectionText(sum.connection));
  table.failed.Append(sum.failed ? 1 : 0);
  table.client_side.Append(sum.is_client_side ? 1 : 0);
  table.bucket.Append(sum.bucket);
  table.calls.Append(sum.calls);
  table.spans.Append(sum.spans);
  table.duration_sum.Append(sum.duration_sum);
  table.duration_max.Append(sum.duration_max);
  table.EndRow();
}

void ServiceGraphEdges::Finish(uint64_t block, std::vector<TableBlock>& out, const GraphStep* step) {
  std::vector<std::pair<Row, uint32_t>> rows;  // with the seconds of their resolution
  std::vector<int32_t> days;
  uint32_t before = kMinuteSeconds;
  for (const uint32_t seconds : kGraphResolutions) {
    if (const uint32_t factor = seconds / before; factor != 1) {
      const std::vector<Row> finer = std::exchange(rows_, {});
      numbers_.clear();
      for (Row row : finer) {
        const auto time = static_cast<uint32_t>(row.key.rest);
        row.key.rest = row.key.rest - time + time / factor;
        AddRow(row);
      }
    }
    before = seconds;
    for (const Row& row : rows_) {
      rows.emplace_back(row, seconds);
      days.push_back(static_cast<int32_t>(static_cast<uint32_t>(row.key.rest) / (kSecondsOfDay / seconds)));
    }
  }
  ServiceGraphEdgesTable table;
  if (step != nullptr) table.step = *step;
  if (step != nullptr && rows.empty()) WriteDay(table, ServiceGraphEdgesTable::kName, block, step->day, out);
  WriteRowsByDay(
      table, ServiceGraphEdgesTable::kName, block, days,
      [&](uint32_t row) { WriteRow(table, rows[row].first, rows[row].second); }, out);
  Clear();
}

void ServiceGraphEdges::Clear() {
  rows_.clear();
  numbers_.clear();
  names_.Clear();
}

}  // namespace sightline::otlp
