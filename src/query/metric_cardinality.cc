#include "query/metric_cardinality.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>

#include "query/attributes.h"
#include "query/metric_limited.h"
#include "query/metric_streams.h"

namespace sightline::query {
namespace {

constexpr int64_t kOneDaySeconds = 24 * 3600, kAnnouncedBeforeSeconds = 2 * kOneDaySeconds;
constexpr int64_t kSecondNanos = 1'000'000'000;

struct Stream {
  std::string service;
  const AttributeSet* resource = nullptr;
  std::vector<Attribute> attributes;
};

// Sums of them tell sets of attributes apart, also where two attributes have each other's values.
uint64_t HashOf(std::string_view key, std::string_view value, uint64_t place) {
  return XXH3_64bits_withSeed(value.data(), value.size(), XXH3_64bits_withSeed(key.data(), key.size(), place));
}

// One attribute of all streams. What a stream is without it is the sum of the hashes of its other attributes.
struct Counted {
  std::map<std::string_view, uint64_t> values;
  uint64_t series = 0;
  std::vector<uint64_t> others;  // of the streams that have it
};

template <typename Map>
std::vector<std::pair<std::string, uint64_t>> MostFrequent(const Map& counts, size_t shown) {
  std::vector<std::pair<std::string, uint64_t>> list(counts.begin(), counts.end());
  const auto more = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  std::ranges::sort(list, more);
  if (list.size() > shown) list.resize(shown);
  return list;
}

// Thread: of its owner.
class Counter {
 public:
  void Add(const Stream& stream) {
    ++series_;
    ++services_[stream.service];
    // Streams that are counted from spans have no other sign of their service.
    uint64_t whole = HashOf("", stream.service, 2);
    ForEach(stream, [&](bool of_resource, const Attribute& one) { whole += Of(of_resource, one); });
    all_.push_back(whole);
    ForEach(stream, [&](bool of_resource, const Attribute& one) {
      Counted& counted = attributes_[{of_resource, one.key}];
      ++counted.values[one.text];
      ++counted.series;
      counted.others.push_back(whole - Of(of_resource, one));
    });
  }

  MetricCardinality Take(size_t values_shown) {
    MetricCardinality answer{.series = series_};
    answer.services = MostFrequent(services_, kCardinalityServicesShown);
    std::ranges::sort(all_);
    for (auto& [key, counted] : attributes_) {
      AttributeCardinality one{.key = std::string(key.second),
                               .of_resource = key.first,
                               .values = counted.values.size(),
                               .series = counted.series};
      one.without = Without(counted);
      one.top = MostFrequent(counted.values, values_shown);
      answer.attributes.push_back(std::move(one));
    }
    std::ranges::stable_sort(answer.attributes, std::ranges::greater(), &AttributeCardinality::values);
    return answer;
  }

 private:
  template <typename Visit>
  static void ForEach(const Stream& stream, Visit visit) {
    for (const Attribute& one : stream.attributes) visit(false, one);
    if (stream.resource == nullptr) return;
    for (const Attribute& one : stream.resource->attributes) visit(true, one);
  }
  static uint64_t Of(bool of_resource, const Attribute& one) { return HashOf(one.key, one.text, of_resource ? 1 : 0); }

  // The streams that do not have it stay; the others become as many as differ in what is left of them.
  uint64_t Without(Counted& counted) const {
    std::ranges::sort(counted.others);
    const auto [end, last] = std::ranges::unique(counted.others);
    counted.others.erase(end, last);
    uint64_t is_there = 0;  // what is left of some is a stream already
    for (const uint64_t other : counted.others) is_there += std::ranges::binary_search(all_, other) ? 1 : 0;
    return series_ - counted.series + counted.others.size() - is_there;
  }

  uint64_t series_ = 0;
  std::map<std::string, uint64_t> services_;
  std::map<std::pair<bool, std::string_view>, Counted> attributes_;
  std::vector<uint64_t> all_;
};

}  // namespace

Result<MetricCardinality> ReadMetricCardinality(store::ClickHouse& clickhouse, const std::string& database,
                                                const std::string& name, const std::optional<std::string>& service,
                                                int64_t from_unix_nanos, store::Cancellation* cancellation,
                                                size_t values_shown) {
  Question question(clickhouse, database, cancellation);
  Conditions conditions;
  conditions.Add("MetricName = " + conditions.BindText(name));
  conditions.AddService(service);
  const Conditions of_metric = conditions;
  conditions.Add("LimitedBy = ''");
  const int64_t seen = std::clamp<int64_t>(from_unix_nanos / kSecondNanos - kAnnouncedBeforeSeconds, 0, UINT32_MAX);
  conditions.Add("Seen >= toDateTime(" + conditions.Bind("UInt32", std::to_string(seen)) + ")");
  std::vector<std::pair<Stream, std::string>> streams;  // with the resource's id
  std::set<std::string> ids;
  const std::string sql = "SELECT ServiceName, ResourceId, Attributes FROM " + SeriesTable(question, name) + " WHERE " +
                          conditions.Sql() + " LIMIT 1 BY SeriesId LIMIT " + std::to_string(kStreamsMax + 1);
  SIGHTLINE_TRY(question.ForEachRow(sql, conditions.parameters(), [&](RowReader& row) {
    Stream stream{.service = row.Text()};
    std::string resource = row.Text();
    stream.attributes = ReadMap(row);
    ids.insert(resource);
    streams.emplace_back(std::move(stream), std::move(resource));
  }));
  if (streams.empty()) return Fail(Code::kNotFound, "there is no metric {:?}\nGET /api/v1/metrics lists them", name);
  if (streams.size() > kStreamsMax) {
    return Fail(Code::kResourceExhausted, "{:?} has more than {} streams\nchoose a service", name, kStreamsMax);
  }
  AttributeSets resources;
  auto sets = resources.Read(question, std::move(ids));
  if (!sets) return std::unexpected(sets.error());
  std::map<std::string_view, const AttributeSet*> by_id;
  for (const AttributeSet& set : *sets) by_id[set.id] = &set;
  Counter counter;
  for (auto& [stream, resource] : streams) {
    if (const auto set = by_id.find(resource); set != by_id.end()) stream.resource = set->second;
    counter.Add(stream);
  }
  MetricCardinality answer = counter.Take(values_shown);
  auto limited = ReadLimited(question, of_metric, from_unix_nanos / kSecondNanos - kOneDaySeconds);
  if (!limited) return std::unexpected(limited.error());
  for (LimitedMetric& one : *limited) answer.limited.push_back(std::move(one.limited));
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
