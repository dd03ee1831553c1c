#include "query/metric_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>

#include "query/columns.h"

namespace sightline::query {
namespace {

constexpr size_t kThreads = 2;  // as many as the engine gives to a statement
constexpr size_t kStreamsOfThreadMin = 200;

// Ids from `from` on, up to the next one's.
std::vector<uint64_t> Split(const MetricStreams& streams, size_t parts) {
  std::vector<uint64_t> ids;
  for (const auto& [id, stream] : streams.by_id) ids.push_back(id);
  std::vector<uint64_t> begins = {0};
  for (size_t i = 1; i < parts; ++i) {
    const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(ids.size() * i / parts);
    std::ranges::nth_element(ids, middle);
    begins.push_back(*middle);
  }
  return begins;
}

// Of one thread: streams with ids from `first` to `last`.
class Scan {
 public:
  Scan(const MetricStreams& streams, const ScanColumns& columns, const StreamSink& sink)
      : streams_(streams), columns_(columns), sink_(sink) {}

  std::string Sql(const PointsSql& points, uint64_t first, uint64_t last) const {
    std::string sql = std::string("SELECT SeriesId, ") + kPointNanos + ", " + columns_.value;
    if (columns_.start) sql += std::string(", ") + kPointStartNanos;
    if (!columns_.sum.empty()) sql += ", " + columns_.sum;
    return fmt::format("{}{} AND SeriesId >= {} AND SeriesId <= {} ORDER BY SeriesId, Timestamp", sql,
                       points.from_where(), first, last);
  }
  size_t columns() const { return 3 + (columns_.start ? 1 : 0) + (columns_.sum.empty() ? 0 : 1); }

  void Take(const NumberBlock& block) {
    for (size_t row = 0; row < block.rows();) {
      const auto id = block.At<uint64_t>(0, row);
      if (id != stream_) Finish();
      stream_ = id;
      size_t end = row + 1;
      while (end < block.rows() && block.At<uint64_t>(0, end) == id) ++end;
      TakeRows(block, row, end);
      row = end;
    }
  }

  void Finish() {
    const auto stream = streams_.by_id.find(stream_);
    if (!points_.empty() && stream != streams_.by_id.end()) sink_(stream->second, points_);
    points_.clear();
  }

 private:
  void TakeRows(const NumberBlock& block, size_t row, size_t end) {
    const size_t first = points_.size(), sum_column = columns_.start ? 4 : 3;
    points_.resize(first + end - row);
    for (auto* point = points_.data() + first; row < end; ++row, ++point) {
      point->time = block.At<int64_t>(1, row);
      point->value = block.At<double>(2, row);
      if (columns_.start) point->start = block.At<int64_t>(3, row);
      if (!columns_.sum.empty()) point->sum = block.At<double>(sum_column, row);
    }
  }

  const MetricStreams& streams_;
  const ScanColumns& columns_;
  const StreamSink& sink_;
  uint64_t stream_ = 0;  // whose points are being read
  std::vector<ScannedPoint> points_;
};

}  // namespace

size_t ScanThreads(const MetricStreams& streams) {
  // What is counted of spans is computed as a whole by each statement.
  if (IsOfSpans(streams.name, streams.kind)) return 1;
  return std::clamp<size_t>(streams.by_id.size() / kStreamsOfThreadMin, 1, kThreads);
}

Result<void> ScanPoints(const MetricQuestion& asked, const ScanColumns& columns, int64_t before_nanos,
                        int64_t behind_nanos, const std::vector<StreamSink>& sinks) {
  const PointsSql sql(asked, PointsSql::Which::kAll, before_nanos, behind_nanos);
  const auto begins = Split(asked.streams, sinks.size());
  std::vector<BlockStatement> statements;
  std::vector<std::unique_ptr<Scan>> scans;
  for (size_t i = 0; i < sinks.size(); ++i) {
    auto* scan = scans.emplace_back(std::make_unique<Scan>(asked.streams, columns, sinks[i])).get();
    const uint64_t last = i + 1 < begins.size() ? begins[i + 1] - 1 : UINT64_MAX;
    statements.push_back(
        {scan->Sql(sql, begins[i], last), scan->columns(), [scan](const NumberBlock& block) { scan->Take(block); }});
  }
  const auto stats = ForEachBlock(asked.clickhouse, statements, sql.conditions().parameters(), asked.cancellation);
  if (!stats) return std::unexpected(stats.error());
  asked.question.Add(*stats);
  for (const auto& scan : scans) scan->Finish();
  return {};
}

}  // namespace sightline::query
