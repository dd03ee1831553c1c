// Arithmetic on series: TraceQL's operators between pipelines of metrics, and the stages behind them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "query/span_series.h"

namespace sightline::query {
namespace {

using traceql::Operator;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double Calculate(Operator op, double left, double right) {
  switch (op) {
    case Operator::kAdd:
      return left + right;
    case Operator::kSubtract:
      return left - right;
    case Operator::kMultiply:
      return left * right;
    case Operator::kDivide:
      return right == 0 ? kNone : left / right;
    default:
      return kNone;
  }
}

bool Holds(Operator op, double value, double limit) {
  switch (op) {
    case Operator::kEqual:
      return value == limit;
    case Operator::kNotEqual:
      return value != limit;
    case Operator::kGreater:
      return value > limit;
    case Operator::kGreaterEqual:
      return value >= limit;
    case Operator::kLess:
      return value < limit;
    case Operator::kLessEqual:
      return value <= limit;
    default:
      return false;
  }
}

// At each step those count that are largest (or smallest) there; of equal ones the first.
void KeepTop(const traceql::TopK& top, SeriesList& series) {
  const size_t steps = series.empty() ? 0 : series.front().values.size();
  for (size_t step = 0; step < steps; ++step) {
    std::vector<SpanSeries*> there;
    for (auto& one : series) {
      if (!std::isnan(one.values[step])) there.push_back(&one);
    }
    std::ranges::stable_sort(there, [&](const SpanSeries* a, const SpanSeries* b) {
      return top.bottom ? a->values[step] < b->values[step] : a->values[step] > b->values[step];
    });
    for (size_t i = static_cast<size_t>(std::max<int64_t>(top.k, 0)); i < there.size(); ++i) {
      there[i]->values[step] = kNone;
    }
  }
}

void KeepWhatHolds(const traceql::Threshold& threshold, SeriesList& series) {
  // A duration is compared in seconds, as durations are calculated with.
  const traceql::Value limit = threshold.limit.value();
  const double number = limit.type == traceql::Type::kDuration ? limit.AsDouble() / 1e9 : limit.AsDouble();
  for (auto& one : series) {
    for (double& value : one.values) {
      if (!Holds(threshold.op, value, number)) value = kNone;
    }
  }
}

}  // namespace

void ApplyStage(const traceql::SecondStage& stage, SeriesList& series) {
  if (const auto* top = std::get_if<traceql::TopK>(&stage)) {
    KeepTop(*top, series);
  } else {
    KeepWhatHolds(std::get<traceql::Threshold>(stage), series);
  }
  std::erase_if(series, [](const SpanSeries& one) {
    return std::ranges::all_of(one.values, [](double value) { return std::isnan(value); });
  });
}

SeriesList Calculate(Operator op, const SeriesList& left, const SeriesList& right) {
  std::map<SpanLabels, const SpanSeries*> partners;
  for (const auto& one : right) partners.emplace(one.labels, &one);
  SeriesList result;
  for (const auto& one : left) {
    const auto partner = partners.find(one.labels);
    if (partner == partners.end()) continue;
    SpanSeries made = one;
    for (size_t i = 0; i < made.values.size(); ++i) {
      made.values[i] = Calculate(op, made.values[i], partner->second->values[i]);
    }
    result.push_back(std::move(made));
  }
  return result;
}

SeriesList Calculate(Operator op, SeriesList left, double right) {
  for (auto& one : left) {
    for (double& value : one.values) value = Calculate(op, value, right);
  }
  return left;
}

SeriesList Calculate(Operator op, double left, SeriesList right) {
  for (auto& one : right) {
    for (double& value : one.values) value = Calculate(op, left, value);
  }
  return right;
}

}  // namespace sightline::query
