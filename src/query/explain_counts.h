// What an explanation counts in the store: how much of a selection and of its baseline has each value of each
// attribute. For explain.cc.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/explain.h"
#include "query/explain_statistics.h"
#include "query/item_set.h"

namespace sightline::query {

inline constexpr size_t kSelection = 0, kBaseline = 1;
using BySide = std::array<double, 2>;

struct AttributeCounts {
  std::map<std::string, BySide> values;  // by encoded value (encoded_field.h): weights. The most frequent ones
  BySide present{};                      // weights of what has the attribute
  bool absence_is_known = true;          // false: of some that was looked at it is not known whether it has it
  bool is_numeric = false;               // many different numbers
  std::vector<WeightedNumber> numbers;   // a sample of them, ascending; of numeric ones
  BySide sampled{1, 1};                  // which share of the weight the sample was, before it was scaled up
};
// By field, as TraceQL writes it.
using CountsByField = std::map<std::string, AttributeCounts>;

struct ExplainCounts {
  std::array<ExplainedSide, 2> sides;
  BySide weights{};  // of the spans that were looked at
  CountsByField of_spans;
  // That some span of the trace has the value; by the weight of the side's spans in the trace.
  BySide trace_weights{}, independent_traces{};
  CountsByField of_traces;
};

Result<ExplainCounts> CountForExplanation(ItemSource& source, Question& question, const ExplainSearch& search);

// Fields that the selection is made by, and that therefore explain nothing: those of its condition in all scopes, under
// their new names; duration if it is bounded.
std::set<std::string> FieldsOfSelection(const SpanSelection& selection);

}  // namespace sightline::query
