#include "query/span_heatmap.h"

#include <fmt/format.h>

#include <cmath>

namespace sightline::query {

double BucketBegin(int32_t bucket, uint32_t buckets_per_doubling) {
  return bucket == 0 ? 0 : std::exp2(static_cast<double>(bucket) / buckets_per_doubling);
}

Result<Heatmap> HeatmapReader::Read(const HeatmapSearch& search, store::Cancellation* cancellation) {
  if (search.columns == 0 || search.columns > kHeatmapColumnsMax || search.buckets_per_doubling == 0 ||
      search.buckets_per_doubling > kHeatmapBucketsPerDoublingMax) {
    return Fail(Code::kInvalidArgument, "a heatmap has 1 to {} columns, and 1 to {} buckets for each doubling",
                kHeatmapColumnsMax, kHeatmapBucketsPerDoublingMax);
  }
  Question question = source_.Ask(cancellation);
  auto set = source_.Select(question, search.query);
  if (!set) return std::unexpected(set.error());
  const int64_t from = search.query.from_unix_nanos;
  Heatmap heatmap{.from_unix_nanos = from,
                  .column_nanos = (search.query.to_unix_nanos - from - 1) / search.columns + 1,
                  .columns = search.columns,
                  .buckets_per_doubling = search.buckets_per_doubling,
                  .one_in = set->one_in};
  Conditions& conditions = set->conditions;
  const std::string column = fmt::format("toUInt32(intDiv(toUnixTimestamp64Nano(Timestamp) - {}, {}))",
                                         conditions.Bind("Int64", std::to_string(from)),
                                         conditions.Bind("Int64", std::to_string(heatmap.column_nanos)));
  const std::string sql = fmt::format(
      "SELECT {} AS Column, toInt32(floor(log2(greatest(Duration, 1)) * {})) AS Bucket, sum(AdjustedCount), "
      "sumIf(AdjustedCount, StatusCode = 'Error') FROM {} WHERE {} GROUP BY Column, Bucket ORDER BY Column, Bucket",
      column, search.buckets_per_doubling, set->table, conditions.Sql());
  SIGHTLINE_TRY(question.ForEachRow(sql, conditions.parameters(), [&](RowReader& row) {
    HeatmapCell cell;
    cell.column = row.Number<uint32_t>();
    cell.bucket = row.Number<int32_t>();
    cell.spans = row.Number<double>() * set->one_in;
    cell.errors = row.Number<double>() * set->one_in;
    heatmap.spans += cell.spans;
    heatmap.errors += cell.errors;
    heatmap.cells.push_back(cell);
  }));
  heatmap.scanned = question.stats();
  return heatmap;
}

}  // namespace sightline::query
