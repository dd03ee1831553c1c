#include "alert/symptoms.h"

#include <algorithm>
#include <set>
#include <vector>

#include "alert/rule_queries.h"
#include "query/span_series.h"
#include "traceql/print.h"
#include "traceql/value.h"

namespace sightline::alert {
namespace {

using traceql::Expression;
using traceql::Intrinsic;
using traceql::MetricsExpression;
using traceql::MetricsPipeline;

// The first one: of a share the numerator.
const MetricsPipeline* FirstPipeline(const MetricsExpression& expression) {
  if (const auto* pipeline = std::get_if<MetricsPipeline>(&expression.node)) return pipeline;
  const auto* operation = std::get_if<traceql::MetricsOperation>(&expression.node);
  if (operation == nullptr) return nullptr;
  const auto* left = FirstPipeline(*operation->left);
  return left != nullptr ? left : FirstPipeline(*operation->right);
}

void AddTerms(const Expression& condition, std::vector<const Expression*>& terms) {
  const auto* binary = std::get_if<traceql::Binary>(&condition.node);
  if (binary == nullptr || binary->op != traceql::Operator::kAnd) {
    terms.push_back(&condition);
    return;
  }
  AddTerms(*binary->left, terms);
  AddTerms(*binary->right, terms);
}

// Whether it says how a span went, and not which one it is.
bool IsSymptom(const Expression& term) {
  if (const auto* field = std::get_if<traceql::Field>(&term.node)) {
    static const std::set<std::string_view> kKeys = {"http.response.status_code", "http.status_code", "error.type",
                                                     "rpc.grpc.status_code", "exception.type"};
    return field->intrinsic == Intrinsic::kStatus || field->intrinsic == Intrinsic::kStatusMessage ||
           field->intrinsic == Intrinsic::kDuration || kKeys.contains(field->key);
  }
  if (const auto* unary = std::get_if<traceql::Unary>(&term.node)) return IsSymptom(*unary->operand);
  if (const auto* binary = std::get_if<traceql::Binary>(&term.node)) {
    return IsSymptom(*binary->left) || IsSymptom(*binary->right);
  }
  return false;
}

// A label has lost its type: what looks like a number may be one or a text.
std::string Equals(const traceql::Field& field, const std::string& value) {
  const std::string name = traceql::PrintField(field);
  if (field.intrinsic == Intrinsic::kStatus || field.intrinsic == Intrinsic::kKind) return name + " = " + value;
  const std::string text = name + " = " + traceql::PrintString(value);
  const bool is_number = !value.empty() && value.find_first_not_of("0123456789") == value.npos && value.size() < 18;
  return field.intrinsic == Intrinsic::kNone && is_number ? "(" + text + " || " + name + " = " + value + ")" : text;
}

std::string Joined(const std::vector<std::string>& terms) {
  std::string text = "{ ";
  for (const std::string& term : terms) text += (text.size() > 2 ? " && " : "") + term;
  return terms.empty() ? "{ }" : text + " }";
}

}  // namespace

std::optional<Symptoms> SymptomsOf(const RuleDocument& rule, const Labels& labels) {
  const auto is_spans = [](const RuleQuery& one) { return one.source == Source::kTraceQl; };
  const auto watched = std::ranges::find(rule.queries, rule.watch, &RuleQuery::name);
  const auto query = watched != rule.queries.end() ? watched : std::ranges::find_if(rule.queries, is_spans);
  if (query == rule.queries.end() || !is_spans(*query)) return std::nullopt;
  const auto parsed = query::SpanSeriesQuery::Parse(query->query);
  if (!parsed) return std::nullopt;
  const MetricsPipeline* pipeline = FirstPipeline((*parsed)->expression());
  if (pipeline == nullptr || pipeline->spans.stages.size() != 1) return std::nullopt;
  const auto* spans = std::get_if<traceql::SpansetExpression>(&pipeline->spans.stages.front().node);
  const auto* filter = spans == nullptr ? nullptr : std::get_if<traceql::SpansetFilter>(&spans->node);
  if (filter == nullptr) return std::nullopt;
  std::vector<const Expression*> terms;
  if (filter->condition != nullptr) AddTerms(*filter->condition, terms);
  std::vector<std::string> population, selection;
  for (const Expression* term : terms) {
    selection.push_back("(" + traceql::Print(*term) + ")");
    if (!IsSymptom(*term)) population.push_back(selection.back());
  }
  for (const traceql::Field& field : pipeline->by) {
    const auto plain = PlainLabels({{traceql::PrintField(field), "\"\""}});
    const auto label = labels.find(plain.begin()->first);
    if (label == labels.end()) continue;
    population.push_back(Equals(field, label->second));
    selection.push_back(population.back());
  }
  Symptoms symptoms{.population = Joined(population), .selection = Joined(selection)};
  const bool has_symptom = population.size() != selection.size();
  symptoms.compares_durations = pipeline->of && pipeline->of->intrinsic == Intrinsic::kDuration;
  symptoms.compares_times = !has_symptom && !symptoms.compares_durations;
  return symptoms;
}

}  // namespace sightline::alert
