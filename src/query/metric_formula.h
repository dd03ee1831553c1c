// Arithmetic over series: "100 * A / (A + B)". Data: a text -> a checked tree; named series -> series.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/metrics.h"

namespace sightline::query {

inline constexpr size_t kFormulaBytesMax = 4096;
inline constexpr int kFormulaDepthMax = 50;
inline constexpr size_t kFormulaOperatorsMax = 100;  // each computes all series anew

struct FormulaError {
  size_t column = 1;  // from 1 on, in bytes
  std::string message;
};

// What a formula computes with and comes to. A number alone is a series without labels with `steps` equal values.
struct NamedSeries {
  std::string name, unit;
  std::vector<MetricSeries> series;
};

class Formula {
 public:
  // + - * /, signs, parentheses, numbers, abs(x), min(x, y, …), max(x, y, …), clamp(x, low, high), names, or(x, y): x,
  // and where that has no value y.
  static std::expected<Formula, FormulaError> Parse(std::string_view text);

  // Those that it asks for, in their order.
  const std::vector<std::string>& names() const { return names_; }

  // Series of both sides of an operator go together where their labels are equal; a side that is one series without
  // labels, or a number, goes with each of the other. What has no partner is left out, but of or(): there it stays as
  // it is. Where a side has no value, or a division is by 0, there is none. All of names() are in `named`; all series
  // have `steps` values. Besides `named` and the result it holds a few of their size, the more the deeper `or` and the
  // like are nested in each other: log2(kFormulaOperatorsMax) at most.
  std::vector<MetricSeries> Compute(const std::vector<NamedSeries>& named, size_t steps) const;

  // Of the result: the common unit of what is added, subtracted or chosen from; "1" of a quotient of equal ones; ""
  // else.
  std::string Unit(const std::vector<NamedSeries>& named) const;

  // How many results are held at once while it is computed, besides `named`.
  int held() const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
  std::vector<std::string> names_;
};

}  // namespace sightline::query
