#include "query/metric_heatmap.h"

#include <algorithm>
#include <map>

#include "query/metric_grid.h"
#include "query/metric_histograms.h"

namespace sightline::query {
namespace {

void AddCell(uint64_t step, uint64_t row, double count, MetricHeatmap& heatmap) {
  if (count > 0) heatmap.cells.push_back({step, row, count});
}

// All histograms on all of their bounds.
void AddRows(const std::map<uint64_t, ExplicitBuckets>& by_step, MetricHeatmap& heatmap) {
  ExplicitBuckets all;
  for (const auto& [step, buckets] : by_step) all.Add(buckets, 1);
  heatmap.bounds = all.bounds;
  for (const auto& [step, buckets] : by_step) {
    ExplicitBuckets on_all{all.bounds, std::vector<double>(all.bounds.size() + 1, 0)};
    on_all.Add(buckets, 1);
    for (size_t row = 0; row < on_all.counts.size(); ++row) AddCell(step, row, on_all.counts[row], heatmap);
  }
}

// Rows from below: negative buckets, the zero bucket, an empty one up to the first positive bucket, positive buckets.
class ExponentialRows {
 public:
  explicit ExponentialRows(ExponentialBuckets all) : all_(std::move(all)) {
    while (Rows() > kHeatmapRowsMax && all_.scale > kScaleMin) all_.DownscaleTo(all_.scale - 1);
  }

  std::vector<double> Bounds() const {
    std::vector<double> bounds;
    const auto& negative = all_.negative;
    for (size_t i = negative.counts.size(); i-- > 0;) {
      bounds.push_back(-all_.Bound(negative.offset + static_cast<int64_t>(i)));
    }
    bounds.push_back(all_.zero_threshold);
    if (all_.positive.counts.empty()) return bounds;
    const double first = all_.Bound(all_.positive.offset);
    if (first > all_.zero_threshold) bounds.push_back(first);
    for (size_t i = 0; i < all_.positive.counts.size(); ++i) {
      bounds.push_back(all_.Bound(all_.positive.offset + static_cast<int64_t>(i) + 1));
    }
    return bounds;
  }

  void Add(uint64_t step, ExponentialBuckets buckets, MetricHeatmap& heatmap) const {
    // On the scale and with the zero bucket of all.
    ExponentialBuckets on_all = all_;
    for (double& count : on_all.positive.counts) count = 0;
    for (double& count : on_all.negative.counts) count = 0;
    on_all.zero_count = 0;
    on_all.Add(buckets, 1);
    const uint64_t zero_row = all_.negative.counts.size();
    for (size_t i = 0; i < on_all.negative.counts.size(); ++i) {
      const int64_t index = on_all.negative.offset + static_cast<int64_t>(i) - all_.negative.offset;
      AddCell(step, zero_row - 1 - static_cast<uint64_t>(index), on_all.negative.counts[i], heatmap);
    }
    AddCell(step, zero_row, on_all.zero_count, heatmap);
    const bool gap = !all_.positive.counts.empty() && all_.Bound(all_.positive.offset) > all_.zero_threshold;
    for (size_t i = 0; i < on_all.positive.counts.size(); ++i) {
      const int64_t index = on_all.positive.offset + static_cast<int64_t>(i) - all_.positive.offset;
      AddCell(step, zero_row + (gap ? 2 : 1) + static_cast<uint64_t>(index), on_all.positive.counts[i], heatmap);
    }
  }

 private:
  static constexpr int kScaleMin = -10;  // the coarsest that OTLP's data model knows

  size_t Rows() const { return all_.positive.counts.size() + all_.negative.counts.size() + 2; }

  ExponentialBuckets all_;
};

void AddRows(const std::map<uint64_t, ExponentialBuckets>& by_step, MetricHeatmap& heatmap) {
  if (by_step.empty()) return;
  ExponentialBuckets all = by_step.begin()->second;
  for (auto it = std::next(by_step.begin()); it != by_step.end(); ++it) all.Add(it->second, 1);
  const ExponentialRows rows(std::move(all));
  heatmap.bounds = rows.Bounds();
  for (const auto& [step, buckets] : by_step) rows.Add(step, buckets, heatmap);
  std::ranges::sort(heatmap.cells,
                    [](const auto& a, const auto& b) { return a.step != b.step ? a.step < b.step : a.row < b.row; });
}

template <typename Buckets>
Result<void> Fill(Result<HistogramCells<Buckets>> cells, MetricHeatmap& heatmap) {
  if (!cells) return std::unexpected(cells.error());
  AddRows(std::map<uint64_t, Buckets>(cells->begin(), cells->end()), heatmap);
  return {};
}

}  // namespace

Result<MetricHeatmap> ReadMetricHeatmap(store::ClickHouse& clickhouse, const std::string& database,
                                        const MetricHeatmapRequest& request, store::Cancellation* cancellation,
                                        std::string* at_fault) {
  const auto grid = MakeGrid(request.from_unix_nanos, request.to_unix_nanos, request.step_seconds);
  if (!grid) return std::unexpected(grid.error());
  Question question(clickhouse, database, cancellation);
  SeriesRequest series{.name = request.name, .kind = request.kind};
  series.filter = request.filter;
  auto streams = FindStreams(series, grid->from - LookNanos(*grid), question, at_fault);
  if (!streams) return std::unexpected(streams.error());
  if (streams->kind != MetricKind::kHistogram && streams->kind != MetricKind::kExponentialHistogram) {
    if (at_fault != nullptr) *at_fault = "name";
    return Fail(Code::kInvalidArgument, "{:?} is a {}: only histograms have a heatmap", request.name,
                MetricKindName(streams->kind));
  }
  MetricHeatmap heatmap{.kind = streams->kind, .unit = streams->unit};
  heatmap.from_unix_nanos = grid->from;
  heatmap.to_unix_nanos = grid->to;
  heatmap.step_seconds = request.step_seconds;
  if (!streams->by_id.empty()) {
    const MetricQuestion asked{question, clickhouse, cancellation, *streams, *grid, Aggregation::kIncrease};
    SIGHTLINE_TRY(streams->kind == MetricKind::kHistogram ? Fill(ReadExplicitCells(asked), heatmap)
                                                          : Fill(ReadExponentialCells(asked), heatmap));
  }
  heatmap.limited = streams->limited;
  heatmap.scanned = question.stats();
  return heatmap;
}

}  // namespace sightline::query
