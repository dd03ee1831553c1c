// MetricReader::List: which metrics there are.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>

#include "base/clock.h"
#include "query/metric_limited.h"
#include "query/metric_streams.h"
#include "query/metrics.h"
#include "query/rows.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kLimitedShownSeconds = 86'400;
// Of rows of metric_series. Temporalities that OpenTelemetry does not define are none.
constexpr const char* kKeyColumns =
    "MetricName, MetricType, Unit, if(AggregationTemporality IN (1, 2), AggregationTemporality, toInt32(0)) AS "
    "Known, IsMonotonic";
constexpr const char* kKeyNames = "MetricName, MetricType, Unit, Known, IsMonotonic";

MetricKey ReadKey(RowReader& row) {
  MetricKey key;
  key.name = row.Text();
  key.kind = ParseMetricKind(row.Text()).value_or(MetricKind::kGauge);
  key.unit = row.Text();
  key.temporality = static_cast<Temporality>(row.Number<int32_t>());
  key.monotonic = row.Number<uint8_t>() != 0;
  return key;
}

auto Ordered(const MetricKey& key) {
  return std::tuple(key.name, MetricKindName(key.kind), key.unit, key.temporality, key.monotonic);
}

Conditions Wanted(const MetricSearch& search) {
  Conditions conditions;
  conditions.Add("LimitedBy = ''");
  conditions.AddService(search.service);
  if (!search.text.empty()) {
    conditions.Add("positionCaseInsensitiveUTF8(MetricName, " + conditions.BindText(search.text) + ") > 0");
  }
  return conditions;
}

// What was sent, and what is counted of spans if the search may mean it.
std::string ListedSeries(const MetricSearch& search, const Question& question) {
  std::string table = question.Table("metric_series");
  const auto may_be_meant = [&](std::string_view name) {
    if (search.after && search.after->name > name) return false;
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    return std::search(name.begin(), name.end(), search.text.begin(), search.text.end(),
                       [&](char in_name, char in_text) { return same(in_text, in_name); }) != name.end() ||
           search.text.empty();
  };
  if (std::ranges::none_of(kSpanMetrics, may_be_meant)) return table;
  constexpr const char* kColumns =
      "SeriesId, MetricName, MetricType, Description, Unit, AggregationTemporality, IsMonotonic, ServiceName, "
      "Attributes, Seen, LimitedBy";
  return fmt::format("(SELECT {0} FROM {1} UNION ALL SELECT {0} FROM {2} WHERE Seen >= now() - {3})", kColumns, table,
                     question.Table("span_metric_series"), kSpanMetricsListedSeconds);
}

// "name" is what an index understands.
void AddBehind(Conditions& conditions, const MetricKey& after) {
  const std::string name = conditions.BindText(after.name);
  conditions.Add("MetricName >= " + name);
  conditions.Add(fmt::format(
      "({}) > ({}, {}, {}, {}, {})", kKeyNames, name, conditions.BindText(std::string(MetricKindName(after.kind))),
      conditions.BindText(after.unit), conditions.Bind("Int32", std::to_string(static_cast<int>(after.temporality))),
      conditions.Bind("Bool", after.monotonic ? "true" : "false")));
}

// What is known of each of the page's metrics beside its key.
Result<void> ReadFacts(const MetricSearch& search, Question& question, std::vector<MetricInfo>& metrics) {
  using Key = decltype(Ordered(MetricKey()));
  std::map<Key, MetricInfo*> places;
  for (MetricInfo& metric : metrics) places.emplace(Ordered(metric.key), &metric);
  Conditions conditions = Wanted(search);
  conditions.Add("MetricName >= " + conditions.BindText(metrics.front().key.name));
  conditions.Add("MetricName <= " + conditions.BindText(metrics.back().key.name));
  const std::string sql = fmt::format(
      "SELECT {}, argMax(Description, Seen), arraySlice(arraySort(groupUniqArray(ServiceName)), 1, {}), "
      "uniqExact(SeriesId), arraySlice(arraySort(groupUniqArrayArray(mapKeys(Attributes))), 1, {}), "
      "max(toUnixTimestamp(Seen)) FROM {} WHERE {} GROUP BY {}",
      kKeyColumns, kMetricServicesMax, kMetricKeysMax, ListedSeries(search, question), conditions.Sql(), kKeyNames);
  return question.ForEachRow(sql, conditions.parameters(), [&](RowReader& row) {
    MetricInfo read;
    read.key = ReadKey(row);
    read.description = row.Text();
    read.services = row.Texts();
    read.series_count = row.Number<uint64_t>();
    read.attribute_keys = row.Texts();
    read.last_seen_unix_nanos = row.Number<uint32_t>() * kSecondNanos;
    const auto place = places.find(Ordered(read.key));
    if (place != places.end()) *place->second = std::move(read);
  });
}

Result<void> AddLimited(const MetricSearch& search, Question& question, std::vector<MetricInfo>& metrics) {
  Conditions conditions;
  conditions.AddService(search.service);
  conditions.Add("MetricName >= " + conditions.BindText(metrics.front().key.name));
  conditions.Add("MetricName <= " + conditions.BindText(metrics.back().key.name));
  const int64_t now = Clock::System().UnixNanos() / kSecondNanos;
  auto limited = ReadLimited(question, std::move(conditions), now - kLimitedShownSeconds);
  if (!limited) return std::unexpected(limited.error());
  for (MetricInfo& metric : metrics) {
    for (const LimitedMetric& one : *limited) {
      if (one.name == metric.key.name) metric.limited.push_back(one.limited);
    }
  }
  return {};
}

}  // namespace

Result<MetricPage> MetricReader::List(const MetricSearch& search, store::Cancellation* cancellation) {
  if (search.limit < 1 || search.limit > kMetricsMax) {
    return Fail(Code::kInvalidArgument, "a limit of {} metrics is not within 1 and {}", search.limit, kMetricsMax);
  }
  Question question(clickhouse_, database_, cancellation);
  Conditions conditions = Wanted(search);
  if (search.after) AddBehind(conditions, *search.after);
  MetricPage page;
  bool more = false;
  SIGHTLINE_TRY(question.ForEachRow(
      fmt::format("SELECT {} FROM {} WHERE {} GROUP BY {} ORDER BY {} LIMIT {}", kKeyColumns,
                  ListedSeries(search, question), conditions.Sql(), kKeyNames, kKeyNames, search.limit + 1),
      conditions.parameters(), [&](RowReader& row) {
        MetricKey key = ReadKey(row);
        more = page.metrics.size() == search.limit;
        if (!more) page.metrics.push_back({.key = std::move(key)});
      }));
  if (!page.metrics.empty()) {
    SIGHTLINE_TRY(ReadFacts(search, question, page.metrics));
    SIGHTLINE_TRY(AddLimited(search, question, page.metrics));
  }
  if (more) page.next = page.metrics.back().key;
  page.scanned = question.stats();
  return page;
}

}  // namespace sightline::query
