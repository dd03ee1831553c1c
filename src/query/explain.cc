#include "query/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "query/encoded_field.h"
#include "query/explain_counts.h"
#include "query/explain_statistics.h"

namespace sightline::query {
namespace {

// Of what is reported so much may be chance.
constexpr double kFalseRate = 0.001;
// Shares that differ by less are not worth a look.
constexpr double kScoreMin = 0.01;
// What fewer have on both sides together (in independent spans) is not compared.
constexpr double kHitsMin = 4;
constexpr const char* kDurationField = "span:duration";

// A value of an attribute, or its absence, on both sides.
struct Comparison {
  std::string encoded;  // "": absence
  Proportion selection, baseline;
  double p_value = 1, score = 0;
};

struct Candidate {
  std::string field;
  bool of_trace = false;
  const AttributeCounts* counts = nullptr;
  BySide weights{}, independent{};
  std::vector<Comparison> comparisons;
  double p_value = 1;  // of numbers
};

Proportion Effective(double weight, double all, double independent) {
  return {all > 0 ? weight / all * independent : 0, independent};
}

void CompareValues(Candidate& candidate) {
  const auto compare = [&](const std::string& encoded, const BySide& weights) {
    Comparison comparison{.encoded = encoded};
    comparison.selection = Effective(weights[0], candidate.weights[0], candidate.independent[0]);
    comparison.baseline = Effective(weights[1], candidate.weights[1], candidate.independent[1]);
    if (comparison.selection.hits + comparison.baseline.hits < kHitsMin) return;
    comparison.p_value = DifferenceOfShares(comparison.selection, comparison.baseline);
    comparison.score = LeastDifference(comparison.selection, comparison.baseline);
    candidate.comparisons.push_back(std::move(comparison));
  };
  for (const auto& [encoded, weights] : candidate.counts->values) compare(encoded, weights);
  if (!candidate.counts->absence_is_known) return;
  BySide absent;
  for (size_t side = 0; side < 2; ++side) {
    absent[side] = std::max(candidate.weights[side] - candidate.counts->present[side], 0.0);
  }
  if (absent[0] + absent[1] > 1e-9) compare("", absent);
}

BySide SizesOfNumbers(const Candidate& candidate) {
  BySide sizes;
  for (size_t side = 0; side < 2; ++side) {
    const double share = candidate.counts->present[side] / candidate.weights[side];
    sizes[side] = share * candidate.counts->sampled[side] * candidate.independent[side];
  }
  return sizes;
}

std::string ConditionOf(const Candidate& candidate, const std::string& literal) {
  const std::string condition = candidate.field + " = " + literal;
  return candidate.of_trace ? "{ " + condition + " }" : condition;
}

std::string NumberText(const Candidate& candidate, double number) {
  return candidate.field == kDurationField ? fmt::format("{:.0f}ns", number) : fmt::format("{}", number);
}

// Bins of about the same size, over both sides as if they had the same weight; and where the sides part best.
void DescribeNumbers(const Candidate& candidate, ExplainedAttribute& attribute) {
  const auto& numbers = candidate.counts->numbers;
  BySide all{};
  for (const auto& number : numbers) {
    all[0] += number.a;
    all[1] += number.b;
  }
  if (numbers.empty() || all[0] <= 0 || all[1] <= 0) return;
  BySide below{};
  double widest = 0, split = 0;
  bool selection_is_above = false;
  ExplainedBin bin{.from = numbers.front().value};
  for (size_t i = 0; i < numbers.size();) {
    const double value = numbers[i].value;
    const double apart = below[1] - below[0];  // how much more of the selection is from here on
    if (std::abs(apart) > widest) {
      widest = std::abs(apart);
      split = value;
      selection_is_above = apart > 0;
    }
    const double full = static_cast<double>(attribute.bins.size() + 1) * 2 / kExplainBins;
    if (below[0] + below[1] >= full && bin.from < value) {
      bin.to = value;
      attribute.bins.push_back(bin);
      bin = {.from = value};
    }
    for (; i < numbers.size() && numbers[i].value == value; ++i) {
      const double a = numbers[i].a / all[0], b = numbers[i].b / all[1];
      if (below[0] < 0.5 && below[0] + a >= 0.5) attribute.selection_median = value;
      if (below[1] < 0.5 && below[1] + b >= 0.5) attribute.baseline_median = value;
      bin.selection += a;
      bin.baseline += b;
      below[0] += a;
      below[1] += b;
    }
  }
  bin.to = numbers.back().value;
  attribute.bins.push_back(bin);
  const BySide sizes = SizesOfNumbers(candidate);
  const double chance =
      1.63 * std::sqrt((sizes[0] + sizes[1]) / (sizes[0] * sizes[1]));  // Kolmogorov and Smirnov, 99 %
  attribute.score = std::max(0.0, widest - chance) * std::min(attribute.selection, attribute.baseline);
  attribute.condition =
      fmt::format("{} {} {}", candidate.field, selection_is_above ? ">=" : "<", NumberText(candidate, split));
}

void DescribeValues(const Candidate& candidate, double limit, ExplainedAttribute& attribute) {
  for (const Comparison& comparison : candidate.comparisons) {
    ExplainedValue value{.literal = DecodedField(comparison.encoded),
                         .selection = comparison.selection.share(),
                         .baseline = comparison.baseline.share(),
                         .p_value = comparison.p_value};
    value.differs = comparison.p_value <= limit && comparison.score >= kScoreMin;
    value.condition = ConditionOf(candidate, value.literal);
    if (value.differs) attribute.score = std::max(attribute.score, comparison.score);
    attribute.values.push_back(std::move(value));
  }
  std::ranges::sort(attribute.values, std::ranges::greater(), [](const ExplainedValue& value) {
    return std::tuple(value.differs, std::abs(value.selection - value.baseline), value.selection);
  });
  if (attribute.values.size() > kExplainValuesMax) attribute.values.resize(kExplainValuesMax);
  // The condition is for the selection: what it has more of.
  for (const ExplainedValue& value : attribute.values) {
    if (!value.differs || value.selection < value.baseline) continue;
    attribute.condition = value.condition;
    break;
  }
  if (attribute.condition.empty() && !attribute.values.empty())
    attribute.condition = attribute.values.front().condition;
}

ExplainedAttribute Describe(const Candidate& candidate, double limit) {
  ExplainedAttribute attribute{.field = candidate.field, .of_trace = candidate.of_trace, .p_value = candidate.p_value};
  attribute.selection = candidate.counts->present[0] / candidate.weights[0];
  attribute.baseline = candidate.counts->present[1] / candidate.weights[1];
  if (candidate.counts->is_numeric) {
    if (candidate.p_value <= limit) DescribeNumbers(candidate, attribute);
  } else {
    DescribeValues(candidate, limit, attribute);
  }
  return attribute;
}

std::vector<Candidate> Compare(const ExplainCounts& counts, const std::set<std::string>& excluded) {
  std::vector<Candidate> candidates;
  const auto add = [&](const CountsByField& fields, bool of_trace) {
    for (const auto& [field, of_field] : fields) {
      if (excluded.contains(field)) continue;
      Candidate candidate{.field = field, .of_trace = of_trace, .counts = &of_field};
      candidate.weights = of_trace ? counts.trace_weights : counts.weights;
      candidate.independent =
          of_trace ? counts.independent_traces : BySide{counts.sides[0].independent, counts.sides[1].independent};
      if (candidate.weights[0] <= 0 || candidate.weights[1] <= 0) continue;
      if (of_field.is_numeric) {
        const BySide sizes = SizesOfNumbers(candidate);
        candidate.p_value = DifferenceOfNumbers(of_field.numbers, sizes[0], sizes[1]);
      } else {
        CompareValues(candidate);
      }
      candidates.push_back(std::move(candidate));
    }
  };
  add(counts.of_spans, false);
  add(counts.of_traces, true);
  return candidates;
}

// What the span says itself need not be said of its trace.
void DropRepeated(std::vector<ExplainedAttribute>& attributes) {
  std::set<std::pair<std::string, std::string>> said;
  for (const auto& attribute : attributes) {
    for (const auto& value : attribute.values) {
      if (!attribute.of_trace && value.differs) said.emplace(attribute.field, value.literal);
    }
  }
  std::erase_if(attributes, [&](const ExplainedAttribute& attribute) {
    return attribute.of_trace && std::ranges::all_of(attribute.values, [&](const ExplainedValue& value) {
             return !value.differs || value.literal == "nil" || said.contains({attribute.field, value.literal});
           });
  });
}

Result<void> Check(const ExplainSearch& search) {
  const SpanSelection& selection = search.selection;
  if (search.limit == 0 || search.limit > kExplainAttributesMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kExplainAttributesMax);
  }
  if (selection.from_unix_nanos.has_value() != selection.to_unix_nanos.has_value() ||
      search.baseline_from_unix_nanos.has_value() != search.baseline_to_unix_nanos.has_value()) {
    return Fail(Code::kInvalidArgument, "a range of time has two ends");
  }
  const bool any = !selection.condition.empty() || selection.from_unix_nanos || selection.min_duration_nanos ||
                   selection.max_duration_nanos || search.baseline_from_unix_nanos;
  if (any) return {};
  return Fail(
      Code::kInvalidArgument,
      "nothing is selected\ngive a condition, a range of time or of durations, or another time to compare with");
}

}  // namespace

Result<Explanation> Explainer::Explain(const ExplainSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(Check(search));
  Question question = source_.Ask(cancellation);
  auto counts = CountForExplanation(source_, question, search);
  if (!counts) return std::unexpected(counts.error());
  Explanation explanation{.selection = counts->sides[kSelection], .baseline = counts->sides[kBaseline]};
  const auto candidates = Compare(*counts, FieldsOfSelection(search.selection));
  std::vector<double> p_values;
  for (const Candidate& candidate : candidates) {
    if (candidate.counts->is_numeric) p_values.push_back(candidate.p_value);
    for (const auto& comparison : candidate.comparisons) p_values.push_back(comparison.p_value);
  }
  explanation.comparisons = p_values.size();
  const double limit = SignificanceLimit(std::move(p_values), kFalseRate);
  for (const Candidate& candidate : candidates) {
    ExplainedAttribute attribute = Describe(candidate, limit);
    if (attribute.score >= kScoreMin) explanation.attributes.push_back(std::move(attribute));
  }
  DropRepeated(explanation.attributes);
  std::ranges::sort(explanation.attributes, {}, [](const ExplainedAttribute& attribute) {
    return std::tuple(-attribute.score, attribute.of_trace, attribute.field);
  });
  if (explanation.attributes.size() > search.limit) explanation.attributes.resize(search.limit);
  explanation.scanned = question.stats();
  return explanation;
}

}  // namespace sightline::query
