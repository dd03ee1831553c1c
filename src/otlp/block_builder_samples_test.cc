// Every recorded request of an SDK as rows: what the manifest's facts say must stand in the columns.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "otlp/attribute_columns.h"
#include "otlp/attribute_text.h"
#include "otlp/json.h"
#include "otlp/testing/blocks.h"
#include "otlp/testing/samples.h"

namespace sightline::otlp {
namespace {

using namespace testing;
namespace json = boost::json;

std::string Text(const json::value& value) {
  return std::string(value.as_string());
}
std::string Text(const json::object& object, std::string_view key) {
  return Text(object.at(key));
}
int64_t Int(const json::object& object, std::string_view key) {
  return object.at(key).to_number<int64_t>();
}

std::string Base64OfHex(std::string_view hex) {
  std::string bytes, text;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  AppendBase64(bytes, text);
  return text;
}

// Values inside arrays and lists, where text is JSON.
bool SameJson(const json::value& fact, const json::value& stored) {
  if (fact.is_number()) return stored.is_number() && fact.to_number<double>() == stored.to_number<double>();
  if (fact.is_array()) {
    if (!stored.is_array() || fact.as_array().size() != stored.as_array().size()) return false;
    for (size_t i = 0; i < fact.as_array().size(); ++i) {
      if (!SameJson(fact.as_array()[i], stored.as_array()[i])) return false;
    }
    return true;
  }
  if (!fact.is_object()) return fact == stored;
  if (fact.as_object().contains("bytes_hex")) {
    return stored.is_string() && Base64OfHex(Text(fact.as_object(), "bytes_hex")) == Text(stored);
  }
  if (!stored.is_object() || fact.as_object().size() != stored.as_object().size()) return false;
  for (const auto& [key, value] : fact.as_object()) {
    if (!stored.as_object().contains(key) || !SameJson(value, stored.as_object().at(key))) return false;
  }
  return true;
}

void ExpectValue(const json::value& fact, const std::string& text, char type) {
  switch (fact.kind()) {
    case json::kind::null:
      EXPECT_EQ(std::string(1, type) + text, "e");
      break;
    case json::kind::bool_:
      EXPECT_EQ(std::string(1, type) + text, fact.as_bool() ? "btrue" : "bfalse");
      break;
    case json::kind::string:
      EXPECT_EQ(std::string(1, type) + text, "s" + Text(fact));
      break;
    case json::kind::double_:
      EXPECT_EQ(type, 'd');
      EXPECT_DOUBLE_EQ(std::stod(text), fact.as_double());
      break;
    case json::kind::int64:
    case json::kind::uint64:
      EXPECT_EQ(std::string(1, type) + text, "i" + std::to_string(fact.to_number<int64_t>()));
      break;
    default:
      if (fact.is_object() && fact.as_object().contains("bytes_hex")) {
        EXPECT_EQ(std::string(1, type) + text, "x" + Base64OfHex(Text(fact.as_object(), "bytes_hex")));
      } else {
        EXPECT_EQ(type, fact.is_array() ? 'a' : 'm');
        EXPECT_TRUE(SameJson(fact, json::parse(text))) << text << " is not " << json::serialize(fact);
      }
  }
}

// Of the map, or of the key's own column.
void ExpectAttributes(const json::object& facts, const NativeBlock& rows, uint64_t row, std::string_view map,
                      std::string_view types) {
  std::map<std::string, std::pair<std::string, char>> attributes;
  const Cell& cell = rows.At(map, row);
  const std::string& letters = rows.At(types, row).text;
  ASSERT_EQ(letters.size(), cell.elements.size() / 2);
  for (size_t i = 0; i < letters.size(); ++i) {
    attributes[cell.elements[2 * i].text] = {cell.elements[2 * i + 1].text, letters[i]};
  }
  for (const HotAttribute& hot : DefaultHotAttributes()) {
    if (!rows.Has("a." + hot.key)) continue;
    const std::string& text = rows.At("a." + hot.key, row).text;
    if (!text.empty()) attributes[hot.key] = {text, TypeLetter(hot.type)};
  }
  for (const auto& [key, value] : facts) {
    SCOPED_TRACE("attribute " + std::string(key));
    const auto found = attributes.find(std::string(key));
    ASSERT_NE(found, attributes.end());
    ExpectValue(value, found->second.first, found->second.second);
  }
}

uint64_t CountAttributes(const NativeBlock& rows, uint64_t row) {
  uint64_t count = rows.At("SpanAttributes", row).elements.size() / 2;
  for (const HotAttribute& hot : DefaultHotAttributes()) count += !rows.At("a." + hot.key, row).text.empty();
  return count;
}

void ExpectCounts(const json::value& expected, const std::map<std::string, int64_t>& counted, std::string_view what) {
  std::map<std::string, int64_t> facts;
  for (const auto& [key, count] : expected.as_object()) facts[std::string(key)] = count.to_number<int64_t>();
  EXPECT_EQ(counted, facts) << what;
}

std::string Capital(std::string name) {
  for (size_t i = 1; i < name.size(); ++i) name[i] = static_cast<char>(std::tolower(name[i]));
  return name;
}

void ExpectSpan(const json::object& fact, const NativeBlock& rows, uint64_t row) {
  EXPECT_EQ(rows.At("TraceId", row).Hex(), Text(fact, "trace_id"));
  const std::string parent = Text(fact, "parent_span_id");
  EXPECT_EQ(rows.At("ParentSpanId", row).Hex(), parent.empty() ? std::string(16, '0') : parent);
  EXPECT_EQ(rows.At("SpanName", row).text, Text(fact, "name"));
  EXPECT_EQ(rows.At("SpanKind", row).text, Capital(Text(fact, "kind")));
  EXPECT_EQ(rows.At("StatusCode", row).text, Capital(Text(fact, "status")));
  EXPECT_EQ(rows.At("StatusMessage", row).text, Text(fact, "status_message"));
  EXPECT_EQ(std::to_string(rows.At("Timestamp", row).number), Text(fact, "start_time_unix_nano"));
  EXPECT_EQ(std::to_string(rows.At("Timestamp", row).number + rows.At("Duration", row).number),
            Text(fact, "end_time_unix_nano"));
  EXPECT_EQ(rows.At("TraceState", row).text, Text(fact, "trace_state"));
  EXPECT_EQ(rows.At("Flags", row).Int(), Int(fact, "flags"));
  EXPECT_EQ(rows.At("ScopeName", row).text, Text(fact, "scope"));
  EXPECT_EQ(static_cast<int64_t>(CountAttributes(rows, row)), Int(fact, "attributes_count"));
  EXPECT_EQ(static_cast<int64_t>(rows.At("Events.Name", row).elements.size()), Int(fact, "events_count"));
  EXPECT_EQ(static_cast<int64_t>(rows.At("Links.SpanId", row).elements.size()), Int(fact, "links_count"));
  ExpectAttributes(fact.at("attributes_some").as_object(), rows, row, "SpanAttributes", "SpanAttributeTypes");
  if (!fact.contains("first_event")) return;
  const json::object& event = fact.at("first_event").as_object();
  EXPECT_EQ(rows.At("Events.Name", row).elements.at(0).text, Text(event, "name"));
  EXPECT_EQ(std::to_string(rows.At("Events.Timestamp", row).elements.at(0).number), Text(event, "time_unix_nano"));
  for (const json::value& key : event.at("attribute_keys").as_array()) {
    EXPECT_NE(rows.At("Events.Attributes", row).elements.at(0).Entry(Text(key)), "(none)");
  }
}

void ExpectTraces(const json::object& facts, const NativeBlock& rows) {
  std::map<std::string, int64_t> services, statuses, kinds, scopes;
  std::set<std::string> traces;
  std::map<std::string, uint64_t> row_of;
  int64_t roots = 0, events = 0, links = 0, with_state = 0;
  int64_t dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  for (uint64_t row = 0; row < rows.rows; ++row) {
    ++services[rows.At("ServiceName", row).text];
    ++statuses[rows.At("StatusCode", row).text];
    ++kinds[rows.At("SpanKind", row).text];
    ++scopes[rows.At("ScopeName", row).text];
    traces.insert(rows.At("TraceId", row).text);
    row_of[rows.At("SpanId", row).Hex()] = row;
    roots += rows.At("ParentSpanId", row).Hex() == std::string(16, '0');
    events += static_cast<int64_t>(rows.At("Events.Name", row).elements.size());
    links += static_cast<int64_t>(rows.At("Links.SpanId", row).elements.size());
    with_state += !rows.At("TraceState", row).text.empty();
    dropped_attributes += rows.At("DroppedAttributesCount", row).Int();
    dropped_events += rows.At("DroppedEventsCount", row).Int();
    dropped_links += rows.At("DroppedLinksCount", row).Int();
    EXPECT_EQ(rows.At("Repairs", row).text, "");
  }
  std::map<std::string, int64_t> upper_statuses, upper_kinds;
  const auto upper = [](std::string name) {
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    return name;
  };
  for (const auto& [name, count] : statuses) upper_statuses[upper(name)] = count;
  for (const auto& [name, count] : kinds) upper_kinds[upper(name)] = count;
  ExpectCounts(facts.at("spans_per_service"), services, "services");
  ExpectCounts(facts.at("status"), upper_statuses, "status");
  ExpectCounts(facts.at("kinds"), upper_kinds, "kinds");
  ExpectCounts(facts.at("spans_per_scope"), scopes, "scopes");
  EXPECT_EQ(static_cast<int64_t>(traces.size()), Int(facts, "traces"));
  EXPECT_EQ(roots, Int(facts, "root_spans"));
  EXPECT_EQ(events, Int(facts, "events"));
  EXPECT_EQ(links, Int(facts, "links"));
  EXPECT_EQ(with_state, Int(facts, "spans_with_trace_state"));
  EXPECT_EQ(dropped_attributes, Int(facts.at("dropped").as_object(), "attributes"));
  EXPECT_EQ(dropped_events, Int(facts.at("dropped").as_object(), "events"));
  EXPECT_EQ(dropped_links, Int(facts.at("dropped").as_object(), "links"));
  for (const json::value& fact : facts.at("spans_to_check").as_array()) {
    const std::string id = Text(fact.as_object(), "span_id");
    SCOPED_TRACE("span " + id);
    ASSERT_TRUE(row_of.contains(id));
    ExpectSpan(fact.as_object(), rows, row_of.at(id));
  }
}

void ExpectRecord(const json::object& fact, const NativeBlock& rows, uint64_t row) {
  EXPECT_EQ(std::to_string(rows.At("TimeUnixNano", row).number), Text(fact, "time_unix_nano"));
  EXPECT_EQ(std::to_string(rows.At("ObservedTimestamp", row).number), Text(fact, "observed_time_unix_nano"));
  EXPECT_EQ(rows.At("Timestamp", row).number, rows.At("TimeUnixNano", row).number != 0
                                                  ? rows.At("TimeUnixNano", row).number
                                                  : rows.At("ObservedTimestamp", row).number);
  EXPECT_EQ(rows.At("SeverityNumber", row).Int(), Int(fact, "severity_number"));
  EXPECT_EQ(rows.At("SeverityText", row).text, Text(fact, "severity_text"));
  EXPECT_EQ(rows.At("EventName", row).text, Text(fact, "event_name"));
  EXPECT_EQ(rows.At("Flags", row).Int(), Int(fact, "flags"));
  const std::string trace_id = Text(fact, "trace_id"), span_id = Text(fact, "span_id");
  EXPECT_EQ(rows.At("TraceId", row).Hex(), trace_id.empty() ? std::string(32, '0') : trace_id);
  EXPECT_EQ(rows.At("SpanId", row).Hex(), span_id.empty() ? std::string(16, '0') : span_id);
  ExpectValue(fact.at("body"), rows.At("Body", row).text, rows.At("BodyType", row).text.at(0));
  ExpectAttributes(fact.at("attributes_some").as_object(), rows, row, "LogAttributes", "LogAttributeTypes");
}

void ExpectLogs(const json::object& facts, const NativeBlock& rows) {
  std::map<std::string, int64_t> services, scopes, severities, event_names;
  int64_t with_trace = 0, without_observed = 0;
  for (uint64_t row = 0; row < rows.rows; ++row) {
    ++services[rows.At("ServiceName", row).text];
    ++scopes[rows.At("ScopeName", row).text];
    ++severities[std::to_string(rows.At("SeverityNumber", row).number) + "/" + rows.At("SeverityText", row).text];
    if (!rows.At("EventName", row).text.empty()) ++event_names[rows.At("EventName", row).text];
    with_trace += rows.At("TraceId", row).Hex() != std::string(32, '0');
    without_observed += rows.At("ObservedTimestamp", row).number == 0;
    EXPECT_EQ(rows.At("Repairs", row).text, "");
  }
  ExpectCounts(facts.at("records_per_service"), services, "services");
  ExpectCounts(facts.at("records_per_scope"), scopes, "scopes");
  ExpectCounts(facts.at("severity"), severities, "severity");
  ExpectCounts(facts.at("event_names"), event_names, "event names");
  EXPECT_EQ(with_trace, Int(facts, "with_trace_id"));
  EXPECT_EQ(without_observed, Int(facts, "without_observed_time"));
  for (const json::value& fact : facts.at("records_to_check").as_array()) {
    SCOPED_TRACE("record " + std::to_string(Int(fact.as_object(), "position")));
    ExpectRecord(fact.as_object(), rows, static_cast<uint64_t>(Int(fact.as_object(), "position")));
  }
}

// All rows of all days of a table, in order of the days.
NativeBlock AllRows(const Blocks& blocks, std::string_view table) {
  NativeBlock all;
  for (const auto& [key, block] : blocks) {
    if (key.first != table) continue;
    if (all.columns.empty()) {
      all = block;
      continue;
    }
    all.rows += block.rows;
    for (size_t i = 0; i < all.columns.size(); ++i) {
      all.columns[i].cells.insert(all.columns[i].cells.end(), block.columns[i].cells.begin(),
                                  block.columns[i].cells.end());
    }
  }
  return all;
}

const char* TableOf(const std::string& metric_type) {
  if (metric_type == "histogram") return "metric_histograms";
  if (metric_type == "exponential_histogram") return "metric_exponential_histograms";
  return metric_type == "summary" ? "metric_summaries" : "metric_points";
}

void ExpectBuckets(const json::object& fact, const NativeBlock& points, uint64_t row, bool exponential) {
  const auto expect_counts = [&](const json::value& counts, std::string_view column) {
    const Cell& cell = points.At(column, row);
    ASSERT_EQ(cell.elements.size(), counts.as_array().size()) << column;
    for (size_t i = 0; i < cell.elements.size(); ++i) {
      EXPECT_EQ(cell.elements[i].Int(), counts.as_array()[i].to_number<int64_t>()) << column << " " << i;
    }
  };
  EXPECT_EQ(points.At("Count", row).Int(), Int(fact, "count"));
  if (fact.contains("min") && !fact.at("min").is_null()) {
    EXPECT_DOUBLE_EQ(points.At("Min", row).Double(), fact.at("min").to_number<double>());
    EXPECT_DOUBLE_EQ(points.At("Max", row).Double(), fact.at("max").to_number<double>());
  }
  if (!exponential) {
    expect_counts(fact.at("bucket_counts"), "BucketCounts");
    const json::array& bounds = fact.at("bounds").as_array();
    ASSERT_EQ(points.At("ExplicitBounds", row).elements.size(), bounds.size());
    for (size_t i = 0; i < bounds.size(); ++i) {
      EXPECT_DOUBLE_EQ(points.At("ExplicitBounds", row).elements[i].Double(), bounds[i].to_number<double>());
    }
    return;
  }
  EXPECT_EQ(points.At("Scale", row).Int(), Int(fact, "scale"));
  EXPECT_EQ(points.At("ZeroCount", row).Int(), Int(fact, "zero_count"));
  expect_counts(fact.at("positive").as_object().at("bucket_counts"), "PositiveBucketCounts");
  expect_counts(fact.at("negative").as_object().at("bucket_counts"), "NegativeBucketCounts");
  EXPECT_EQ(points.At("PositiveOffset", row).Int(), Int(fact.at("positive").as_object(), "offset"));
}

// The rows of metric_series of a fact's metric, by SeriesId.
std::map<uint64_t, uint64_t> SeriesOf(const json::object& fact, const NativeBlock& series) {
  std::map<uint64_t, uint64_t> rows;
  for (uint64_t row = 0; row < series.rows; ++row) {
    if (series.At("MetricName", row).text != Text(fact, "name")) continue;
    if (series.At("ScopeName", row).text != Text(fact, "scope")) continue;
    rows[series.At("SeriesId", row).number] = row;
    EXPECT_EQ(series.At("MetricType", row).text, Text(fact, "type"));
    EXPECT_EQ(series.At("Unit", row).text, Text(fact, "unit"));
    if (fact.contains("temporality")) {
      EXPECT_EQ(series.At("AggregationTemporality", row).Int(), Text(fact, "temporality") == "DELTA" ? 1 : 2);
    }
    if (fact.contains("monotonic")) {
      EXPECT_EQ(series.At("IsMonotonic", row).number != 0, fact.at("monotonic").as_bool());
    }
  }
  return rows;
}

void ExpectNumbers(const json::object& fact, const NativeBlock& points, const std::vector<uint64_t>& rows) {
  double sum = 0;
  for (const uint64_t row : rows) {
    sum += points.At("Value", row).Double();
    EXPECT_EQ(points.At("IsInt", row).number != 0, Text(fact, "value_type") == "as_int");
  }
  EXPECT_NEAR(sum, fact.at("sum_of_values").to_number<double>(), 1e-9 * std::fabs(sum));
}

void ExpectHistograms(const json::object& fact, const NativeBlock& series, const NativeBlock& points,
                      const std::vector<uint64_t>& rows) {
  int64_t counts = 0;
  double sums = 0;
  uint64_t largest = rows.at(0);
  for (const uint64_t row : rows) {
    counts += points.At("Count", row).Int();
    sums += points.At("Sum", row).Double();
    if (points.At("Count", row).Int() > points.At("Count", largest).Int()) largest = row;
  }
  EXPECT_EQ(counts, Int(fact, "sum_of_counts"));
  EXPECT_NEAR(sums, fact.at("sum_of_sums").to_number<double>(), 1e-9 * std::fabs(sums));
  if (Text(fact, "type") == "summary") return;
  const json::object& point = fact.at("largest_point").as_object();
  ExpectBuckets(point, points, largest, Text(fact, "type") == "exponential_histogram");
  ExpectAttributes(point.at("attributes").as_object(), series,
                   SeriesOf(fact, series).at(points.At("SeriesId", largest).number), "Attributes", "AttributeTypes");
}

// `skipped`: points of metrics of the same name before this one; some senders give every point a metric of its own.
void ExpectMetric(const json::object& fact, const NativeBlock& series, const NativeBlock& points, uint64_t& skipped) {
  const auto series_rows = SeriesOf(fact, series);
  std::vector<uint64_t> rows;
  for (uint64_t row = 0; row < points.rows; ++row) {
    if (series_rows.contains(points.At("SeriesId", row).number)) rows.push_back(row);
  }
  const auto count = static_cast<uint64_t>(Int(fact, "points"));
  ASSERT_LE(skipped + count, rows.size());
  rows.erase(rows.begin(), rows.begin() + static_cast<int64_t>(skipped));
  rows.resize(count);
  skipped += count;
  int64_t exemplars = 0;
  for (const uint64_t row : rows) {
    if (points.Has("Exemplars.Value")) {
      exemplars += static_cast<int64_t>(points.At("Exemplars.Value", row).elements.size());
    }
    EXPECT_EQ(points.At("Repairs", row).text, "");
  }
  if (fact.contains("exemplars")) EXPECT_EQ(exemplars, Int(fact, "exemplars"));
  if (points.Has("Value")) {
    ExpectNumbers(fact, points, rows);
  } else {
    ExpectHistograms(fact, series, points, rows);
  }
}

void ExpectMetrics(const json::object& facts, const Blocks& blocks) {
  const NativeBlock series = AllRows(blocks, "metric_series");
  std::map<uint64_t, std::string> service_of;
  for (uint64_t row = 0; row < series.rows; ++row) {
    service_of[series.At("SeriesId", row).number] = series.At("ServiceName", row).text;
  }
  std::map<std::string, int64_t> services;
  for (const char* table :
       {"metric_points", "metric_histograms", "metric_exponential_histograms", "metric_summaries"}) {
    const NativeBlock points = AllRows(blocks, table);
    for (uint64_t row = 0; row < points.rows; ++row) ++services[service_of.at(points.At("SeriesId", row).number)];
  }
  ExpectCounts(facts.at("points_per_service"), services, "services");
  std::map<std::string, uint64_t> skipped;
  for (const json::value& fact : facts.at("metrics_to_check").as_array()) {
    const std::string name = Text(fact.as_object(), "name");
    SCOPED_TRACE("metric " + name);
    ExpectMetric(fact.as_object(), series, AllRows(blocks, TableOf(Text(fact.as_object(), "type"))),
                 skipped[name + "/" + Text(fact.as_object(), "scope")]);
  }
}

void ExpectSample(const Sample& sample) {
  SCOPED_TRACE(sample.file);
  std::string bytes = sample.bytes;
  if (sample.json) {
    auto translated = JsonToProtobuf(sample.signal, sample.bytes, Limits{});
    ASSERT_TRUE(translated) << translated.error().message;
    bytes = *std::move(translated);
  }
  BuilderFixture fixture(sample.signal);
  fixture.Add(bytes);
  EXPECT_EQ(fixture.builder().rows(), sample.count);
  const Blocks blocks = fixture.Finish();
  switch (sample.signal) {
    case Signal::kTraces:
      ExpectTraces(sample.facts, AllRows(blocks, "spans"));
      break;
    case Signal::kLogs:
      ExpectLogs(sample.facts, AllRows(blocks, "logs"));
      break;
    case Signal::kMetrics:
      ExpectMetrics(sample.facts, blocks);
      break;
  }
}

TEST(RecordedRequests, OfSdksBecomeTheRowsThatTheirFactsSay) {
  ASSERT_FALSE(SdkSamples().empty());
  for (const Sample& sample : SdkSamples()) ExpectSample(sample);
}

TEST(RecordedRequests, OfTheDemoBecomeTheRowsThatTheirFactsSay) {
  if (DemoSamples().empty()) GTEST_SKIP() << "the demo's captures are not on this machine";
  for (const Sample& sample : DemoSamples()) ExpectSample(sample);
}

}  // namespace
}  // namespace sightline::otlp
