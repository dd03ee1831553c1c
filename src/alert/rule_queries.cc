#include "alert/rule_queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "query/log_series.h"
#include "query/metric_formula.h"
#include "query/span_series.h"
#include "traceql/parse.h"

namespace sightline::alert {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kSecond = 1'000'000'000;
// Of rules that are due together one asks: windows end a delay ago.
constexpr int64_t kKnownNanos = kSecond;

bool IsGrouped(const traceql::MetricsExpression& expression) {
  if (const auto* pipeline = std::get_if<traceql::MetricsPipeline>(&expression.node)) return !pipeline->by.empty();
  const auto* operation = std::get_if<traceql::MetricsOperation>(&expression.node);
  return operation != nullptr && (IsGrouped(*operation->left) || IsGrouped(*operation->right));
}

// As TraceQL prints it.
std::string Unquoted(const std::string& literal) {
  if (literal.size() < 2 || literal.front() != '"') return literal;
  std::string text;
  for (size_t i = 1; i + 1 < literal.size(); ++i) {
    if (literal[i] != '\\') {
      text += literal[i];
      continue;
    }
    const char c = literal[++i];
    if (c == 'x' && i + 2 < literal.size()) {
      text += static_cast<char>(std::stoi(literal.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      text += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
    }
  }
  return text;
}

std::string PlainKey(const std::string& key) {
  for (const std::string_view scope : {"resource.", "span.", "span:", "log.", "."}) {
    if (key.starts_with(scope)) return Unquoted(key.substr(scope.size()));
  }
  return key;
}

std::vector<std::pair<std::string, std::string>> Pairs(const Labels& labels) {
  return {labels.begin(), labels.end()};
}

}  // namespace

struct RuleQueries::Answer {
  std::vector<query::MetricSeries> series;
  bool counts = false, is_grouped = false, is_cut = false;
  std::string unit;
  store::QueryStats scanned;

  void Add(const std::vector<std::pair<std::string, std::string>>& labels, std::vector<double> values) {
    series.push_back({Pairs(PlainLabels(labels)), std::move(values)});
  }
};

Labels PlainLabels(const std::vector<std::pair<std::string, std::string>>& labels) {
  Labels plain;
  for (const auto& [key, value] : labels) {
    if (value == "nil") continue;
    // The second of resource.x and span.x keeps its scope.
    const std::string text = Unquoted(value);
    if (!plain.emplace(PlainKey(key), text).second) plain.emplace(key, text);
  }
  return plain;
}

bool AnswersSteps(const RuleDocument& rule) {
  return std::ranges::none_of(rule.queries, [](const RuleQuery& one) {
    return one.source == Source::kSql || one.source == Source::kSilentFailures;
  });
}

RuleQueries::RuleQueries(store::ClickHouse& clickhouse, QueryOptions options)
    : items_(clickhouse, options.hot_attributes, options.database, kKnownNanos),
      metrics_(clickhouse, options.database),
      silent_(clickhouse, options.hot_attributes, options.database, options.rollup_minute_seconds),
      sql_(clickhouse, options.sql, options.database) {}

Result<void> RuleQueries::Check(const RuleDocument& rule) {
  for (size_t i = 0; i < rule.queries.size(); ++i) {
    const RuleQuery& one = rule.queries[i];
    if (one.source != Source::kSql) continue;
    const Steps steps{0, rule.window_seconds * kSecond, rule.window_seconds};
    if (auto checked = sql_.Check(WithTimes(one.query, steps), "JSONCompact"); !checked) {
      return Fail(checked.error().code, "queries[{}].query: {}", i, checked.error().message);
    } else if (checked->format != "JSONCompact") {
      return Fail(Code::kInvalidArgument, "queries[{}].query: a rule chooses the format itself", i);
    }
  }
  return {};
}

Result<RuleQueries::Answer> RuleQueries::AskOne(const RuleQuery& one, const Steps& steps, int64_t now_unix_nanos,
                                                store::Cancellation* cancellation) {
  switch (one.source) {
    case Source::kTraceQl:
      return AskSpans(one, steps, cancellation);
    case Source::kLogs:
      return AskLogs(one, steps, cancellation);
    case Source::kMetrics:
      return AskMetric(one, steps, cancellation);
    case Source::kSql:
    case Source::kSilentFailures:
      return AskSingly(one, steps, now_unix_nanos, cancellation);
    case Source::kSlo:
      break;
  }
  return Fail(Code::kInternal, "a burn rate is no series");
}

Result<RuleQueries::Answer> RuleQueries::AskSpans(const RuleQuery& one, const Steps& steps,
                                                  store::Cancellation* cancellation) {
  auto parsed = query::SpanSeriesQuery::Parse(one.query);
  if (!parsed) return std::unexpected(parsed.error());
  query::SpanSeriesReader reader(items_);
  auto read = reader.Read({.query = *parsed,
                           .from_unix_nanos = steps.from_unix_nanos,
                           .to_unix_nanos = steps.to_unix_nanos,
                           .step_seconds = steps.step_seconds,
                           .origin_unix_nanos = steps.from_unix_nanos,
                           .counts_none = true},
                          cancellation);
  if (!read) return std::unexpected(read.error());
  Answer answer{.counts = read->counts,
                .is_grouped = IsGrouped((*parsed)->expression()),
                .is_cut = read->is_cut,
                .scanned = read->scanned};
  for (auto& series : read->series) answer.Add(series.labels, std::move(series.values));
  return answer;
}

Result<RuleQueries::Answer> RuleQueries::AskLogs(const RuleQuery& one, const Steps& steps,
                                                 store::Cancellation* cancellation) {
  auto query = query::ParseItemQuery(otlp::Signal::kLogs, one.query, steps.from_unix_nanos, steps.to_unix_nanos);
  if (!query) return std::unexpected(query.error());
  auto read = query::ReadLogSeries(items_,
                                   {.query = *std::move(query),
                                    .by = one.group_by,
                                    .step_seconds = steps.step_seconds,
                                    .origin_unix_nanos = steps.from_unix_nanos},
                                   cancellation);
  if (!read) return std::unexpected(read.error());
  Answer answer{.counts = true, .is_grouped = !one.group_by.empty(), .is_cut = read->is_cut, .scanned = read->scanned};
  for (auto& series : read->series) answer.Add(series.labels, std::move(series.values));
  return answer;
}

Result<RuleQueries::Answer> RuleQueries::AskMetric(const RuleQuery& one, const Steps& steps,
                                                   store::Cancellation* cancellation) {
  query::SeriesRequest request{.name = one.metric,
                               .kind = one.type,
                               .aggregation = one.aggregation,
                               .over_time = one.over_time,
                               .over_series = one.over_series,
                               .from_unix_nanos = steps.from_unix_nanos,
                               .to_unix_nanos = steps.to_unix_nanos,
                               .step_seconds = steps.step_seconds,
                               .origin_unix_nanos = steps.from_unix_nanos,
                               .group_by = one.group_by,
                               .limit = query::kSeriesReadMax};
  if (!one.query.empty()) {
    auto filter = traceql::ParseSpanCondition(one.query);
    if (!filter) return Fail(Code::kInvalidArgument, "{}", traceql::DescribeParseError(one.query, filter.error()));
    request.filter = std::make_shared<const traceql::Expression>(*std::move(filter));
  }
  auto read = metrics_.GetSeries(request, cancellation);
  Answer answer{.is_grouped = !one.group_by.empty()};
  if (!read && read.error().code == Code::kNotFound) return answer;  // it is expected later
  if (!read) return std::unexpected(read.error());
  answer.is_cut = read->series_total > read->series.size();
  answer.unit = read->result_unit;
  answer.scanned = read->scanned;
  for (auto& series : read->series) answer.Add(series.labels, std::move(series.values));
  return answer;
}

Result<RuleQueries::Answer> RuleQueries::AskSingly(const RuleQuery& one, const Steps& steps, int64_t now_unix_nanos,
                                                   store::Cancellation* cancellation) {
  const size_t count = steps.count();
  if (count > kSingleStepsMax) {
    return Fail(Code::kResourceExhausted, "{} steps are more than {} that are asked one by one", count,
                kSingleStepsMax);
  }
  std::map<std::vector<std::pair<std::string, std::string>>, std::vector<double>> values;
  Answer answer;
  for (size_t i = 0; i < count; ++i) {
    const int64_t from = steps.from_unix_nanos + static_cast<int64_t>(i) * steps.step_seconds * kSecond;
    const Steps step{from, from + steps.step_seconds * kSecond, steps.step_seconds};
    auto read = one.source == Source::kSql ? AskSql(one, step, cancellation)
                                           : AskSilent(one, step, now_unix_nanos, cancellation);
    if (!read) return read;
    answer.counts = read->counts;
    answer.is_grouped = read->is_grouped;
    answer.unit = read->unit;
    answer.scanned.rows_read += read->scanned.rows_read;
    answer.scanned.bytes_read += read->scanned.bytes_read;
    answer.scanned.elapsed_seconds += read->scanned.elapsed_seconds;
    for (auto& series : read->series) {
      auto& row = values[series.labels];
      if (row.empty()) row.assign(count, read->counts ? 0 : kNone);
      row[i] = series.values.front();
    }
  }
  for (auto& [labels, row] : values) answer.series.push_back({labels, std::move(row)});
  return answer;
}

Result<RuleQueries::Answer> RuleQueries::AskSql(const RuleQuery& one, const Steps& step,
                                                store::Cancellation* cancellation) {
  auto checked = sql_.Check(WithTimes(one.query, step), "JSONCompact");
  if (!checked) return std::unexpected(checked.error());
  if (checked->format != "JSONCompact") return Fail(Code::kInvalidArgument, "a rule chooses the format itself");
  std::string json;
  auto stats = sql_.Run(
      *checked,
      [&](std::string_view piece) {
        json += piece;
        return true;
      },
      cancellation);
  if (!stats) return std::unexpected(stats.error());
  auto groups = ReadSqlAnswer(json);
  if (!groups) return std::unexpected(groups.error());
  Answer answer{.scanned = *stats};
  for (Group& group : *groups) {
    answer.is_grouped |= !group.labels.empty();
    answer.series.push_back({Pairs(group.labels), std::move(group.values)});
  }
  return answer;
}

Result<RuleQueries::Answer> RuleQueries::AskSilent(const RuleQuery& one, const Steps& step, int64_t now_unix_nanos,
                                                   store::Cancellation* cancellation) {
  query::SilentSearch search{
      .from_unix_nanos = step.from_unix_nanos, .to_unix_nanos = step.to_unix_nanos, .now_unix_nanos = now_unix_nanos};
  if (!one.service.empty()) search.service = one.service;
  auto read = silent_.CountByService(search, cancellation);
  if (!read) return std::unexpected(read.error());
  Answer answer{.counts = true, .is_grouped = true, .unit = "1", .scanned = read->scanned};
  for (const query::SilentService& service : read->services) {
    if (service.requests_in_all <= 0) continue;
    answer.series.push_back({{{"service.name", service.service}}, {service.requests / service.requests_in_all}});
  }
  return answer;
}

void RuleQueries::Compute(const RuleDocument& rule, const std::set<std::string>& wanted, size_t steps,
                          std::map<std::string, Answer>& answers) {
  // What one query counted and another did not, was there zero times.
  std::set<std::vector<std::pair<std::string, std::string>>> known;
  for (const auto& [name, answer] : answers) {
    for (const auto& series : answer.series) {
      if (answer.is_grouped) known.insert(series.labels);
    }
  }
  for (auto& [name, answer] : answers) {
    if (!answer.counts || !answer.is_grouped) continue;
    std::set<std::vector<std::pair<std::string, std::string>>> own;
    for (const auto& series : answer.series) own.insert(series.labels);
    for (const auto& labels : known) {
      if (!own.contains(labels)) answer.series.push_back({labels, std::vector<double>(steps, 0)});
    }
  }
  for (const RuleFormula& formula : rule.formulas) {
    if (!wanted.contains(formula.name)) continue;
    std::vector<query::NamedSeries> named;
    for (const auto& [name, answer] : answers) named.push_back({name, answer.unit, answer.series});
    Answer computed{.series = formula.formula.Compute(named, steps), .unit = formula.formula.Unit(named)};
    for (auto& series : computed.series) std::ranges::sort(series.labels);
    answers.emplace(formula.name, std::move(computed));
  }
}

Result<Groups> RuleQueries::Ask(const RuleDocument& rule, const Steps& steps, int64_t now_unix_nanos,
                                store::Cancellation* cancellation) {
  // What `watch` is made of, from the end: a formula only names what stands before it.
  std::set<std::string> wanted = {rule.watch};
  for (auto formula = rule.formulas.rbegin(); formula != rule.formulas.rend(); ++formula) {
    if (!wanted.contains(formula->name)) continue;
    for (const std::string& name : formula->formula.names()) wanted.insert(name);
  }
  Groups groups;
  std::map<std::string, Answer> answers;
  for (const RuleQuery& one : rule.queries) {
    if (!wanted.contains(one.name)) continue;
    auto answer = AskOne(one, steps, now_unix_nanos, cancellation);
    if (!answer) return std::unexpected(answer.error());
    groups.is_cut |= answer->is_cut;
    groups.scanned.rows_read += answer->scanned.rows_read;
    groups.scanned.bytes_read += answer->scanned.bytes_read;
    groups.scanned.elapsed_seconds += answer->scanned.elapsed_seconds;
    answers.emplace(one.name, *std::move(answer));
  }
  if (!rule.formulas.empty()) Compute(rule, wanted, steps.count(), answers);
  Answer& watched = answers.at(rule.watch);
  groups.counts = watched.counts;
  groups.unit = watched.unit;
  for (query::MetricSeries& series : watched.series) {
    groups.groups.push_back({Labels(series.labels.begin(), series.labels.end()), std::move(series.values)});
  }
  return groups;
}

}  // namespace sightline::alert
