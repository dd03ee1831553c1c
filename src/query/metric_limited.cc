#include "query/metric_limited.h"

#include <fmt/format.h>

#include <algorithm>

namespace sightline::query {

LimitedSeries ReadLimitedBy(std::string_view limited_by) {
  constexpr std::string_view kPoint = "point.", kResource = "resource.";
  LimitedSeries limited;
  limited.of_resource = limited_by.starts_with(kResource);
  if (limited.of_resource) limited.attribute = limited_by.substr(kResource.size());
  if (limited_by.starts_with(kPoint)) limited.attribute = limited_by.substr(kPoint.size());
  return limited;
}

Result<std::vector<LimitedMetric>> ReadLimited(Question& question, Conditions conditions, int64_t since_unix_seconds) {
  const int64_t since = std::clamp<int64_t>(since_unix_seconds, 0, UINT32_MAX);
  conditions.Add("Seen >= toDateTime(" + conditions.Bind("UInt32", std::to_string(since)) + ")");
  const std::string table = question.Table("metric_series");
  std::vector<LimitedMetric> found;
  SIGHTLINE_TRY(question.ForEachRow(
      fmt::format("SELECT MetricName, ServiceName, argMaxIf(LimitedBy, Seen, LimitedBy != ''), "
                  "uniqExactIf(SeriesId, LimitedBy = '') FROM {0} WHERE {1} AND (MetricName, ServiceName) IN (SELECT "
                  "MetricName, ServiceName FROM {0} WHERE {1} AND LimitedBy != '') "
                  "GROUP BY MetricName, ServiceName ORDER BY MetricName, ServiceName",
                  table, conditions.Sql()),
      conditions.parameters(), [&](RowReader& row) {
        std::string name = row.Text();
        std::string service = row.Text();
        LimitedSeries limited = ReadLimitedBy(row.Text());
        limited.service = std::move(service);
        limited.series = row.Number<uint64_t>();
        found.push_back({std::move(name), std::move(limited)});
      }));
  return found;
}

}  // namespace sightline::query
