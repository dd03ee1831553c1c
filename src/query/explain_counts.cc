#include "query/explain_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "query/attribute_pairs.h"
#include "query/encoded_field.h"
#include "query/span_sql.h"
#include "traceql/aliases.h"
#include "traceql/parse.h"
#include "traceql/sql.h"

namespace sightline::query {
namespace {

using traceql::Field;
using traceql::Scope;

constexpr uint64_t kRowsOfSide = 25'000;
constexpr size_t kValuesOfKey = 100, kNumbersOfKey = 2000, kResourcesMax = 5000;
// Numbers with more different values than this are no names of something.
constexpr uint64_t kNamesMax = 30;
// Traces of a side that are read whole, from as many rows, so that few places of the table are read.
constexpr size_t kTracesOfSide = 300;
constexpr uint64_t kTraceRows = 8 * 16'384;
constexpr size_t kPairsOfTraceMax = 2000;
constexpr size_t kValueBytesMax = 256;

constexpr const char* kService = "if(ServiceName = '', '', concat('s', toString(ServiceName)))";

// One question. Thread: of its owner.
class Counting {
 public:
  Counting(ItemSource& source, Question& question, const ExplainSearch& search)
      : source_(source), question_(question), search_(search) {}

  Result<ExplainCounts> Run() {
    SIGHTLINE_TRY(SelectSides());
    for (const size_t side : {kSelection, kBaseline}) SIGHTLINE_TRY(Measure(side));
    if (counts_.weights[kSelection] <= 0 || counts_.weights[kBaseline] <= 0) return std::move(counts_);
    SIGHTLINE_TRY(CountPairs());
    for (const size_t side : {kSelection, kBaseline}) SIGHTLINE_TRY(CountResources(side));
    for (const size_t side : {kSelection, kBaseline}) SIGHTLINE_TRY(CountTraces(side));
    for (auto& [field, counts] : counts_.of_traces) counts.absence_is_known = all_pairs_are_known_;
    return std::move(counts_);
  }

 private:
  // All values are bound before the sides part, so that one statement can have both.
  Result<void> SelectSides() {
    ItemQuery query = search_.query;
    const bool against_time = search_.baseline_from_unix_nanos.has_value();
    if (against_time) {
      query.from_unix_nanos = std::min(query.from_unix_nanos, *search_.baseline_from_unix_nanos);
      query.to_unix_nanos = std::max(query.to_unix_nanos, *search_.baseline_to_unix_nanos);
    }
    auto set = source_.Select(question_, query);
    if (!set) return std::unexpected(set.error());
    hot_attributes_ = set->hot_attributes;
    Conditions& conditions = set->conditions;
    auto selected = SelectionSql(conditions);
    if (!selected) return std::unexpected(selected.error());
    std::string rest = "NOT (" + *selected + ")";
    if (against_time) {
      rest =
          *selected + " AND " + InTime(*search_.baseline_from_unix_nanos, *search_.baseline_to_unix_nanos, conditions);
      *selected += " AND " + InTime(search_.query.from_unix_nanos, search_.query.to_unix_nanos, conditions);
    }
    pairs_ = AttributePairsSql(hot_attributes_, conditions);
    for (const size_t side : {kSelection, kBaseline}) {
      whole_[side] = *set;
      whole_[side].conditions.Add(side == kSelection ? *selected : rest);
      auto size = EstimateSize(question_, whole_[side]);
      if (!size) return std::unexpected(size.error());
      sizes_[side] = *size;
      sides_[side] = Thinned(whole_[side], *size, kRowsOfSide);
    }
    return {};
  }

  static std::string InTime(int64_t from_unix_nanos, int64_t to_unix_nanos, Conditions& conditions) {
    return fmt::format("(Timestamp >= fromUnixTimestamp64Nano({}) AND Timestamp < fromUnixTimestamp64Nano({}))",
                       conditions.Bind("Int64", NanosText(from_unix_nanos)),
                       conditions.Bind("Int64", NanosText(to_unix_nanos)));
  }

  Result<std::string> SelectionSql(Conditions& conditions) {
    const SpanSelection& selection = search_.selection;
    std::string sql = "1";
    if (!selection.condition.empty()) {
      auto parsed = traceql::ParseSpanCondition(selection.condition);
      if (!parsed) return std::unexpected(QueryError(parsed.error()));
      auto compiled = traceql::CompileToSql(*parsed, {.attribute_sets = question_.Table("attribute_sets"),
                                                      .hot_attributes = &hot_attributes_,
                                                      .parameter_prefix = "s"});
      if (!compiled.exact) {
        return Fail(Code::kInvalidArgument,
                    "a selection is made of what single spans tell\ncompare fields of the span with constants");
      }
      conditions.AddBound("1", compiled.parameters);
      sql += " AND (" + compiled.sql + ")";
    }
    if (selection.from_unix_nanos) {
      sql += " AND " + InTime(*selection.from_unix_nanos, *selection.to_unix_nanos, conditions);
    }
    if (selection.min_duration_nanos) {
      sql += " AND Duration >= " + conditions.Bind("UInt64", std::to_string(*selection.min_duration_nanos));
    }
    if (selection.max_duration_nanos) {
      sql += " AND Duration <= " + conditions.Bind("UInt64", std::to_string(*selection.max_duration_nanos));
    }
    return sql;
  }

  // Weights, and what they are worth: Kish's formula, with the trace as the unit.
  Result<void> Measure(size_t side) {
    const ItemSet& set = sides_[side];
    return question_.ForEachRow(
        fmt::format("SELECT sum(T), sum(T * T) FROM (SELECT sum(AdjustedCount) AS T FROM {} WHERE {} GROUP BY TraceId)",
                    set.table, set.conditions.Sql()),
        set.conditions.parameters(), [&](RowReader& row) {
          const double weight = row.Number<double>(), squares = row.Number<double>();
          counts_.weights[side] = weight;
          counts_.sides[side] = {.spans = weight * set.one_in,
                                 .one_in = set.one_in,
                                 .independent = squares > 0 ? weight * weight / squares : 0};
        });
  }

  // Values that are too long to be told are one, without a text: what has them has the attribute.
  Result<void> CountPairs() {
    std::string rows;
    for (const size_t side : {kSelection, kBaseline}) {
      rows += fmt::format("{}SELECT arrayJoin({}) AS P, {} AS Side, AdjustedCount AS Weight FROM {} WHERE {}",
                          rows.empty() ? "" : " UNION ALL ", pairs_, side, sides_[side].table,
                          sides_[side].conditions.Sql());
    }
    const std::string by_value = fmt::format(
        "SELECT P.1 AS K, if(length(P.2) <= {}, P.2, '') AS V, sumIf(Weight, Side = 0) AS W0, sumIf(Weight, Side = 1) "
        "AS W1, substring(V, 1, 1) IN ('i', 'd') AS IsNumber FROM ({}) WHERE P.2 NOT IN ('', 'e', 'w') GROUP BY K, V",
        kValueBytesMax, rows);
    const std::string sql = fmt::format(
        "SELECT K, sum(W0), sum(W1), count(), countIf(IsNumber), groupArraySortedIf({0})((-(W0 / {1} + W1 / {2}), V, "
        "W0, W1), V != ''), "
        "groupArraySampleIf({3}, 1)((toFloat64OrZero(substring(V, 2)), W0, W1), IsNumber) FROM ({4}) GROUP BY K",
        kValuesOfKey, counts_.weights[kSelection], counts_.weights[kBaseline], kNumbersOfKey, by_value);
    return question_.ForEachRow(sql, sides_[kSelection].conditions.parameters(), [&](RowReader& row) {
      const std::string key = row.Text();
      AttributeCounts counts;
      counts.present = {row.Number<double>(), 0};
      counts.present[1] = row.Number<double>();
      const auto values = row.Number<uint64_t>(), numbers = row.Number<uint64_t>();
      row.Array([&] {
        row.Number<double>();
        std::string value = row.Text();
        const double selection = row.Number<double>();
        counts.values[std::move(value)] = {selection, row.Number<double>()};
        return 0;
      });
      counts.numbers = row.Array([&] {
        WeightedNumber number;
        number.value = row.Number<double>();
        number.a = row.Number<double>();
        number.b = row.Number<double>();
        return number;
      });
      counts.is_numeric = values > kNamesMax && numbers * 10 >= values * 9;
      // A span may have the old name and the new one.
      for (size_t side = 0; side < 2; ++side) {
        counts.present[side] = std::min(counts.present[side], counts_.weights[side]);
      }
      AddFrequentNumbers(counts);
      counts_.of_spans[FieldOfPair(key)] = std::move(counts);
    });
  }

  // The sample is one of different numbers: the frequent ones are put in as they are, and the others are scaled up.
  static void AddFrequentNumbers(AttributeCounts& counts) {
    if (!counts.is_numeric) return counts.numbers.clear();
    BySide frequent{}, sampled{};
    std::set<double> known;
    std::vector<WeightedNumber> numbers;
    for (const auto& [value, weights] : counts.values) {
      if (value[0] != 'i' && value[0] != 'd') continue;
      numbers.push_back({std::strtod(value.c_str() + 1, nullptr), weights[0], weights[1]});
      known.insert(numbers.back().value);
      for (size_t side = 0; side < 2; ++side) frequent[side] += weights[side];
    }
    std::erase_if(counts.numbers, [&](const WeightedNumber& number) { return known.contains(number.value); });
    for (const auto& number : counts.numbers) {
      sampled[0] += number.a;
      sampled[1] += number.b;
    }
    for (size_t side = 0; side < 2; ++side) {
      const double share = (frequent[side] + sampled[side]) / std::max(counts.present[side], 1e-9);
      counts.sampled[side] = std::min(share, 1.0);
    }
    for (auto& number : counts.numbers) {
      if (sampled[0] > 0) number.a *= std::max(counts.present[0] - frequent[0], 0.0) / sampled[0];
      if (sampled[1] > 0) number.b *= std::max(counts.present[1] - frequent[1], 0.0) / sampled[1];
    }
    counts.numbers.insert(counts.numbers.end(), numbers.begin(), numbers.end());
    std::ranges::sort(counts.numbers, {}, &WeightedNumber::value);
  }

  Result<void> CountResources(size_t side) {
    const ItemSet& set = sides_[side];
    std::map<std::string, double> by_id;
    std::set<std::string> ids;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format(
            "SELECT toString(ResourceId) AS Id, sum(AdjustedCount) AS W FROM {} WHERE {} GROUP BY Id ORDER BY W DESC "
            "LIMIT {}",
            set.table, set.conditions.Sql(), kResourcesMax),
        set.conditions.parameters(), [&](RowReader& row) {
          std::string id = row.Text();
          const double weight = row.Number<double>();
          ids.insert(id);
          by_id[std::move(id)] = weight;
        }));
    auto sets = source_.attribute_sets().Read(question_, std::move(ids));
    if (!sets) return std::unexpected(sets.error());
    const bool is_cut = by_id.size() >= kResourcesMax;
    for (const AttributeSet& resource : *sets) {
      const double weight = by_id[resource.id];
      std::set<std::string> seen;
      for (const Attribute& attribute : resource.attributes) {
        const std::string key = CanonicalKey(attribute.key);
        if (attribute.type == 'e' || !seen.insert(key).second) continue;
        AttributeCounts& counts = counts_.of_spans[traceql::PrintField({.scope = Scope::kResource, .key = key})];
        counts.absence_is_known &= !is_cut;
        counts.present[side] += weight;
        if (attribute.text.size() <= kValueBytesMax) counts.values[attribute.type + attribute.text][side] += weight;
      }
    }
    return {};
  }

  struct OfTrace {
    double weight = 0;  // of the side's spans in it
    int64_t from_unix_nanos = 0, to_unix_nanos = 0;
  };

  // Of some of the side's traces all spans. What is rare lies in many places, so that fewer traces are read anyway.
  Result<void> CountTraces(size_t side) {
    const ItemSet set = Thinned(whole_[side], sizes_[side], std::max<uint64_t>(RowsOfPlaces(side), 1));
    std::unordered_map<std::string, OfTrace> traces;
    std::vector<std::string> ids;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format(
            "SELECT TraceId, sum(AdjustedCount), min(Timestamp), max(Timestamp) FROM {} WHERE {} GROUP BY TraceId "
            "ORDER BY sipHash64(TraceId) LIMIT {}",
            set.table, set.conditions.Sql(), kTracesOfSide),
        set.conditions.parameters(), [&](RowReader& row) {
          std::string id = row.Hex(16);
          OfTrace trace;
          trace.weight = row.Number<double>();
          trace.from_unix_nanos = row.Number<int64_t>();
          trace.to_unix_nanos = row.Number<int64_t>();
          ids.push_back(id);
          traces[std::move(id)] = trace;
        }));
    if (ids.empty()) return {};
    double weight = 0, squares = 0;
    int64_t from = INT64_MAX, to = 0;
    for (const auto& [id, trace] : traces) {
      weight += trace.weight;
      squares += trace.weight * trace.weight;
      from = std::min(from, trace.from_unix_nanos);
      to = std::max(to, trace.to_unix_nanos);
    }
    counts_.trace_weights[side] = weight;
    counts_.independent_traces[side] = weight * weight / squares;
    Conditions conditions = sides_[side].conditions;  // for the bound values
    const std::string pairs =
        fmt::format("arrayConcat({}, arrayFilter(p -> p.2 != '', [('rservice.name', {})]))", pairs_, kService);
    return question_.ForEachRow(
        fmt::format(
            "SELECT TraceId, groupUniqArrayArray({})({}) FROM {} WHERE TraceId IN {} AND {} GROUP BY TraceId",
            kPairsOfTraceMax, pairs, set.table, TraceIdList(ids),
            InTime(from - kTraceReachNanos, std::min(to, INT64_MAX - kTraceReachNanos) + kTraceReachNanos, conditions)),
        conditions.parameters(), [&](RowReader& row) {
          const std::string id = row.Hex(16);
          const auto pairs_of_trace = row.Array([&] {
            std::string key = row.Text();
            return std::pair(std::move(key), row.Text());
          });
          AddTrace(side, traces[id].weight, pairs_of_trace);
          all_pairs_are_known_ &= pairs_of_trace.size() < kPairsOfTraceMax;
        });
  }

  // About as many rows of the table as are in few places, counted in rows of the side.
  uint64_t RowsOfPlaces(size_t side) const {
    const ItemSetSize& size = sizes_[side];
    if (size.rows == 0) return kRowsOfSide;
    const double density =
        static_cast<double>(size.rows) / static_cast<double>(std::max<uint64_t>(size.end - size.begin, 1));
    return std::max<uint64_t>(static_cast<uint64_t>(density * static_cast<double>(kTraceRows)), 4 * kTracesOfSide);
  }

  void AddTrace(size_t side, double weight, const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::set<std::string> seen;
    for (const auto& [key, value] : pairs) {
      if (value.empty() || value == "e" || value == "w") continue;
      const std::string field = FieldOfPair(key);
      const auto of_spans = counts_.of_spans.find(field);
      if (of_spans != counts_.of_spans.end() && of_spans->second.is_numeric) continue;
      AttributeCounts& counts = counts_.of_traces[field];
      if (value.size() <= kValueBytesMax) counts.values[value][side] += weight;
      if (seen.insert(field).second) counts.present[side] += weight;
    }
  }

  ItemSource& source_;
  Question& question_;
  const ExplainSearch& search_;
  std::vector<otlp::HotAttribute> hot_attributes_;  // as they are within the range
  std::string pairs_;
  std::array<ItemSet, 2> whole_, sides_;  // the latter thinned out
  std::array<ItemSetSize, 2> sizes_;
  bool all_pairs_are_known_ = true;  // of the traces that were read
  ExplainCounts counts_;
};

void CollectFields(const traceql::Expression& expression, std::set<std::string>& fields) {
  if (const auto* field = std::get_if<Field>(&expression.node)) {
    if (field->intrinsic != traceql::Intrinsic::kNone) {
      fields.insert(traceql::PrintField(*field));
      return;
    }
    for (const Scope scope : {Scope::kSpan, Scope::kResource}) {
      fields.insert(traceql::PrintField({.scope = scope, .key = CanonicalKey(field->key)}));
    }
  } else if (const auto* unary = std::get_if<traceql::Unary>(&expression.node)) {
    CollectFields(*unary->operand, fields);
  } else if (const auto* binary = std::get_if<traceql::Binary>(&expression.node)) {
    CollectFields(*binary->left, fields);
    CollectFields(*binary->right, fields);
  }
}

}  // namespace

std::set<std::string> FieldsOfSelection(const SpanSelection& selection) {
  std::set<std::string> fields;
  if (selection.min_duration_nanos || selection.max_duration_nanos) {
    fields.insert(traceql::PrintField({.scope = Scope::kSpan, .intrinsic = traceql::Intrinsic::kDuration}));
  }
  if (auto parsed = traceql::ParseSpanCondition(selection.condition.empty() ? "{ }" : selection.condition)) {
    CollectFields(*parsed, fields);
  }
  return fields;
}

Result<ExplainCounts> CountForExplanation(ItemSource& source, Question& question, const ExplainSearch& search) {
  return Counting(source, question, search).Run();
}

}  // namespace sightline::query
