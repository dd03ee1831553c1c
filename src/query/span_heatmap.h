// Durations over time as a picture: how many spans there are in each step of time and bucket of duration, and how many
// of them failed. Data: TraceQL and a range of time -> ClickHouse -> cells.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kHeatmapColumnsMax = 400;
inline constexpr uint32_t kHeatmapBucketsPerDoublingMax = 8;

struct HeatmapSearch {
  ItemQuery query;                    // of spans
  uint32_t columns = 120;             // 1 to kHeatmapColumnsMax
  uint32_t buckets_per_doubling = 2;  // 1 to kHeatmapBucketsPerDoublingMax
};

struct HeatmapCell {
  uint32_t column = 0;
  int32_t bucket = 0;
  double spans = 0, errors = 0;  // by their AdjustedCount
};

struct Heatmap {
  int64_t from_unix_nanos = 0, column_nanos = 1;  // column i begins at from + i * column_nanos
  uint32_t columns = 0;
  uint32_t buckets_per_doubling = 2;
  std::vector<HeatmapCell> cells;  // those with spans, by column, then bucket
  double spans = 0, errors = 0;
  double one_in = 1;  // of so many traces one was judged; counts are scaled up
  store::QueryStats scanned;
};

// Bucket b has the durations from 2^(b/n) to below 2^((b+1)/n) nanoseconds, n buckets a doubling; those below 1 ns are
// in bucket 0. Its lower bound:
double BucketBegin(int32_t bucket, uint32_t buckets_per_doubling);

// Thread: any.
class HeatmapReader {
 public:
  // `source` must outlive it.
  explicit HeatmapReader(ItemSource& source) : source_(source) {}

  // kInvalidArgument: numbers out of bounds.
  Result<Heatmap> Read(const HeatmapSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
