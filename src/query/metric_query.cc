#include "query/metric_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/metric_answers.h"
#include "query/metric_grid.h"

namespace sightline::query {
namespace {

// Thread: of its owner.
class Asker {
 public:
  Asker(MetricReader& reader, const MetricsQuestion& question, store::Cancellation* cancellation, std::string* at_fault)
      : reader_(reader), question_(question), cancellation_(cancellation), at_fault_(at_fault) {}

  Result<MetricsAnswer> Run() {
    const SeriesRequest& any = question_.queries.front().request;
    const auto grid = MakeGrid(any.from_unix_nanos, any.to_unix_nanos, any.step_seconds, any.origin_unix_nanos);
    if (!grid) return std::unexpected(grid.error());
    answer_.from_unix_nanos = grid->from;
    answer_.to_unix_nanos = grid->to;
    answer_.step_seconds = any.step_seconds;
    steps_ = grid->steps();
    SIGHTLINE_TRY(CheckNames());
    for (size_t i = 0; i < question_.queries.size(); ++i) SIGHTLINE_TRY(Ask(i));
    for (const MetricFormula& formula : question_.formulas) SIGHTLINE_TRY(Compute(formula));
    return std::move(answer_);
  }

 private:
  void Blame(std::string member) {
    if (at_fault_ != nullptr) *at_fault_ = std::move(member);
  }

  Result<void> CheckNames() {
    std::vector<std::string_view> known;
    for (const auto& query : question_.queries) known.push_back(query.name);
    for (size_t i = 0; i < question_.formulas.size(); ++i) {
      for (const auto& name : question_.formulas[i].formula.names()) {
        if (std::ranges::find(known, name) != known.end()) continue;
        Blame(fmt::format("formulas[{}].expression", i));
        return Fail(Code::kInvalidArgument, "there is no {:?}: {} are there", name, fmt::join(known, ", "));
      }
      known.push_back(question_.formulas[i].name);
    }
    return {};
  }

  bool IsComputedWith(const std::string& name) const {
    return std::ranges::any_of(question_.formulas, [&](const MetricFormula& formula) {
      return std::ranges::find(formula.formula.names(), name) != formula.formula.names().end();
    });
  }

  Result<void> Ask(size_t index) {
    const MetricSubQuery& query = question_.queries[index];
    SeriesRequest request = query.request;
    if (IsComputedWith(query.name)) request.limit = kSeriesReadMax;
    std::string at_fault;
    auto series = reader_.GetSeries(request, cancellation_, &at_fault);
    MetricsResult result{.name = query.name};
    if (series) {
      result.kind = series->kind;
      result.unit = series->unit;
      result.result_unit = series->result_unit;
      result.series = std::move(series->series);
      result.series_total = series->series_total;
      result.limited = std::move(series->limited);
      answer_.scanned.rows_read += series->scanned.rows_read;
      answer_.scanned.bytes_read += series->scanned.bytes_read;
      answer_.scanned.elapsed_seconds += series->scanned.elapsed_seconds;
    } else if (series.error().code != Code::kNotFound) {
      Blame(fmt::format("queries[{}]{}{}", index, at_fault.empty() ? "" : ".", at_fault));
      return std::unexpected(series.error());
    }
    SIGHTLINE_TRY(CountCells(result.series.size(), steps_));
    named_.push_back({query.name, result.result_unit, result.series});
    if (query.hidden) return {};
    if (result.series.size() > query.request.limit) result.series.resize(query.request.limit);
    answer_.results.push_back(std::move(result));
    return {};
  }

  // What is held at once for all queries and formulas is bounded as it is for one.
  Result<void> CountCells(uint64_t series, uint64_t steps) {
    cells_ += series * steps;
    if (cells_ <= kSeriesCellsMax) return {};
    return Fail(
        Code::kResourceExhausted,
        "the series of all queries and formulas have more than {} values\nask for fewer series, longer steps or a "
        "shorter range",
        kSeriesCellsMax);
  }

  Result<void> Compute(const MetricFormula& formula) {
    MetricsResult result{.name = formula.name};
    result.result_unit = formula.unit.empty() ? formula.formula.Unit(named_) : formula.unit;
    result.series = formula.formula.Compute(named_, steps_);
    SIGHTLINE_TRY(CountCells(result.series.size(), steps_));
    named_.push_back({formula.name, result.result_unit, result.series});
    SortSeries(result.series, formula.smallest);
    result.series_total = result.series.size();
    if (result.series.size() > formula.limit) result.series.resize(formula.limit);
    answer_.results.push_back(std::move(result));
    return {};
  }

  MetricReader& reader_;
  const MetricsQuestion& question_;
  store::Cancellation* const cancellation_;
  std::string* const at_fault_;
  std::vector<NamedSeries> named_;
  uint64_t steps_ = 0, cells_ = 0;
  MetricsAnswer answer_;
};

}  // namespace

Result<MetricsAnswer> AskMetrics(MetricReader& reader, const MetricsQuestion& question,
                                 store::Cancellation* cancellation, std::string* at_fault) {
  return Asker(reader, question, cancellation, at_fault).Run();
}

}  // namespace sightline::query
