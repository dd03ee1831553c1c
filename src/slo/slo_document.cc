#include "slo/slo_document.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/time_zone.h"
#include "base/units.h"
#include "query/logs.h"
#include "query/metric_filter.h"
#include "query/span_series.h"
#include "state/json_check.h"
#include "traceql/parse.h"

namespace sightline::slo {
namespace {

constexpr size_t kNameBytesMax = 200, kProseBytesMax = 4096, kKeyBytesMax = 1024, kQueryBytesMax = 64 << 10;
constexpr size_t kLabelsMax = 20;
constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr double kObjectiveMin = 0.01, kObjectiveMax = 0.999999;
constexpr double kFastestBurnRate = 14.4;  // 2 % of 30 days in an hour

using Words = std::string_view[];
constexpr Words kWindowKinds = {"rolling", "calendar"};
constexpr Words kUnits = {"week", "month", "quarter"};
constexpr Words kSliKinds = {"requests", "events", "time_slices", "composite"};
constexpr Words kSources = {"traceql", "logs", "metrics", "sql"};
constexpr Words kOps = {"above", "below"};

size_t PlaceOf(std::string_view word, std::span<const std::string_view> words) {
  return static_cast<size_t>(std::ranges::find(words, word) - words.begin());
}

// Thread: of its owner.
class DocumentReader {
 public:
  using Json = state::JsonCheck::Json;

  Result<SloDocument> Read(const Json& json) {
    std::optional<double> minimum;
    check_.Object(json,
                  {
                      {"schema", true, [&](const Json& value) { check_.Integer(value, 1, 1); }},
                      {"name", true, [&](const Json& value) { document_.name = check_.Text(value, kNameBytesMax, 1); }},
                      {"description", false,
                       [&](const Json& value) { document_.description = check_.Text(value, kProseBytesMax); }},
                      {"objective", true,
                       [&](const Json& value) { document_.objective = Number(value, kObjectiveMin, kObjectiveMax); }},
                      {"window", true, [&](const Json& value) { Window(value); }},
                      {"sli", true, [&](const Json& value) { Sli(value); }},
                      {"minimum_events", false, [&](const Json& value) { minimum = Number(value, 0, 1e9); }},
                      {"labels", false, [&](const Json& value) { Labels(value); }},
                  });
    SIGHTLINE_TRY(check_.result());
    const bool counts_events =
        std::holds_alternative<RequestsSli>(document_.sli) || std::holds_alternative<EventsSli>(document_.sli);
    document_.minimum_events = minimum.value_or(counts_events ? DefaultMinimumEvents(document_.objective) : 1);
    return std::move(document_);
  }

 private:
  double Number(const Json& value, double min, double max) {
    double number = min;
    if (value.get(number) != simdjson::SUCCESS) {
      check_.Refuse("a number is wanted");
    } else if (!(number >= min && number <= max)) {
      check_.Refuse("{} is not between {} and {}", number, min, max);
    }
    return number;
  }

  int64_t DurationNanos(const Json& value) {
    const std::string text = check_.Text(value, 30, 1);
    if (!check_.ok()) return 0;
    const auto nanos = ParseDuration(text);
    if (!nanos) return check_.Refuse("{}", nanos.error().message), 0;
    if (*nanos <= 0 || *nanos == kForeverNanos) return check_.Refuse("{:?} is no time that passes", text), 0;
    return *nanos;
  }

  void Window(const Json& value) {
    SloWindow& window = document_.window;
    std::string kind, unit;
    bool has_length = false;
    check_.Object(value,
                  {
                      {"kind", true, [&](const Json& word) { kind = check_.Word(word, kWindowKinds); }},
                      {"length", false,
                       [&](const Json& text) {
                         has_length = true;
                         window.length_seconds = DurationNanos(text) / kSecondNanos;
                         if (!check_.ok()) return;
                         if (window.length_seconds < kWindowSecondsMin || window.length_seconds > kWindowSecondsMax ||
                             window.length_seconds % kMinuteSeconds != 0) {
                           check_.Refuse("whole minutes from 1h to 92d are wanted");
                         }
                       }},
                      {"unit", false, [&](const Json& word) { unit = check_.Word(word, kUnits); }},
                      {"timezone", false, [&](const Json& text) { window.timezone = check_.Text(text, 100, 1); }},
                  });
    if (!check_.ok()) return;
    if (kind == "rolling") {
      if (!has_length) return check_.Refuse("length is wanted of kind rolling");
      if (!unit.empty() || !window.timezone.empty()) check_.Refuse("unit and timezone are of kind calendar");
      return;
    }
    if (unit.empty()) return check_.Refuse("unit is wanted of kind calendar");
    if (has_length) return check_.Refuse("length is of kind rolling");
    if (window.timezone.empty()) window.timezone = "UTC";
    if (const auto zone = TimeZone::Load(window.timezone); !zone) {
      return check_.At("timezone", [&] { check_.Refuse("{}", zone.error().message); });
    }
    window.kind = static_cast<SloWindow::Kind>(1 + PlaceOf(unit, kUnits));
  }

  void Sli(const Json& value) {
    document_.sli_json = simdjson::minify(value);
    simdjson::dom::element kind_value;
    if (!value.is_object()) return check_.Refuse("an object is wanted");
    if (value["kind"].get(kind_value) != simdjson::SUCCESS) return check_.Refuse("kind is wanted");
    std::string kind;
    check_.At("kind", [&] { kind = check_.Word(kind_value, kSliKinds); });
    if (!check_.ok()) return;
    if (kind == "requests") return Requests(value);
    if (kind == "events") return Events(value);
    if (kind == "time_slices") return TimeSlices(value);
    Composite(value);
  }

  static state::JsonCheck::Member Kind() {
    return {"kind", true, [](const Json&) {}};
  }

  void Requests(const Json& value) {
    RequestsSli sli;
    const auto operation = [&](const Json& text) { sli.operations.push_back(check_.Text(text, kKeyBytesMax, 1)); };
    check_.Object(value,
                  {
                      Kind(),
                      {"service", true, [&](const Json& text) { sli.service = check_.Text(text, kKeyBytesMax, 1); }},
                      {"operations", false, [&](const Json& list) { check_.Array(list, kOperationsMax, operation); }},
                      {"good", true, [&](const Json& good) { Good(good, sli); }},
                  });
    document_.sli = std::move(sli);
  }

  void Good(const Json& value, RequestsSli& sli) {
    if (value.is_string()) {
      constexpr Words kNoError = {"no_error"};
      check_.Word(value, kNoError);
      return;
    }
    check_.Object(value,
                  {
                      {"latency_under", true, [&](const Json& text) { sli.latency_under_nanos = DurationNanos(text); }},
                  });
  }

  // Spans, records and points are counted; SQL counts by itself.
  void Events(const Json& value) {
    EventsSli sli;
    ReadSource(value, sli.source);
    check_.Object(value, {
                             Kind(),
                             {"source", true, [](const Json&) {}},
                             {"good", true, [&](const Json& query) { Query(query, sli.source, true, sli.good); }},
                             {"total", true, [&](const Json& query) { Query(query, sli.source, true, sli.total); }},
                         });
    document_.sli = std::move(sli);
  }

  void TimeSlices(const Json& value) {
    TimeSlicesSli sli;
    ReadSource(value, sli.source);
    check_.Object(value,
                  {
                      Kind(),
                      {"source", true, [](const Json&) {}},
                      {"query", true, [&](const Json& query) { Query(query, sli.source, false, sli.query); }},
                      {"slice", true,
                       [&](const Json& text) {
                         const int64_t nanos = DurationNanos(text);
                         sli.slice_minutes = nanos / (kMinuteSeconds * kSecondNanos);
                         if (!check_.ok()) return;
                         if (nanos % (kMinuteSeconds * kSecondNanos) != 0 || 60 % sli.slice_minutes != 0) {
                           check_.Refuse("whole minutes are wanted that make up an hour, such as 1m or 5m");
                         }
                       }},
                      {"op", true, [&](const Json& word) { sli.above = check_.Word(word, kOps) == "above"; }},
                      {"threshold", true, [&](const Json& number) { sli.threshold = Number(number, -1e300, 1e300); }},
                  });
    document_.sli = std::move(sli);
  }

  // The others are read as it says, wherever it stands.
  void ReadSource(const Json& value, SliSource& source) {
    simdjson::dom::element word;
    if (value["source"].get(word) != simdjson::SUCCESS) return check_.Refuse("source is wanted");
    check_.At("source", [&] {
      const std::string name = check_.Word(word, kSources);
      if (check_.ok()) source = static_cast<SliSource>(PlaceOf(name, kSources));
    });
  }

  void Query(const Json& value, SliSource source, bool counts, SliQuery& query) {
    if (source == SliSource::kMetrics) {
      check_.Object(value,
                    {
                        {"query", false, [&](const Json& text) { query.text = check_.Text(text, kQueryBytesMax); }},
                        {"metric", true, [&](const Json& text) { query.metric = check_.Text(text, kKeyBytesMax, 1); }},
                        {"type", false, [&](const Json& word) { Type(word, query); }},
                        {"aggregation", counts, [&](const Json& word) { ReadAggregation(word, counts, query); }},
                    });
    } else {
      check_.Object(value, {
                               {"query", true,
                                [&](const Json& text) {
                                  query.text = check_.Text(text, kQueryBytesMax, source == SliSource::kSql ? 1 : 0);
                                }},
                           });
    }
    check_.At("query", [&] { CheckText(query.text, source, counts); });
  }

  void CheckText(const std::string& text, SliSource source, bool counts) {
    if (!check_.ok()) return;
    if (source == SliSource::kLogs) {
      if (const auto parsed = query::ParseLogQuery(text); !parsed) check_.Refuse("{}", parsed.error().message);
    } else if (source == SliSource::kMetrics && !text.empty()) {
      if (const auto parsed = traceql::ParseSpanCondition(text); !parsed) check_.Refuse("{}", parsed.error().message);
    } else if (source == SliSource::kTraceql && counts) {
      if (const auto parsed = traceql::ParseSpanCondition(text); !parsed) {
        check_.Refuse("a condition on spans in braces is wanted: {}", parsed.error().message);
      }
    } else if (source == SliSource::kTraceql) {
      if (const auto parsed = query::SpanSeriesQuery::Parse(text); !parsed) check_.Refuse("{}", parsed.error().message);
    }
  }

  void Type(const Json& value, SliQuery& query) {
    const std::string name = check_.Text(value, kKeyBytesMax);
    if (!check_.ok()) return;
    query.type = query::ParseMetricKind(name);
    if (!query.type) check_.Refuse("{:?} is no type of a metric", name);
  }

  // What counts must be numbers that add up over time.
  void ReadAggregation(const Json& value, bool counts, SliQuery& query) {
    const std::string name = check_.Text(value, kKeyBytesMax);
    if (!check_.ok()) return;
    query.aggregation = query::ParseAggregation(name);
    if (!query.aggregation) return check_.Refuse("{:?} is no aggregation", name);
    constexpr query::Aggregation kCounting[] = {query::Aggregation::kIncrease, query::Aggregation::kCount};
    if (counts && std::ranges::find(kCounting, *query.aggregation) == std::end(kCounting)) {
      check_.Refuse("{:?} does not count events: increase and count do", name);
    }
  }

  void Composite(const Json& value) {
    CompositeSli sli;
    const auto id = [&](const Json& text) {
      std::string one = check_.Text(text, kNameBytesMax, 1);
      if (check_.ok() && std::ranges::find(sli.of, one) != sli.of.end()) check_.Refuse("{:?} is there twice", one);
      sli.of.push_back(std::move(one));
    };
    check_.Object(value, {
                             Kind(),
                             {"of", true, [&](const Json& list) { check_.Array(list, kComponentsMax, id); }},
                             {"weights", false,
                              [&](const Json& list) {
                                check_.Array(list, kComponentsMax, [&](const Json& number) {
                                  sli.weights.push_back(Number(number, 1e-6, 1e6));
                                });
                              }},
                         });
    if (!check_.ok()) return;
    if (sli.of.empty()) return check_.At("of", [&] { check_.Refuse("it is empty"); });
    if (sli.weights.empty()) sli.weights.assign(sli.of.size(), 1);
    if (sli.weights.size() != sli.of.size()) {
      check_.At("weights", [&] { check_.Refuse("{} weights for {} SLOs", sli.weights.size(), sli.of.size()); });
    }
    document_.sli = std::move(sli);
  }

  void Labels(const Json& value) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return check_.Refuse("an object is wanted");
    if (object.size() > kLabelsMax) return check_.Refuse("{} are more than {}", object.size(), kLabelsMax);
    for (const auto& [key, text] : object) {
      check_.At(key, [&] {
        if (key.empty() || key.size() > kNameBytesMax)
          check_.Refuse("a name of 1 to {} bytes is wanted", kNameBytesMax);
        document_.labels.emplace_back(key, check_.Text(text, kKeyBytesMax));
      });
    }
  }

  state::JsonCheck check_;
  SloDocument document_;
};

}  // namespace

double DefaultMinimumEvents(double objective) {
  return std::floor(1 / ((1 - objective) * kFastestBurnRate)) + 1;
}

Result<SloDocument> ReadSloDocument(std::string_view json) {
  if (json.size() > kSloDocumentBytesMax) {
    return Fail(Code::kInvalidArgument, "document: {} bytes are more than {}", json.size(), kSloDocumentBytesMax);
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    return Fail(Code::kInvalidArgument, "document: it is no JSON: {}", simdjson::error_message(error));
  }
  auto document = DocumentReader().Read(root);
  if (document) document->json = simdjson::minify(root);
  return document;
}

}  // namespace sightline::slo
