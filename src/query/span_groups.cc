#include "query/span_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "query/encoded_field.h"

namespace sightline::query {
namespace {

// Weights are whole numbers to the engine's quantiles: thousandths are exact enough for any rate of sampling.
constexpr const char* kWeight = "toUInt64(round(least(AdjustedCount, 1e9) * 1000))";

const char* OrderOf(GroupSort sort) {
  switch (sort) {
    case GroupSort::kErrors:
      return "Errors DESC, Spans DESC";
    case GroupSort::kP99:
      return "Quantiles[3] DESC, Spans DESC";
    default:
      return "Spans DESC";
  }
}

Result<void> Check(const GroupSearch& search) {
  if (search.limit == 0 || search.limit > kGroupsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kGroupsMax);
  }
  if (search.by.empty() || search.by.size() > kGroupFieldsMax) {
    return Fail(Code::kInvalidArgument, "groups are by 1 to {} fields, not {}", kGroupFieldsMax, search.by.size());
  }
  if (search.sparkline_steps == 0 || search.sparkline_steps > kSparklineStepsMax) {
    return Fail(Code::kInvalidArgument, "{} steps are not within 1 to {}", search.sparkline_steps, kSparklineStepsMax);
  }
  return {};
}

// One question. Thread: of its owner.
class Reading {
 public:
  Reading(ItemSource& source, Question& question, const GroupSearch& search)
      : source_(source), question_(question), search_(search) {}

  Result<GroupPage> Run() {
    SIGHTLINE_TRY(Begin());
    SIGHTLINE_TRY(ReadGroups());
    SIGHTLINE_TRY(ReadSparklines());
    page_.scanned = question_.stats();
    return std::move(page_);
  }

 private:
  Result<void> Begin() {
    if (search_.cursor) {
      begin_ = *search_.cursor;
    } else {
      SIGHTLINE_TRY(question_.ForEachRow("SELECT max(Block) FROM " + question_.Table("spans"), {},
                                         [&](RowReader& row) { begin_.block = row.Number<uint64_t>(); }));
    }
    auto set = source_.Select(question_, search_.query);
    if (!set) return std::unexpected(set.error());
    set_ = *std::move(set);
    set_.conditions.Add("Block <= " + set_.conditions.Bind("UInt64", std::to_string(begin_.block)));
    page_.one_in = set_.one_in;
    const FieldColumns columns{set_.hot_attributes, question_.Table("attribute_sets")};
    std::vector<std::string> names;
    for (const std::string& name : search_.by) {
      auto field = ParseField(name, /*of_logs=*/false);
      if (!field) return std::unexpected(field.error());
      auto key = EncodedField(*field, columns, set_.conditions);
      if (!key) return std::unexpected(key.error());
      keys_ += fmt::format("{} AS K{}, ", *key, names.size());
      names.push_back(fmt::format("K{}", names.size()));
      page_.fields.push_back(traceql::PrintField(*field));
    }
    by_ = fmt::format("{}", fmt::join(names, ", "));
    return {};
  }

  // One more than the page has, so that it is seen when there are more.
  Result<void> ReadGroups() {
    const std::string groups = fmt::format(
        "SELECT {0}sum(AdjustedCount) AS Spans, sumIf(AdjustedCount, StatusCode = 'Error') AS Errors, "
        "quantilesBFloat16Weighted(0.5, 0.95, 0.99)(toFloat64(Duration), {1}) AS Quantiles, toFloat64(max(Duration)) "
        "AS "
        "Longest FROM {2} WHERE {3} GROUP BY {4}",
        keys_, kWeight, set_.table, set_.conditions.Sql(), by_);
    const std::string sql = fmt::format(
        "SELECT [{0}], {5}, Spans, Errors, arrayMap(q -> toFloat64(q), Quantiles), Longest, sum(Spans) OVER (), "
        "sum(Errors) "
        "OVER "
        "(), count() OVER () FROM ({1}) ORDER BY {2}, {0} LIMIT {3} OFFSET {4}",
        by_, groups, OrderOf(search_.sort), search_.limit + 1, begin_.seen, HashOfKeys());
    SIGHTLINE_TRY(question_.ForEachRow(sql, set_.conditions.parameters(), [&](RowReader& row) {
      const std::vector<std::string> keys = row.Texts();
      hashes_of_groups_.push_back(row.Number<uint64_t>());
      SpanGroup group;
      group.spans = row.Number<double>() * set_.one_in;
      group.errors = row.Number<double>() * set_.one_in;
      const auto quantiles = row.Numbers<double>();
      group.max_nanos = row.Number<double>();
      const double spans = row.Number<double>(), errors = row.Number<double>();
      page_.groups_in_all = row.Number<uint64_t>();
      page_.spans = spans * set_.one_in;
      page_.errors = errors * set_.one_in;
      group.p50_nanos = quantiles.at(0);
      group.p95_nanos = quantiles.at(1);
      group.p99_nanos = quantiles.at(2);
      for (const auto& key : keys) group.literals.push_back(DecodedField(key));
      group.sparkline.assign(search_.sparkline_steps, 0);
      page_.groups.push_back(std::move(group));
    }));
    if (page_.groups.size() <= search_.limit) return {};
    page_.groups.pop_back();
    hashes_of_groups_.pop_back();
    const uint32_t seen = begin_.seen + search_.limit;
    if (seen < kGroupsPagedMax) page_.next = GroupCursor{begin_.block, seen};
    return {};
  }

  // Names a group in a statement: its keys may be long texts, and a page has a thousand groups.
  std::string HashOfKeys() const { return "sipHash64(" + by_ + ")"; }

  Result<void> ReadSparklines() {
    if (page_.groups.empty()) return {};
    std::map<uint64_t, size_t> places;
    for (size_t i = 0; i < hashes_of_groups_.size(); ++i) places[hashes_of_groups_[i]] = i;
    Conditions conditions = set_.conditions;
    const ItemQuery& query = search_.query;
    const std::string step = fmt::format(
        "toUInt32(least(intDiv(toUnixTimestamp64Nano(Timestamp) - {}, {}), {}))",
        conditions.Bind("Int64", std::to_string(query.from_unix_nanos)),
        conditions.Bind("Int64",
                        std::to_string((query.to_unix_nanos - query.from_unix_nanos) / search_.sparkline_steps + 1)),
        search_.sparkline_steps - 1);
    const std::string sql = fmt::format(
        "SELECT {0} AS GroupHash, Step, sum(AdjustedCount) FROM (SELECT {1}{2} AS Step, AdjustedCount FROM {3} WHERE "
        "{4}) "
        "WHERE GroupHash IN ({5}) GROUP BY GroupHash, Step",
        HashOfKeys(), keys_, step, set_.table, set_.conditions.Sql(), fmt::join(hashes_of_groups_, ", "));
    return question_.ForEachRow(sql, conditions.parameters(), [&](RowReader& row) {
      const auto group = row.Number<uint64_t>();
      const auto at = row.Number<uint32_t>();
      const double spans = row.Number<double>() * set_.one_in;
      const auto found = places.find(group);
      if (found != places.end()) page_.groups[found->second].sparkline.at(at) += spans;
    });
  }

  ItemSource& source_;
  Question& question_;
  const GroupSearch& search_;
  GroupCursor begin_;
  ItemSet set_;
  std::string keys_, by_;  // SQL: "… AS K0, ", "K0, K1"
  std::vector<uint64_t> hashes_of_groups_;
  GroupPage page_;
};

}  // namespace

Result<GroupPage> GroupReader::Read(const GroupSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(Check(search));
  Question question = source_.Ask(cancellation);
  return Reading(source_, question, search).Run();
}

}  // namespace sightline::query
