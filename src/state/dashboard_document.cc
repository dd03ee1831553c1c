#include "state/dashboard_document.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <set>
#include <variant>

#include "base/units.h"
#include "state/json_check.h"
#include "traceql/parse.h"

namespace sightline::state {
namespace {

constexpr size_t kNameBytesMax = 200, kProseBytesMax = 4096, kKeyBytesMax = 1024, kQueryBytesMax = 64 << 10;
constexpr size_t kMetricGroupsMax = 3;  // as query/metrics.h
constexpr size_t kVariablesMax = 20, kPanelsMax = 100, kQueriesMax = 10;
constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

using Words = std::string_view[];
constexpr Words kVariableKinds = {"field", "label", "list", "text"};
constexpr Words kSignals = {"traces", "logs"};
constexpr Words kAnnotationKinds = {"deployments", "alerts", "text"};
constexpr Words kDisplays = {"line",  "area", "stacked",   "bars",    "bar",    "horizontal_bar", "value",
                             "table", "pie",  "histogram", "heatmap", "traces", "logs",           "text"};
constexpr Words kSources = {"traceql", "logs", "metrics", "sql"};
constexpr Words kMetricTypes = {"gauge", "sum", "histogram", "exponential_histogram", "summary"};
constexpr Words kAggregations = {"rate",  "increase", "avg", "min", "max", "sum", "last",
                                 "count", "p50",      "p75", "p90", "p95", "p99"};
constexpr Words kOverTime = {"rate", "increase", "avg", "min", "max", "sum", "last"};
constexpr Words kOverSeries = {"avg", "min", "max", "sum", "count", "p50", "p75", "p90", "p95", "p99"};
constexpr Words kLegends = {"none", "list", "table"};
constexpr Words kReductions = {"last", "avg", "min", "max", "sum"};
constexpr Words kLevels = {"ok", "warning", "error"};

// Thread: of its owner.
class DocumentReader {
 public:
  using Json = JsonCheck::Json;

  Result<DashboardDocument> Read(const Json& json) {
    check_.Object(
        json,
        {
            {"schema", true, [&](const Json& value) { check_.Integer(value, 1, 1); }},
            {"title", true, [&](const Json& value) { document_.title = check_.Text(value, kNameBytesMax, 1); }},
            {"description", false,
             [&](const Json& value) { document_.description = check_.Text(value, kProseBytesMax); }},
            {"tags", false, List(20, [&](const Json& value) { document_.tags.push_back(check_.Text(value, 50, 1)); })},
            {"time", false, [&](const Json& value) { Time(value); }},
            {"refresh", false, [&](const Json& value) { check_.Integer(value, 0, 86'400); }},
            {"variables", false, List(kVariablesMax, [&](const Json& value) { Variable(value); })},
            {"annotations", false, List(20, [&](const Json& value) { Annotation(value); })},
            {"panels", true, List(kPanelsMax, [&](const Json& value) { Panel(value); })},
        });
    SIGHTLINE_TRY(check_.result());
    return std::move(document_);
  }

 private:
  using Rule = JsonCheck::Rule;

  Rule List(size_t size_max, Rule item) {
    return [this, size_max, item = std::move(item)](const Json& value) { check_.Array(value, size_max, item); };
  }
  Rule Text(size_t bytes_max, size_t bytes_min = 0) {
    return [=, this](const Json& value) { check_.Text(value, bytes_max, bytes_min); };
  }
  Rule Word(std::span<const std::string_view> words) {
    return [=, this](const Json& value) { check_.Word(value, words); };
  }
  Rule Whole(int64_t min, int64_t max) {
    return [=, this](const Json& value) { check_.Integer(value, min, max); };
  }
  Rule Truth() {
    return [this](const Json& value) { check_.Bool(value); };
  }
  // Of a query or formula, by which others name it. All of a panel are told apart.
  Rule QueryName(std::set<std::string>& names) {
    return [this, &names](const Json& value) { Unique(check_.Name(value, 30, "", "_"), names); };
  }

  void Unique(const std::string& name, std::set<std::string>& names) {
    if (check_.ok() && !names.insert(name).second) check_.Refuse("{:?} is the name of another one", name);
  }

  void Time(const Json& value) {
    const std::string text = check_.Text(value, 20);
    if (!check_.ok()) return;
    const auto nanos = ParseDuration(text);
    if (!nanos) return check_.Refuse("{}", nanos.error().message);
    if (*nanos <= 0 || *nanos == kForeverNanos) check_.Refuse("a time back from now is wanted, such as 1h");
  }

  // In the language of a source, or of "traces"; SQL is not read. Whether it makes numbers over time.
  bool Condition(std::string_view source, const std::string& text) {
    constexpr auto kAllowed = traceql::Variables::kAllowed;
    if (!check_.ok() || text.empty() || source == "sql") return false;
    const auto refuse = [&](const traceql::ParseError& error) {
      check_.Refuse("{}", traceql::DescribeParseError(text, error));
      return false;
    };
    if (source == "logs" || source == "metrics") {
      const auto condition =
          source == "logs" ? traceql::ParseLogCondition(text, kAllowed) : traceql::ParseSpanCondition(text, kAllowed);
      return condition ? false : refuse(condition.error());
    }
    const auto query = traceql::ParseQuery(text, kAllowed);
    if (!query) return refuse(query.error());
    return std::holds_alternative<traceql::MetricsExpression>(query->node);
  }

  void Variable(const Json& value) {
    std::string kind, signal = "traces", filter;
    bool has_field = false, has_metric = false, has_values = false;
    check_.Object(
        value,
        {
            {"name", true, [&](const Json& name) { Unique(check_.Name(name, 50, "_", "_"), variables_); }},
            {"label", false, Text(100)},
            {"kind", true, [&](const Json& word) { kind = check_.Word(word, kVariableKinds); }},
            {"signal", false, [&](const Json& word) { signal = check_.Word(word, kSignals); }},
            {"field", false, [&](const Json& text) { has_field = !check_.Text(text, kKeyBytesMax, 1).empty(); }},
            {"filter", false, [&](const Json& text) { filter = check_.Text(text, kQueryBytesMax); }},
            {"metric", false, [&](const Json& text) { has_metric = !check_.Text(text, kKeyBytesMax, 1).empty(); }},
            {"values", false,
             [&](const Json& list) { has_values = true, check_.Array(list, 1000, Text(kProseBytesMax)); }},
            {"multi", false, Truth()},
            {"all", false, Truth()},
            {"default", false, List(1000, Text(kProseBytesMax))},
        });
    check_.At("filter", [&] { Condition(kind == "label" ? "metrics" : signal, filter); });
    if ((kind == "field" || kind == "label") && !has_field) check_.Refuse("field is wanted of kind {}", kind);
    if (kind == "label" && !has_metric) check_.Refuse("metric is wanted of kind label");
    if (kind == "list" && !has_values) check_.Refuse("values is wanted of kind list");
  }

  void Annotation(const Json& value) {
    std::string kind;
    bool has_time = false;
    check_.Object(value, {
                             {"kind", true, [&](const Json& word) { kind = check_.Word(word, kAnnotationKinds); }},
                             {"service", false, Text(kKeyBytesMax)},
                             {"time_unix_nano", false,
                              [&](const Json& text) {
                                has_time = true;
                                const std::string digits = check_.Text(text, 19, 1);
                                if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) {
                                  check_.Refuse("Unix nanoseconds are wanted");
                                }
                              }},
                             {"text", false, Text(kKeyBytesMax)},
                         });
    if (kind == "text" && !has_time) check_.Refuse("time_unix_nano is wanted of kind text");
  }

  // What of a query decides whether it can stand beside others.
  struct Asked {
    std::string source;
    bool makes_numbers = false;  // over time
  };

  void Panel(const Json& value) {
    std::set<std::string> names;
    std::vector<Asked> asked;
    std::string display;
    size_t formulas = 0;
    check_.Object(
        value,
        {
            {"id", true, [&](const Json& id) { Unique(check_.Name(id, 50, "0123456789_-", ""), panels_); }},
            {"title", false, Text(kNameBytesMax)},
            {"description", false, Text(kProseBytesMax)},
            {"grid", true, [&](const Json& grid) { Grid(grid); }},
            {"display", true, [&](const Json& word) { display = check_.Word(word, kDisplays); }},
            {"queries", false, List(kQueriesMax, [&](const Json& query) { asked.push_back(Query(query, names)); })},
            {"formulas", false, List(kQueriesMax, [&](const Json& formula) { ++formulas, Formula(formula, names); })},
            {"options", false, [&](const Json& options) { Options(options); }},
        });
    Together(asked, display);
    if (check_.ok() && formulas > 0 && (asked.empty() || asked[0].source != "metrics")) {
      check_.At("formulas", [&] { check_.Refuse("they compute with queries of source metrics, and there are none"); });
    }
    ++document_.panels;
  }

  // Nothing that a panel asks is left out of what it shows.
  void Together(const std::vector<Asked>& asked, const std::string& display) {
    for (size_t i = 1; i < asked.size(); ++i) {
      check_.At(fmt::format("queries[{}]", i), [&] {
        const std::string& source = asked[0].source;
        if (asked[i].source != source) {
          return check_.Refuse("its source is {} and that of the panel's first query {}: all have the same",
                               asked[i].source, source);
        }
        const bool is_list = display == "traces" || display == "logs" || display == "heatmap";
        if (is_list) return check_.Refuse("a panel of display {} has one query", display);
        if (source == "logs" || source == "sql") return check_.Refuse("a panel of source {} has one query", source);
        if (source == "traceql" && !(asked[0].makes_numbers && asked[i].makes_numbers)) {
          check_.Refuse("several queries stand together only where each makes numbers over time, as rate() does");
        }
      });
    }
  }

  void Grid(const Json& value) {
    int64_t x = 0, w = 0;
    check_.Object(value, {
                             {"x", true, [&](const Json& number) { x = check_.Integer(number, 0, kGridColumns - 1); }},
                             {"y", true, Whole(0, 10'000)},
                             {"w", true, [&](const Json& number) { w = check_.Integer(number, 1, kGridColumns); }},
                             {"h", true, Whole(1, 200)},
                         });
    if (x + w > kGridColumns) check_.Refuse("x and w together are more than the {} columns", kGridColumns);
  }

  Asked Query(const Json& value, std::set<std::string>& names) {
    std::string source, query, metric;
    size_t groups = 0;
    bool has_aggregation = false, has_over_time = false, has_over_series = false, has_top = false, has_bottom = false;
    const auto noted = [](bool& has, Rule rule) {
      return [&has, rule = std::move(rule)](const Json& inner) { has = true, rule(inner); };
    };
    check_.Object(
        value, {
                   {"name", true, QueryName(names)},
                   {"source", true, [&](const Json& word) { source = check_.Word(word, kSources); }},
                   {"query", false, [&](const Json& text) { query = check_.Text(text, kQueryBytesMax); }},
                   {"metric", false, [&](const Json& text) { metric = check_.Text(text, kKeyBytesMax); }},
                   {"type", false, Word(kMetricTypes)},
                   {"aggregation", false, noted(has_aggregation, Word(kAggregations))},
                   {"over_time", false, noted(has_over_time, Word(kOverTime))},
                   {"over_series", false, noted(has_over_series, Word(kOverSeries))},
                   {"group_by", false, List(5, [&](const Json& key) { ++groups, check_.Text(key, kKeyBytesMax, 1); })},
                   {"top", false, noted(has_top, Whole(1, 100))},
                   {"bottom", false, noted(has_bottom, Whole(1, 100))},
                   {"hidden", false, Truth()},
                   {"legend", false, Text(kNameBytesMax)},
               });
    if (source == "metrics" && metric.empty()) check_.Refuse("metric is wanted of source metrics");
    if (source == "metrics" && groups > kMetricGroupsMax) {
      check_.At("group_by", [&] { check_.Refuse("{} are more than {}", groups, kMetricGroupsMax); });
    }
    if (source == "sql" && query.empty()) check_.Refuse("query is wanted of source sql");
    if (has_over_time != has_over_series) check_.Refuse("over_time and over_series go together");
    if (has_aggregation && has_over_time) check_.Refuse("over_time and over_series stand instead of aggregation");
    if (has_top && has_bottom) check_.Refuse("it is either top or bottom");
    bool makes_numbers = false;
    check_.At("query", [&] { makes_numbers = Condition(source, query); });
    return {source, makes_numbers};
  }

  void Formula(const Json& value, std::set<std::string>& names) {
    check_.Object(value, {
                             {"name", true, QueryName(names)},
                             {"expression", true, Text(kProseBytesMax, 1)},
                             {"unit", false, Text(50)},
                             {"top", false, Whole(1, 100)},
                             {"bottom", false, Whole(1, 100)},
                         });
  }

  void Options(const Json& value) {
    const Rule threshold = [this](const Json& inner) {
      check_.Object(inner, {
                               {"value", true, [this](const Json& number) { check_.Number(number); }},
                               {"level", true, Word(kLevels)},
                           });
    };
    check_.Object(value, {
                             {"unit", false, Text(50)},
                             {"decimals", false, Whole(0, 10)},
                             {"log_scale", false, Truth()},
                             {"legend", false, Word(kLegends)},
                             {"reduce", false, Word(kReductions)},
                             {"sparkline", false, Truth()},
                             {"thresholds", false, List(10, threshold)},
                             {"columns", false, List(40, Text(kKeyBytesMax, 1))},
                             {"limit", false, Whole(1, 1000)},
                             {"text", false, Text(kQueryBytesMax)},
                         });
  }

  JsonCheck check_;
  DashboardDocument document_;
  std::set<std::string> variables_, panels_;
};

}  // namespace

Result<DashboardDocument> ReadKeptDashboardDocument(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    return Fail(Code::kInternal, "it is no JSON: {}", simdjson::error_message(error));
  }
  const auto text = [](const auto& member) {
    std::string_view words;
    return member.get(words) == simdjson::SUCCESS ? std::string(words) : std::string();
  };
  DashboardDocument document{
      .json = std::string(json), .title = text(root["title"]), .description = text(root["description"])};
  simdjson::dom::array list;
  if (root["tags"].get(list) == simdjson::SUCCESS) {
    for (const auto tag : list) document.tags.push_back(text(tag));
  }
  if (root["panels"].get(list) == simdjson::SUCCESS) document.panels = list.size();
  return document;
}

Result<DashboardDocument> ReadDashboardDocument(std::string_view json) {
  if (json.size() > kDocumentBytesMax) {
    return Fail(Code::kInvalidArgument, "document: {} bytes are more than {}", json.size(), kDocumentBytesMax);
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

}  // namespace sightline::state
