// The differences of histograms, merged by group and step, and their quantiles.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "query/metric_answers.h"
#include "query/metric_flow.h"
#include "query/metric_histograms.h"

namespace sightline::query {
namespace {

// Delta streams are long: so many points of one are held at once.
constexpr size_t kDeltaPointsHeld = 4096;

std::vector<double> ReadCounts(RowReader& row) {
  return row.Array([&] { return static_cast<double>(row.Number<uint64_t>()); });
}

void ReadBuckets(RowReader& row, const std::vector<double>& bounds, ExplicitBuckets& buckets) {
  buckets.bounds = bounds;
  buckets.counts = ReadCounts(row);
  // A bound at infinity says nothing that the last bucket does not.
  while (!buckets.bounds.empty() && std::isinf(buckets.bounds.back()) && buckets.counts.size() > 1) {
    buckets.bounds.pop_back();
    const double last = buckets.counts.back();
    buckets.counts.pop_back();
    buckets.counts.back() += last;
  }
}

void ReadBuckets(RowReader& row, const std::vector<double>& /*bounds*/, ExponentialBuckets& buckets) {
  buckets.scale = row.Number<int32_t>();
  buckets.zero_threshold = row.Number<double>();
  buckets.zero_count = static_cast<double>(row.Number<uint64_t>());
  buckets.positive.offset = row.Number<int32_t>();
  buckets.positive.counts = ReadCounts(row);
  buckets.negative.offset = row.Number<int32_t>();
  buckets.negative.counts = ReadCounts(row);
  buckets.Tidy();
}

// In the order in which ReadBuckets reads them.
std::string_view BucketColumns(MetricKind kind) {
  return kind == MetricKind::kHistogram ? "BucketCounts"
                                        : "Scale, ZeroThreshold, ZeroCount, PositiveOffset, PositiveBucketCounts, "
                                          "NegativeOffset, NegativeBucketCounts";
}

// Rows: stream, how many points a row stands for, their bounds (none: exponential), and those that matter: (start,
// time, count, buckets...). Of a cumulative stream within a step these are the first and the last one of the same
// bounds, and those beside a fall. Of a delta stream they are all, in the order of their times.
std::string BucketsSql(const PointsSql& points, MetricKind kind, bool delta) {
  const std::string columns(BucketColumns(kind));
  const std::string bounds = kind == MetricKind::kHistogram ? "ExplicitBounds" : "emptyArrayFloat64()";
  const std::string inner = std::string("SELECT SeriesId, ") + kPointStartNanos + " AS Start, " + kPointNanos +
                            " AS Time, " + points.step() + " AS Step, Count, " + bounds + " AS Bounds, " + columns +
                            points.from_where() + " AND bitAnd(Flags, 1) = 0";
  const std::string tuple = "(Start, Time, Count, " + columns + ")";
  if (delta) {
    return "SELECT SeriesId, toUInt64(1), Bounds, [" + tuple + "] FROM (" + inner + ") ORDER BY SeriesId, Time";
  }
  return "SELECT SeriesId, Number, Bounds, arrayFilter((p, i, c, b, a) -> i = 1 OR i = Number OR c < b OR a < c, "
         "Points, arrayEnumerate(Points), Counts, arrayPushFront(arrayPopBack(Counts), Counts[1]), "
         "arrayPushBack(arrayPopFront(Counts), Counts[-1])) FROM (SELECT SeriesId, Bounds, count() AS Number, "
         "arraySort(p -> p.2, groupArray(" +
         tuple + ")) AS Points, tupleElement(Points, 3) AS Counts FROM (" + inner +
         ") GROUP BY SeriesId, Start, Step, Bounds) ORDER BY SeriesId";
}

// Thread: of its owner.
template <typename Buckets>
class CellReader {
 public:
  explicit CellReader(const MetricQuestion& asked) : asked_(asked), steps_(asked.grid.steps()) {}

  Result<HistogramCells<Buckets>> Run() {
    if (asked_.streams.any_running) SIGHTLINE_TRY(Read(PointsSql::Which::kRunning));
    if (asked_.streams.any_delta) SIGHTLINE_TRY(Read(PointsSql::Which::kDelta));
    return std::move(cells_);
  }

 private:
  Result<void> Read(PointsSql::Which which) {
    const bool delta = which == PointsSql::Which::kDelta;
    const PointsSql sql(asked_, which, delta ? 0 : LookNanos(asked_.grid), LookNanos(asked_.grid));
    const std::string text = BucketsSql(sql, asked_.streams.kind, delta);
    SIGHTLINE_TRY(asked_.question.ForEachRow(text, sql.conditions().parameters(), [&](RowReader& row) {
      const auto id = row.Number<uint64_t>();
      const auto number = row.Number<uint64_t>();
      const auto bounds = row.Numbers<double>();
      auto points = row.Array([&] {
        FlowPoint<Buckets> point;
        point.start = row.Number<int64_t>();
        point.time = row.Number<int64_t>();
        row.Number<uint64_t>();
        ReadBuckets(row, bounds, point.value);
        return point;
      });
      if (id != stream_) FinishStream(delta);
      stream_ = id;
      if (!points.empty()) points.front().stands_for += number - points.size();
      std::ranges::move(points, std::back_inserter(points_));
      if (delta && points_.size() >= kDeltaPointsHeld) FinishOlder();
    }));
    FinishStream(delta);
    if (size_ <= kSeriesCellsMax) return {};
    return Fail(Code::kResourceExhausted,
                "groups, steps and buckets make more than {} numbers\nask for fewer groups, longer steps or a shorter "
                "range",
                kSeriesCellsMax);
  }

  // All but the points of the last time, of which more may come.
  void FinishOlder() {
    const auto stream = asked_.streams.by_id.find(stream_);
    if (stream != asked_.streams.by_id.end() && stream->second.is_overflow) return FinishStream(true);
    const int64_t time = points_.back().time;
    const auto last = std::ranges::find_if(points_, [&](const auto& point) { return point.time == time; });
    std::vector<FlowPoint<Buckets>> rest(std::make_move_iterator(last), std::make_move_iterator(points_.end()));
    points_.erase(last, points_.end());
    FinishStream(true);
    points_ = std::move(rest);
  }

  void FinishStream(bool delta) {
    const auto stream = asked_.streams.by_id.find(stream_);
    if (!points_.empty() && stream != asked_.streams.by_id.end() && size_ <= kSeriesCellsMax) {
      const auto emit = [&](const Flow<Buckets>& flow) { Take(flow, stream->second.group); };
      if (delta)
        EmitDelta(points_, stream->second.is_overflow, emit);
      else
        EmitCumulative(points_, {asked_.grid.from - LookNanos(asked_.grid), asked_.grid.step, true}, emit);
    }
    points_.clear();
  }

  void Take(const Flow<Buckets>& flow, uint32_t group) {
    asked_.grid.Spread(flow.begin, flow.end, [&](uint64_t step, double part) {
      Buckets& cell = cells_[group * steps_ + step];
      const size_t before = cell.size();
      cell.Add(flow.amount, part);
      size_ += cell.size() - before;
    });
  }

  const MetricQuestion& asked_;
  const uint64_t steps_;
  HistogramCells<Buckets> cells_;
  uint64_t size_ = 0;  // numbers in them
  uint64_t stream_ = 0;
  std::vector<FlowPoint<Buckets>> points_;
};

template <typename Buckets>
Result<GroupValues> QuantilesOf(const Result<HistogramCells<Buckets>>& cells, const MetricQuestion& asked) {
  if (!cells) return std::unexpected(cells.error());
  GroupValues values(asked.streams.groups.size() * asked.grid.steps(), std::numeric_limits<double>::quiet_NaN());
  const double quantile = QuantileOf(asked.aggregation);
  for (const auto& [cell, buckets] : *cells) values[cell] = buckets.Quantile(quantile);
  return values;
}

}  // namespace

Result<HistogramCells<ExplicitBuckets>> ReadExplicitCells(const MetricQuestion& asked) {
  return CellReader<ExplicitBuckets>(asked).Run();
}

Result<HistogramCells<ExponentialBuckets>> ReadExponentialCells(const MetricQuestion& asked) {
  return CellReader<ExponentialBuckets>(asked).Run();
}

Result<GroupValues> ReadQuantiles(const MetricQuestion& asked) {
  if (asked.streams.kind == MetricKind::kHistogram) return QuantilesOf(ReadExplicitCells(asked), asked);
  return QuantilesOf(ReadExponentialCells(asked), asked);
}

}  // namespace sightline::query
