#include "query/span_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "query/attribute_pairs.h"
#include "query/encoded_field.h"
#include "query/trace_query.h"
#include "traceql/sql.h"

namespace sightline::query {
namespace {

constexpr uint64_t kRowsMax = 200'000;
constexpr size_t kResourcesMax = 5000, kRowsOfAnswerMax = 20'000;
constexpr int64_t kTopMax = 100;
constexpr size_t kValueBytesMax = 256;
constexpr std::array<const char*, 2> kSides = {"baseline", "selection"};

// How many spans there are over time. Only steps that have some take memory: there are many values, and few are shown.
struct Course {
  std::vector<std::pair<uint32_t, double>> steps;
  double sum = 0;
};
// Of one field.
struct Counts {
  std::array<std::map<std::string, Course>, 2> values;  // by side, by encoded value
  std::array<Course, 2> totals;
  double weight = 0;
};

// One comparison. Thread: of its owner.
class Comparing {
 public:
  Comparing(ItemSource& source, Question& question, const ItemSet& spans, const traceql::Comparison& comparison,
            const StepGrid& grid)
      : source_(source), question_(question), set_(spans), comparison_(comparison), grid_(grid) {}

  Result<ComparedSeries> Run() {
    if (comparison_.top < 1 || comparison_.top > kTopMax) {
      return Fail(Code::kInvalidArgument, "compare() gives 1 to {} values of an attribute", kTopMax);
    }
    SIGHTLINE_TRY(ChooseRows());
    SIGHTLINE_TRY(CountPairs());
    SIGHTLINE_TRY(CountResources());
    return Take();
  }

 private:
  Result<void> ChooseRows() {
    Conditions& conditions = set_.conditions;
    side_ = "1";
    if (comparison_.selection.condition != nullptr) {
      auto compiled =
          traceql::CompileToSql(*comparison_.selection.condition, {.attribute_sets = question_.Table("attribute_sets"),
                                                                   .hot_attributes = &set_.hot_attributes,
                                                                   .parameter_prefix = "s"});
      if (!compiled.exact) {
        return Fail(Code::kInvalidArgument,
                    "compare() selects by what single spans tell\ncompare fields of the span with constants");
      }
      conditions.AddBound("1", compiled.parameters);
      side_ = "(" + compiled.sql + ")";
    }
    if (comparison_.from_unix_nanos != 0 || comparison_.to_unix_nanos != 0) {
      side_ += fmt::format(" AND Timestamp >= fromUnixTimestamp64Nano({}) AND Timestamp < fromUnixTimestamp64Nano({})",
                           conditions.Bind("Int64", NanosText(comparison_.from_unix_nanos)),
                           conditions.Bind("Int64", NanosText(comparison_.to_unix_nanos)));
    }
    pairs_ = AttributePairsSql(set_.hot_attributes, conditions);
    auto size = EstimateSize(question_, set_);
    if (!size) return std::unexpected(size.error());
    set_ = Thinned(set_, *size, kRowsMax);
    step_ = fmt::format("toUInt32(intDiv(toUnixTimestamp64Nano(Timestamp) - {}, {}))", grid_.from, grid_.step);
    return {};
  }

  void Add(Course& into, const std::vector<uint32_t>& steps, const std::vector<double>& weights) const {
    for (size_t i = 0; i < steps.size(); ++i) {
      const double spans = weights.at(i) * set_.one_in;
      into.steps.emplace_back(steps[i], spans);
      into.sum += spans;
    }
  }
  std::vector<double> AllSteps(const Course& course) const {
    std::vector<double> values(grid_.steps());
    for (const auto& [step, spans] : course.steps) values.at(step) += spans;
    return values;
  }

  // Of each attribute the totals, and of its values the most frequent ones of each side.
  Result<void> CountPairs() {
    const std::string by_step = fmt::format(
        "SELECT P.1 AS K, if(length(P.2) <= {}, P.2, '') AS V, Side, Step, sum(Weight) AS W FROM (SELECT arrayJoin({}) "
        "AS "
        "P, toUInt8({}) AS Side, {} AS Step, AdjustedCount AS Weight FROM {} WHERE {}) WHERE P.2 NOT IN ('', 'e', 'w') "
        "AND "
        "P.1 != '{}' GROUP BY K, V, Side, Step",
        kValueBytesMax, pairs_, side_, step_, set_.table, set_.conditions.Sql(), kDurationPair);
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format(
            "SELECT K, Side, groupArray(Step), groupArray(W) FROM (SELECT K, Side, Step, sum(W) AS W FROM ({}) GROUP "
            "BY K, Side, Step) GROUP BY K, Side",
            by_step),
        set_.conditions.parameters(), [&](RowReader& row) {
          const std::string key = row.Text();
          const auto side = row.Number<uint8_t>();
          const auto steps = row.Numbers<uint32_t>();
          const auto weights = row.Numbers<double>();
          Counts& counts = counts_[FieldOfPair(key)];
          Add(counts.totals[side], steps, weights);
          for (const double weight : weights) counts.weight += weight;
        }));
    size_t rows = 0;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format(
            "SELECT K, V, Side, groupArray(Step), groupArray(W) FROM ({}) WHERE V != '' GROUP BY K, V, Side ORDER BY "
            "sum(W) DESC, V LIMIT {} BY K, Side LIMIT {}",
            by_step, comparison_.top, kRowsOfAnswerMax + 1),
        set_.conditions.parameters(), [&](RowReader& row) {
          const std::string key = row.Text();
          std::string value = row.Text();
          const auto side = row.Number<uint8_t>();
          const auto steps = row.Numbers<uint32_t>();
          const auto weights = row.Numbers<double>();
          ++rows;
          Add(counts_[FieldOfPair(key)].values[side][std::move(value)], steps, weights);
        }));
    is_cut_ = rows > kRowsOfAnswerMax;
    return {};
  }

  // Resources are few, and each has many spans: their attributes are counted here.
  Result<void> CountResources() {
    struct OfResource {
      std::string id;
      uint8_t side = 0;
      std::vector<uint32_t> steps;
      std::vector<double> weights;
    };
    std::vector<OfResource> rows;
    std::set<std::string> ids;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format(
            "SELECT Id, Side, groupArray(Step), groupArray(W) FROM (SELECT toString(ResourceId) AS Id, toUInt8({}) AS "
            "Side, {} AS Step, sum(AdjustedCount) AS W FROM {} WHERE {} GROUP BY Id, Side, Step) GROUP BY Id, Side "
            "ORDER BY sum(W) DESC LIMIT {}",
            side_, step_, set_.table, set_.conditions.Sql(), kResourcesMax),
        set_.conditions.parameters(), [&](RowReader& row) {
          OfResource read;
          read.id = row.Text();
          read.side = row.Number<uint8_t>();
          read.steps = row.Numbers<uint32_t>();
          read.weights = row.Numbers<double>();
          ids.insert(read.id);
          rows.push_back(std::move(read));
        }));
    is_cut_ |= rows.size() >= kResourcesMax;
    auto sets = source_.attribute_sets().Read(question_, std::move(ids));
    if (!sets) return std::unexpected(sets.error());
    std::map<std::string_view, const AttributeSet*> by_id;
    for (const AttributeSet& set : *sets) by_id[set.id] = &set;
    for (const OfResource& row : rows) {
      const auto found = by_id.find(row.id);
      if (found == by_id.end()) continue;
      for (const Attribute& attribute : found->second->attributes)
        AddOfResource(attribute, row.side, row.steps, row.weights);
    }
    return {};
  }

  void AddOfResource(const Attribute& attribute, uint8_t side, const std::vector<uint32_t>& steps,
                     const std::vector<double>& weights) {
    if (attribute.type == 'e') return;
    Counts& counts =
        counts_[traceql::PrintField({.scope = traceql::Scope::kResource, .key = CanonicalKey(attribute.key)})];
    Add(counts.totals[side], steps, weights);
    for (const double weight : weights) counts.weight += weight;
    if (attribute.text.size() > kValueBytesMax) return;
    Add(counts.values[side][attribute.type + attribute.text], steps, weights);
  }

  // The attributes that most spans have first.
  ComparedSeries Take() {
    std::vector<std::pair<const std::string*, Counts*>> fields;
    for (auto& [field, counts] : counts_) fields.emplace_back(&field, &counts);
    std::ranges::sort(fields, {}, [](const auto& field) { return std::pair(-field.second->weight, *field.first); });
    ComparedSeries compared{.is_cut = is_cut_, .one_in = set_.one_in};
    const size_t series_max = std::min<size_t>(kSpanSeriesMax, kSeriesValuesMax / grid_.steps());
    for (const auto& [field, counts] : fields) {
      if (compared.series.size() > series_max) break;
      AddField(*field, *counts, compared.series);
    }
    if (compared.series.size() > series_max) {
      compared.series.resize(series_max);
      compared.is_cut = true;
    }
    return compared;
  }

  void AddField(const std::string& field, const Counts& counts, SeriesList& series) const {
    for (size_t side = 0; side < kSides.size(); ++side) {
      const auto add = [&](const std::string& meta, const std::string& literal, const Course& course) {
        series.push_back({{{"__meta_type", "\"" + meta + "\""}, {field, literal}}, AllSteps(course)});
      };
      std::vector<std::pair<double, const std::string*>> most;
      for (const auto& [value, course] : counts.values[side]) most.emplace_back(-course.sum, &value);
      std::ranges::sort(most, {}, [](const auto& one) { return std::pair(one.first, *one.second); });
      if (most.size() > static_cast<size_t>(comparison_.top)) most.resize(static_cast<size_t>(comparison_.top));
      for (const auto& [sum, value] : most) add(kSides[side], DecodedField(*value), counts.values[side].at(*value));
      if (!counts.totals[side].steps.empty()) add(std::string(kSides[side]) + "_total", "nil", counts.totals[side]);
    }
  }

  ItemSource& source_;
  Question& question_;
  ItemSet set_;
  const traceql::Comparison& comparison_;
  const StepGrid& grid_;
  std::string side_, pairs_, step_;       // in SQL
  std::map<std::string, Counts> counts_;  // by field
  bool is_cut_ = false;
};

}  // namespace

Result<ComparedSeries> Compare(ItemSource& source, Question& question, const ItemSet& spans,
                               const traceql::Comparison& comparison, const StepGrid& grid) {
  return Comparing(source, question, spans, comparison, grid).Run();
}

}  // namespace sightline::query
