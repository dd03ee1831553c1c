#include "query/metric_streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "query/attributes.h"
#include "query/metric_filter.h"
#include "query/metric_limited.h"

namespace sightline::query {
namespace {

constexpr std::string_view kServiceName = "service.name";
// A stream is announced once a day of receipt, and its points may be stamped later than they came: by a day, unless
// limits.future_time_max says otherwise.
// Streams that a statement lists; of more, the points of all are read and those of others passed over.
constexpr size_t kStreamsNamedMax = 10'000;
constexpr int64_t kAnnouncedBeforeSeconds = 2 * 24 * 3600, kSecondNanos = 1'000'000'000;
// Spares reading the points of most streams that are left out.
constexpr const char* kAddsUp = "(LimitedBy = '' OR AggregationTemporality = 1)";

using LabelValue = std::optional<std::string>;
using LabelValues = std::vector<LabelValue>;  // of the keys, in their order

struct StreamRow {
  uint64_t id = 0;
  std::string kind, unit, service, resource;
  int32_t temporality = 0;
  bool monotonic = false, is_overflow = false;
  LabelValues labels;
  std::vector<Attribute> attributes;  // read where there is a filter
};

// What values of the unit are measured in. Counted things have many names for one unit: "", "1", UCUM's annotations
// such as "{request}", and nouns such as "requests", which instrumentation has from before UCUM. UCUM's own codes are
// shorter than nouns or have capitals.
std::string_view MeasuredIn(std::string_view unit) {
  constexpr size_t kNounLettersMin = 5;
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"seconds", "s"}, {"milliseconds", "ms"}, {"microseconds", "us"}, {"nanoseconds", "ns"}, {"bytes", "By"}};
  for (const auto& [word, code] : kWords) {
    if (unit == word) return code;
  }
  const bool annotation = unit.starts_with('{') && unit.find('}') == unit.size() - 1;
  const bool noun =
      unit.size() >= kNounLettersMin && std::ranges::all_of(unit, [](char c) { return c >= 'a' && c <= 'z'; });
  return unit.empty() || annotation || noun ? "1" : unit;
}

bool IsDelta(const StreamRow& row) {
  return row.temporality == static_cast<int32_t>(Temporality::kDelta);
}

LabelValues ReadLabels(RowReader& row, size_t keys) {
  LabelValues labels(keys);
  for (LabelValue& label : labels) {
    const bool has = row.Number<uint8_t>() != 0;
    std::string value = row.Text();
    if (has) label = std::move(value);
  }
  return labels;
}

// Thread: of its owner.
class StreamFinder {
 public:
  StreamFinder(const SeriesRequest& request, Question& question, std::string* at_fault)
      : request_(request), question_(question), at_fault_(at_fault) {}

  Result<MetricStreams> Run(int64_t points_from) {
    MetricStreams& found = found_;
    found.name = request_.name;
    Conditions& conditions = found.conditions;
    conditions.Add("MetricName = " + conditions.BindText(request_.name));
    if (request_.kind)
      conditions.Add("MetricType = " + conditions.BindText(std::string(MetricKindName(*request_.kind))));
    conditions.AddService(request_.service);
    SIGHTLINE_TRY(AddAttributeConditions(conditions, request_.attributes, {"Attributes"}, question_));
    Conditions ever = conditions;
    ever.Add("LimitedBy = ''");
    const int64_t seen = std::clamp<int64_t>(points_from / kSecondNanos - kAnnouncedBeforeSeconds, 0, UINT32_MAX);
    conditions.Add("Seen >= toDateTime(" + conditions.Bind("UInt32", std::to_string(seen)) + ")");
    SIGHTLINE_TRY(ReadRows(conditions, kStreamsMax + 1));
    if (rows_.size() > kStreamsMax) {
      return Fail(Code::kResourceExhausted, "{:?} has more than {} streams\nchoose a service or an attribute",
                  request_.name, kStreamsMax);
    }
    conditions.Add(kAddsUp);
    bool none = rows_.empty();
    if (none) SIGHTLINE_TRY(ReadRows(ever, 1));
    if (rows_.empty()) return NotFound();
    if (request_.filter && !none) {
      const StreamRow any = rows_.front();
      SIGHTLINE_TRY(Filter());
      none = rows_.empty();
      if (none) rows_.push_back(any);
    }
    SIGHTLINE_TRY(TakeFacts());
    if (none) return std::move(found_);
    SIGHTLINE_TRY(ReadResources());
    for (const StreamRow& row : rows_) AddStream(row);
    return std::move(found_);
  }

 private:
  Result<void> ReadRows(Conditions conditions, size_t max) {
    std::string sql =
        "SELECT SeriesId, MetricType, Unit, ServiceName, ResourceId, AggregationTemporality, IsMonotonic, "
        "LimitedBy";
    for (const auto& key : request_.group_by) {
      const std::string bound = conditions.BindText(key);
      sql += ", mapContains(Attributes, " + bound + "), Attributes[" + bound + "]";
    }
    if (request_.filter) sql += ", Attributes, AttributeTypes";
    sql += " FROM " + SeriesTable(question_, request_.name) + " WHERE " + conditions.Sql() +
           " LIMIT 1 BY SeriesId LIMIT " + std::to_string(max);
    return question_.ForEachRow(sql, conditions.parameters(), [&](RowReader& reader) {
      StreamRow row;
      row.id = reader.Number<uint64_t>();
      row.kind = reader.Text();
      row.unit = reader.Text();
      row.service = reader.Text();
      row.resource = reader.Text();
      row.temporality = reader.Number<int32_t>();
      row.monotonic = reader.Number<uint8_t>() != 0;
      const std::string limited_by = reader.Text();
      row.labels = ReadLabels(reader, request_.group_by.size());
      if (request_.filter) {
        row.attributes = ReadMap(reader);
        SetTypes(row.attributes, reader.Text());
      }
      if (!limited_by.empty() && !TakeOverflow(row, limited_by)) return;
      rows_.push_back(std::move(row));
    });
  }

  // Points of different streams in one add up where they say what came since the last one; else they say nothing.
  // False: it is left out.
  bool TakeOverflow(StreamRow& row, std::string_view limited_by) {
    const bool adds_up = !request_.over_time || request_.over_series.value_or(Aggregation::kSum) == Aggregation::kSum;
    row.is_overflow = true;
    const bool taken = adds_up && IsDelta(row);
    auto known = std::ranges::find(found_.limited, row.service, &LimitedSeries::service);
    if (known == found_.limited.end()) {
      known = found_.limited.insert(known, ReadLimitedBy(limited_by));
      known->service = row.service;
    }
    known->is_left_out = known->is_left_out || !taken;
    return taken;
  }

  // Leaves the streams that meet the filter, and asks for the points of no others.
  Result<void> Filter() {
    std::set<std::string> ids;
    for (const StreamRow& row : rows_) ids.insert(row.resource);
    AttributeSets resources;
    auto sets = resources.Read(question_, std::move(ids));
    if (!sets) return std::unexpected(sets.error());
    std::map<std::string_view, const AttributeSet*> by_id;
    for (const AttributeSet& set : *sets) by_id[set.id] = &set;
    const auto differs = [&](StreamRow& row) {
      StreamLabels labels{.service = row.service, .attributes = std::move(row.attributes)};
      if (const auto set = by_id.find(row.resource); set != by_id.end()) labels.resource = set->second;
      return !Matches(*request_.filter, labels);
    };
    if (std::erase_if(rows_, differs) == 0 || rows_.size() > kStreamsNamedMax) return {};
    std::vector<uint64_t> left;
    for (const StreamRow& row : rows_) left.push_back(row.id);
    if (!left.empty()) found_.conditions.Add(fmt::format("SeriesId IN ({})", fmt::join(left, ", ")));
    return {};
  }

  std::unexpected<Error> NotFound() const {
    std::string which = fmt::format("there is no metric {:?}", request_.name);
    if (request_.kind) which += fmt::format(" of the type {}", MetricKindName(*request_.kind));
    if (request_.service) which += fmt::format(" of the service {:?}", *request_.service);
    if (!request_.attributes.empty()) which += " with these attributes";
    return std::unexpected(Error{Code::kNotFound, which + "\nGET /api/v1/metrics lists them"});
  }

  Result<void> TakeFacts() {
    std::map<std::string, std::set<std::string>> services_of_unit;
    std::set<std::string_view> units;
    std::set<std::string> kinds;
    found_.monotonic = true;
    for (const StreamRow& row : rows_) {
      kinds.insert(row.kind);
      services_of_unit[row.unit].insert(row.service);
      units.insert(MeasuredIn(row.unit));
      found_.monotonic = found_.monotonic && row.monotonic;
      (IsDelta(row) ? found_.any_delta : found_.any_running) = true;
    }
    if (kinds.size() > 1) {
      if (at_fault_ != nullptr) *at_fault_ = "type";
      std::string list;
      for (const auto& kind : kinds) list += (list.empty() ? "" : ", ") + kind;
      return Fail(Code::kInvalidArgument, "{:?} is used with several types\nchoose the type: {}", request_.name, list);
    }
    if (units.size() > 1) {
      std::string list;
      for (const auto& [unit, services] : services_of_unit) {
        list += fmt::format("{}{:?} by {:?}", list.empty() ? "" : ", ", unit, *services.begin());
      }
      return Fail(Code::kInvalidArgument, "{:?} is used with several units: {}\nchoose a service or an attribute",
                  request_.name, list);
    }
    const auto kind = ParseMetricKind(*kinds.begin());
    if (!kind) return Fail(Code::kInternal, "{:?} is no type of a metric", *kinds.begin());
    found_.kind = *kind;
    found_.unit = services_of_unit.rbegin()->first;  // {request} rather than requests, 1 or nothing
    return {};
  }

  // The keys that some points do not have are looked for in their resources.
  Result<void> ReadResources() {
    const auto& keys = request_.group_by;
    const bool needed = std::ranges::any_of(rows_, [&](const StreamRow& row) {
      for (size_t i = 0; i < keys.size(); ++i) {
        if (!row.labels[i] && keys[i] != kServiceName) return true;
      }
      return false;
    });
    if (!needed) return {};
    Conditions conditions = found_.conditions;
    const std::string streams = conditions.Sql();
    std::string sql = "SELECT Id";
    for (const auto& key : keys) {
      const std::string bound = conditions.BindText(key);
      sql += ", has(Keys, " + bound + "), Values[indexOf(Keys, " + bound + ")]";
    }
    sql += " FROM " + question_.Table("attribute_sets") + " WHERE Id IN (SELECT ResourceId FROM " +
           SeriesTable(question_, request_.name) + " WHERE " + streams + ") LIMIT 1 BY Id";
    return question_.ForEachRow(sql, conditions.parameters(), [&](RowReader& row) {
      std::string id = row.Text();
      resources_[std::move(id)] = ReadLabels(row, keys.size());
    });
  }

  LabelValue Label(const StreamRow& row, size_t key) const {
    if (request_.group_by[key] == kServiceName) return row.service.empty() ? LabelValue() : row.service;
    if (row.labels[key]) return row.labels[key];
    const auto resource = resources_.find(row.resource);
    return resource == resources_.end() ? LabelValue() : resource->second[key];
  }

  void AddStream(const StreamRow& row) {
    LabelValues values;
    for (size_t i = 0; i < request_.group_by.size(); ++i) values.push_back(Label(row, i));
    const auto [group, is_new] = groups_.emplace(values, static_cast<uint32_t>(groups_.size()));
    if (is_new) {
      auto& labels = found_.groups.emplace_back();
      for (size_t i = 0; i < values.size(); ++i) {
        if (values[i]) labels.emplace_back(request_.group_by[i], *values[i]);
      }
    }
    found_.by_id[row.id] = {group->second, row.monotonic, IsDelta(row), row.is_overflow};
  }

  const SeriesRequest& request_;
  Question& question_;
  std::string* const at_fault_;
  std::vector<StreamRow> rows_;
  std::map<std::string, LabelValues> resources_;
  std::map<LabelValues, uint32_t> groups_;
  MetricStreams found_;
};

std::string_view StoredPoints(MetricKind kind) {
  switch (kind) {
    case MetricKind::kGauge:
    case MetricKind::kSum:
      return "metric_points";
    case MetricKind::kHistogram:
      return "metric_histograms";
    case MetricKind::kExponentialHistogram:
      return "metric_exponential_histograms";
    case MetricKind::kSummary:
      return "metric_summaries";
  }
  return "";
}

std::string Both(const std::string& columns, const std::string& table, const std::string& other) {
  return fmt::format("(SELECT {0} FROM {1} UNION ALL SELECT {0} FROM {2})", columns, table, other);
}

}  // namespace

std::string SeriesTable(const Question& question, std::string_view name) {
  std::string table = question.Table("metric_series");
  if (std::ranges::find(kSpanMetrics, name) == std::end(kSpanMetrics)) return table;
  return Both(
      "SeriesId, MetricName, MetricType, Unit, AggregationTemporality, IsMonotonic, ServiceName, ResourceId, "
      "Attributes, AttributeTypes, Seen, LimitedBy",
      table, question.Table("span_metric_series"));
}

std::string PointsTable(const Question& question, std::string_view name, MetricKind kind) {
  std::string table = StoredPointsTable(question, kind);
  if (!IsOfSpans(name, kind)) return table;
  if (kind == MetricKind::kSum) {
    return Both("SeriesId, Timestamp, StartTimestamp, Value, Flags", table, question.Table("span_metric_points"));
  }
  return Both("SeriesId, Timestamp, StartTimestamp, Count, Sum, Min, Max, Has, BucketCounts, ExplicitBounds, Flags",
              table, question.Table("span_metric_histograms"));
}

std::string StoredPointsTable(const Question& question, MetricKind kind) {
  return question.Table(StoredPoints(kind));
}

bool IsOfSpans(std::string_view name, MetricKind kind) {
  return (name == kSpanMetrics[0] && kind == MetricKind::kSum) ||
         (name == kSpanMetrics[1] && kind == MetricKind::kHistogram);
}

Result<MetricStreams> FindStreams(const SeriesRequest& request, int64_t points_from_unix_nanos, Question& question,
                                  std::string* at_fault) {
  return StreamFinder(request, question, at_fault).Run(points_from_unix_nanos);
}

}  // namespace sightline::query
