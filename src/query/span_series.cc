#include "query/span_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "query/encoded_field.h"
#include "query/span_compare.h"
#include "query/span_series_sql.h"
#include "query/trace_query.h"
#include "traceql/parse.h"

namespace sightline::query {
namespace {

using traceql::MetricsExpression;
using traceql::MetricsFunction;
using traceql::MetricsPipeline;

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr size_t kPipelinesMax = 10, kByMax = 10, kQuantilesMax = 20;

double NumberOf(const traceql::Literal& literal) {
  const traceql::Value value = literal.value();
  return value.type == traceql::Type::kDuration ? value.AsDouble() / 1e9 : value.AsDouble();
}

// What did not happen, happened zero times.
bool Counts(const MetricsPipeline& pipeline) {
  return !pipeline.of || pipeline.function == MetricsFunction::kHistogramOverTime;
}

// Whether a group without spans has 0.
bool Counts(const MetricsExpression& expression) {
  if (!expression.stages.empty()) return false;
  if (const auto* pipeline = std::get_if<MetricsPipeline>(&expression.node)) return Counts(*pipeline);
  const auto* operation = std::get_if<traceql::MetricsOperation>(&expression.node);
  if (operation == nullptr) return false;
  using traceql::Operator;
  const auto is_number = [](const MetricsExpression& side) {
    return std::holds_alternative<traceql::Literal>(side.node);
  };
  const bool scales = operation->op == Operator::kMultiply || operation->op == Operator::kDivide;
  if (is_number(*operation->right)) return scales && Counts(*operation->left);
  if (is_number(*operation->left)) return operation->op == Operator::kMultiply && Counts(*operation->right);
  return operation->op != Operator::kDivide && Counts(*operation->left) && Counts(*operation->right);
}

// Groups of `others` that `series` has not, with zeros.
void AddZeros(const SeriesList& others, SeriesList& series) {
  std::set<SpanLabels> known;
  for (const SpanSeries& one : series) known.insert(one.labels);
  for (const SpanSeries& other : others) {
    if (!known.contains(other.labels)) series.push_back({other.labels, std::vector<double>(other.values.size(), 0)});
  }
}

// Asks for the pipelines of one expression and calculates with them. Thread: of its owner.
class Calculation {
 public:
  Calculation(ItemSource& source, Question& question, const StepGrid& grid, bool counts_none)
      : source_(source), question_(question), grid_(grid), counts_none_(counts_none) {}

  bool is_cut() const { return is_cut_; }
  double one_in() const { return one_in_; }

  Result<SeriesList> Of(const MetricsExpression& expression) {
    auto series = OfNode(expression);
    if (!series) return series;
    for (const auto& stage : expression.stages) ApplyStage(stage, *series);
    return series;
  }

 private:
  Result<SeriesList> OfNode(const MetricsExpression& expression) {
    if (const auto* pipeline = std::get_if<MetricsPipeline>(&expression.node)) return Ask(*pipeline);
    const auto* operation = std::get_if<traceql::MetricsOperation>(&expression.node);
    if (operation == nullptr) return Fail(Code::kInvalidArgument, "a number alone is no series");
    const auto* left_number = std::get_if<traceql::Literal>(&operation->left->node);
    const auto* right_number = std::get_if<traceql::Literal>(&operation->right->node);
    if (left_number != nullptr) {
      auto right = Of(*operation->right);
      if (!right) return right;
      return Calculate(operation->op, NumberOf(*left_number), *std::move(right));
    }
    auto left = Of(*operation->left);
    if (!left) return left;
    if (right_number != nullptr) return Calculate(operation->op, *std::move(left), NumberOf(*right_number));
    auto right = Of(*operation->right);
    if (!right) return right;
    if (counts_none_ && Counts(*operation->left)) AddZeros(*right, *left);
    if (counts_none_ && Counts(*operation->right)) AddZeros(*left, *right);
    return Calculate(operation->op, *left, *right);
  }

  Result<SeriesList> Ask(const MetricsPipeline& pipeline) {
    if (++pipelines_ > kPipelinesMax || pipeline.by.size() > kByMax || pipeline.quantiles.size() > kQuantilesMax) {
      return Fail(Code::kInvalidArgument, "at most {} pipelines, {} fields and {} quantiles are calculated at once",
                  kPipelinesMax, kByMax, kQuantilesMax);
    }
    auto spans = source_.Select(question_, pipeline.spans, grid_.from, grid_.to);
    if (!spans) return std::unexpected(spans.error());
    if (pipeline.function == MetricsFunction::kCompare) {
      auto compared = Compare(source_, question_, *spans, *pipeline.comparison, grid_);
      if (!compared) return std::unexpected(compared.error());
      is_cut_ |= compared->is_cut;
      one_in_ = std::max(one_in_, compared->one_in);
      return std::move(compared->series);
    }
    one_in_ = std::max(one_in_, spans->one_in);
    auto compiled =
        CompilePipeline(pipeline, grid_, *spans, {spans->hot_attributes, question_.Table("attribute_sets")});
    if (!compiled) return std::unexpected(compiled.error());
    SeriesList series;
    size_t rows = 0;
    SIGHTLINE_TRY(question_.ForEachRow(compiled->sql, compiled->parameters, [&](RowReader& row) {
      const std::vector<std::string> keys = row.Texts();
      const auto steps = row.Numbers<uint32_t>();
      const auto numbers = row.Array([&] { return row.Numbers<double>(); });
      if (++rows > kSpanSeriesMax || series.size() * grid_.steps() > kSeriesValuesMax) {
        is_cut_ = true;
      } else {
        Add(pipeline, ScaleOf(pipeline.function, spans->one_in), keys, steps, numbers, series);
      }
    }));
    return series;
  }

  // Counts and sums of a sample are scaled up, and rates are by second.
  double ScaleOf(MetricsFunction function, double one_in) const {
    switch (function) {
      case MetricsFunction::kMinOverTime:
      case MetricsFunction::kMaxOverTime:
      case MetricsFunction::kAvgOverTime:
      case MetricsFunction::kQuantileOverTime:
        return 1;
      case MetricsFunction::kRate:
        return one_in / (static_cast<double>(grid_.step) / 1e9);
      default:
        return one_in;
    }
  }

  // A group's series: of quantiles several.
  void Add(const MetricsPipeline& pipeline, double scale, const std::vector<std::string>& keys,
           const std::vector<uint32_t>& steps, const std::vector<std::vector<double>>& numbers,
           SeriesList& series) const {
    const double none = Counts(pipeline) ? 0 : std::numeric_limits<double>::quiet_NaN();
    if (steps.empty() && pipeline.of) return;
    SpanSeries one;
    for (size_t i = 0; i < pipeline.by.size(); ++i) {
      one.labels.emplace_back(traceql::PrintField(pipeline.by[i]), DecodedField(keys[i]));
    }
    if (keys.size() > pipeline.by.size()) one.labels.emplace_back("__bucket", DecodedField(keys.back()));
    for (size_t k = 0; k < std::max<size_t>(pipeline.quantiles.size(), 1); ++k) {
      SpanSeries made = one;
      if (!pipeline.quantiles.empty()) made.labels.emplace_back("p", fmt::format("{}", pipeline.quantiles[k]));
      made.values.assign(grid_.steps(), none);
      for (size_t i = 0; i < steps.size(); ++i) made.values.at(steps[i]) = numbers[i].at(k) * scale;
      series.push_back(std::move(made));
    }
  }

  ItemSource& source_;
  Question& question_;
  const StepGrid& grid_;
  const bool counts_none_;
  size_t pipelines_ = 0;
  bool is_cut_ = false;
  double one_in_ = 1;
};

}  // namespace

Result<std::shared_ptr<const SpanSeriesQuery>> SpanSeriesQuery::Parse(std::string_view text) {
  auto parsed = traceql::ParseQuery(text);
  if (!parsed) return std::unexpected(QueryError(parsed.error()));
  if (!std::holds_alternative<MetricsExpression>(parsed->node)) {
    return Fail(Code::kInvalidArgument,
                "this query finds spans, and a series wants numbers over time\nadd | rate(), or | "
                "quantile_over_time(duration, .99)");
  }
  return std::shared_ptr<const SpanSeriesQuery>(new SpanSeriesQuery(*std::move(parsed)));
}

Result<SpanSeriesAnswer> SpanSeriesReader::Read(const SpanSeriesSearch& search, store::Cancellation* cancellation) {
  if (search.limit == 0 || search.limit > kSpanSeriesMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kSpanSeriesMax);
  }
  auto grid = MakeGrid(search.from_unix_nanos, search.to_unix_nanos, search.step_seconds,
                       search.origin_unix_nanos);
  if (!grid) return std::unexpected(grid.error());
  Question question = source_.Ask(cancellation);
  Calculation calculation(source_, question, *grid, search.counts_none);
  auto series = calculation.Of(search.query->expression());
  if (!series) return std::unexpected(series.error());
  SpanSeriesAnswer answer{.from_unix_nanos = grid->from,
                          .to_unix_nanos = grid->to,
                          .step_seconds = grid->step / kSecondNanos,
                          .series = *std::move(series)};
  answer.is_cut = calculation.is_cut() || answer.series.size() > search.limit;
  if (answer.series.size() > search.limit) answer.series.resize(search.limit);
  answer.counts = Counts(search.query->expression());
  answer.one_in = calculation.one_in();
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
