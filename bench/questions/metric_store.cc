#include "questions/metric_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "store/schema.h"

namespace sightline::bench {
namespace {

constexpr int64_t kMinuteNanos = 60'000'000'000, kMinutes = 24 * 60, kPointsPerInsert = 50'000;

// Of number m of the metric at a place. It begins with its resource, as the ids that ingest makes.
constexpr const char* kIdSql =
    "bitOr(bitShiftLeft(sipHash64(toUInt64({m} % 200)), 48), bitShiftRight(sipHash64({place}, toUInt64({m})), 16))";

constexpr const char* kSeriesSql = R"(
INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType, Unit, AggregationTemporality, IsMonotonic, ServiceName, Attributes, AttributeTypes)
SELECT {id}, toDateTime({seen}), '{name}', '{type}', '1', {temporality}, {monotonic}, concat('service-', toString(number % 10)),
  map('pool', concat('pool-', toString(number % 20)), 'instance', lower(hex(MD5(toString(number))))), 'ss' FROM numbers({series}))";

constexpr const char* kPointsSql = R"(
INSERT INTO sightline.metric_points (SeriesId, Timestamp, StartTimestamp, Value, IsInt, Block)
SELECT {id}, fromUnixTimestamp64Nano(toInt64({start} + t * 60000000000 + sipHash64(t, m % 200) % 5000000)),
  fromUnixTimestamp64Nano(toInt64({start} - 3600000000000 - m % 200 * 1000003)), {value}, {whole}, {block}
FROM (SELECT number % {series} AS m, intDiv(number, {series}) AS t, sipHash64(m, t) AS h FROM numbers({first}, {count})))";

struct Metric {
  const char* type;
  int temporality;
  bool monotonic;
  const char* value;
};
// A counter's rate is of its series; its steps differ from minute to minute.
constexpr Metric kMetrics[] = {
    {"sum", 2, true, "toFloat64(t * (1 + m % 50) + h % (1 + m % 50))"},
    {"gauge", 0, false, "round(20 + m % 7 + 5 * sin(t / 200 + m) + toFloat64(h % 100) / 100, 1)"},
    {"gauge", 0, false, "toFloat64(h) / 1e17"},
};

Result<void> Fill(store::ClickHouse& clickhouse, int64_t series, int64_t start) {
  uint64_t block = 1;
  for (int place = 0; place < 3; ++place) {
    const Metric& metric = kMetrics[place];
    const auto id = [&](const char* m) {
      return fmt::format(fmt::runtime(kIdSql), fmt::arg("m", m), fmt::arg("place", place));
    };
    SIGHTLINE_TRY(clickhouse.Execute(fmt::format(fmt::runtime(kSeriesSql), fmt::arg("id", id("number")),
                                                 fmt::arg("seen", (start + kMinutes * kMinuteNanos) / 1'000'000'000),
                                                 fmt::arg("name", kBenchMetrics[place]), fmt::arg("type", metric.type),
                                                 fmt::arg("temporality", metric.temporality),
                                                 fmt::arg("monotonic", metric.monotonic), fmt::arg("series", series))));
    const int64_t points = series * kMinutes;
    for (int64_t first = 0; first < points; first += kPointsPerInsert) {
      SIGHTLINE_TRY(clickhouse.Execute(fmt::format(
          fmt::runtime(kPointsSql), fmt::arg("id", id("m")), fmt::arg("start", start), fmt::arg("value", metric.value),
          fmt::arg("whole", place == 0), fmt::arg("block", block++), fmt::arg("series", series),
          fmt::arg("first", first), fmt::arg("count", std::min(kPointsPerInsert, points - first)))));
    }
  }
  return {};
}

}  // namespace

Result<MetricStore> OpenMetricStore(const std::string& directory, int64_t series) {
  std::filesystem::create_directories(directory);
  store::EmbeddedOptions options;
  options.data_directory = std::filesystem::absolute(directory).string() + "/clickhouse";
  if (const char* library = std::getenv("SIGHTLINE_LIBCHDB"); library != nullptr) options.library = library;
  auto opened = store::OpenEmbedded(options);
  if (!opened) return std::unexpected(opened.error());
  MetricStore store;
  store.clickhouse = *std::move(opened);
  SIGHTLINE_TRY(store::OpenSchema(*store.clickhouse, {}));
  const auto count = [&]() -> Result<int64_t> {
    auto rows = store.clickhouse->Rows("SELECT count() FROM sightline.metric_points");
    if (!rows) return std::unexpected(rows.error());
    return std::stoll((*rows)[0][0]);
  };
  auto points = count();
  if (points && *points == 0) {
    const int64_t now = Clock::System().UnixNanos() / kMinuteNanos * kMinuteNanos;
    SIGHTLINE_TRY(Fill(*store.clickhouse, series, now - kMinutes * kMinuteNanos));
    points = count();
  }
  if (!points) return std::unexpected(points.error());
  if (*points != 3 * series * kMinutes) {
    return Fail(Code::kFailedPrecondition, "{} holds {} points, not those of {} series\nname another directory",
                directory, *points, series);
  }
  auto range = store.clickhouse->Rows("SELECT toUnixTimestamp64Nano(min(Timestamp)) FROM sightline.metric_points");
  if (!range) return std::unexpected(range.error());
  store.from_unix_nanos = std::stoll((*range)[0][0]) / kMinuteNanos * kMinuteNanos;
  store.to_unix_nanos = store.from_unix_nanos + kMinutes * kMinuteNanos;
  return store;
}

Result<std::vector<std::pair<std::string, double>>> BytesOfPoint(store::ClickHouse& clickhouse,
                                                                 const std::string& metric) {
  const std::string table = "sightline.bench_points_" + metric;
  SIGHTLINE_TRY(clickhouse.Execute("DROP TABLE IF EXISTS " + table));
  SIGHTLINE_TRY(clickhouse.Execute("CREATE TABLE " + table + " AS sightline.metric_points"));
  SIGHTLINE_TRY(clickhouse.Execute("INSERT INTO " + table +
                                   " SELECT * FROM sightline.metric_points WHERE SeriesId IN (SELECT SeriesId FROM "
                                   "sightline.metric_series WHERE MetricName = '" +
                                   metric + "')"));
  SIGHTLINE_TRY(clickhouse.Execute("OPTIMIZE TABLE " + table + " FINAL"));
  auto rows = clickhouse.Rows(
      "SELECT column, sum(column_data_compressed_bytes) / sum(rows) AS bytes FROM system.parts_columns WHERE "
      "active AND database = 'sightline' AND table = 'bench_points_" +
      metric + "' GROUP BY column ORDER BY bytes DESC");
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::pair<std::string, double>> bytes;
  for (const auto& row : *rows) bytes.emplace_back(row[0], std::stod(row[1]));
  SIGHTLINE_TRY(clickhouse.Execute("DROP TABLE " + table));
  return bytes;
}

}  // namespace sightline::bench
