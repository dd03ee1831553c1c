#include "store/admitted_series.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "store/schema.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

constexpr size_t kTextBytesMax = 1 << 20;  // of rows that are parsed at a time
constexpr uint64_t kSeriesReadMax = 1 << 20;

using Parameters = std::map<std::string, std::string>;
using Row = std::vector<std::string>;

uint64_t Number(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// There may be as many rows as series are remembered.
Result<void> ForEachRow(ClickHouse& clickhouse, const std::string& sql, Parameters parameters,
                        const std::function<void(const Row& row)>& visit) {
  std::string text;
  const auto visit_lines = [&](size_t bytes) {
    for (const Row& row : ParseTabSeparated(std::string_view(text).substr(0, bytes))) visit(row);
    text.erase(0, bytes);
  };
  const auto stats = clickhouse.Query(sql, {.parameters = std::move(parameters), .format = "TabSeparated"},
                                      [&](std::string_view piece) {
                                        text += piece;
                                        if (text.size() >= kTextBytesMax) visit_lines(text.rfind('\n') + 1);
                                        return true;
                                      });
  if (!stats) return std::unexpected(stats.error());
  visit_lines(text.size());
  return {};
}

// Thread: of its owner.
class Restorer {
 public:
  Restorer(ClickHouse& clickhouse, const std::string& database, otlp::MetricSeriesLimit& limit)
      : clickhouse_(clickhouse), database_(database), limit_(limit) {}

  Result<void> Run() {
    auto last = clickhouse_.Rows(fmt::format("SELECT toUnixTimestamp(max(Seen)) FROM {}.metric_series", database_));
    if (!last) return std::unexpected(last.error());
    const auto day = static_cast<int32_t>(Number(last->at(0).at(0)) / kDaySeconds);
    from_ = std::to_string(int64_t{day} * kDaySeconds);
    std::vector<std::pair<std::string, std::string>> watched;  // by service and metric
    SIGHTLINE_TRY(ForEachRow(clickhouse_,
                             fmt::format("SELECT ServiceName, MetricName, SeriesId, LimitedBy FROM {}.metric_series "
                                         "WHERE Seen >= toDateTime({{from:UInt32}}) LIMIT 1 BY SeriesId LIMIT {}",
                                         database_, kSeriesReadMax),
                             {{"from", from_}}, [&](const Row& row) {
                               const uint64_t metric = otlp::MetricSeriesLimit::KeyOf(row.at(0), row.at(1));
                               const bool was_watched = limit_.IsWatched(metric);
                               limit_.Restore(metric, Number(row.at(2)), day, row.at(3));
                               if (!was_watched && limit_.IsWatched(metric)) watched.emplace_back(row.at(0), row.at(1));
                             }));
    for (const auto& [service, metric] : watched) SIGHTLINE_TRY(ShowAttributes(service, metric));
    return {};
  }

 private:
  // As otlp::SeriesIndex shows those of new series.
  Result<void> ShowAttributes(const std::string& service, const std::string& metric) {
    const std::string series = fmt::format(
        "(SELECT ResourceId, Attributes FROM {}.metric_series WHERE MetricName = {{metric:String}} AND "
        "ServiceName = {{service:String}} AND Seen >= toDateTime({{from:UInt32}}))",
        database_);
    const std::string sql = fmt::format(
        "SELECT DISTINCT Name, Value FROM (SELECT concat('point.', toString(Key)) AS Name, xxh3(Text) AS Value FROM "
        "{0} "
        "ARRAY JOIN mapKeys(Attributes) AS Key, mapValues(Attributes) AS Text UNION ALL "
        "SELECT concat('resource.', Key) AS Name, xxh3(Text) AS Value FROM {1}.attribute_sets "
        "ARRAY JOIN Keys AS Key, Values AS Text WHERE Id IN (SELECT ResourceId FROM {0})) ORDER BY Name",
        series, database_);
    const uint64_t key = otlp::MetricSeriesLimit::KeyOf(service, metric);
    return ForEachRow(clickhouse_, sql, {{"metric", metric}, {"service", service}, {"from", from_}},
                      [&](const Row& row) { limit_.Watch(key, {{row.at(0), Number(row.at(1))}}); });
  }

  ClickHouse& clickhouse_;
  const std::string& database_;
  otlp::MetricSeriesLimit& limit_;
  std::string from_;  // Unix seconds: when the day began
};

}  // namespace

Result<void> RestoreAdmittedSeries(ClickHouse& clickhouse, const std::string& database,
                                   otlp::MetricSeriesLimit& limit) {
  const Result<void> restored = Restorer(clickhouse, database, limit).Run();
  if (!restored) return Wrap("read which series the last day had", restored.error());
  return {};
}

void ReportSeriesLimit(otlp::MetricSeriesLimit& limit, MetricsRegistry& metrics) {
  const otlp::MetricSeriesLimit::News news = limit.Take();
  for (const otlp::LimitedMetric& one : news.metrics) {
    Log(LogLevel::kWarning,
        "a metric has more series than limits.metric_series_max: further ones of today become one, with "
        "otel.metric.overflow",
        {{"metric", one.metric},
         {"service", one.service},
         {"attribute", one.attribute},
         {"values", one.values},
         {"limit", limit.series_max()}});
  }
  if (news.overflowed_points == 0) return;
  metrics
      .GetCounter("sightline.metric_points.overflowed", "{point}",
                  "Points stored in an overflow series as their metric has more series than limits.metric_series_max.")
      .Add(news.overflowed_points);
}

}  // namespace sightline::store
