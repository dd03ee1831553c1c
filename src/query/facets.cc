#include "query/facets.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "otlp/filled_columns.h"
#include "otlp/sql_quote.h"
#include "query/encoded_field.h"
#include "query/json_body.h"
#include "query/own_condition.h"
#include "traceql/aliases.h"

namespace sightline::query {
namespace {

using traceql::Field;
using traceql::Intrinsic;
using traceql::Scope;

// Rows that are looked at: columns are cheap, maps are not. The first ones say which attributes there are.
// Bodies of JSON are read for each field anew.
constexpr uint64_t kColumnRows = 125'000, kMapRows = 40'000, kBodyRows = 15'000;
constexpr uint64_t kDiscoveryRows = 20'000, kDiscoveryBodies = 2'000;
// Facets that nobody asked for: of attributes by how often items have them.
constexpr size_t kFoundMax = 8, kFoundOfResourcesMax = 6, kFoundInBodiesMax = 8;
constexpr size_t kKeysMax = 500, kResourcesMax = 10'000;

constexpr const char* kSpanFields[] = {"resource.service.name",
                                       "name",
                                       "kind",
                                       "status",
                                       "span.http.request.method",
                                       "span.http.route",
                                       "span.http.response.status_code",
                                       "span.db.system.name",
                                       "span.server.address",
                                       "span.error.type",
                                       "span.model.version"};
constexpr const char* kLogFields[] = {"severity", "resource.service.name", "eventName", "instrumentation:name"};

// All names of one attribute.
std::vector<std::string> NamesOf(const Field& field) {
  std::vector<std::string> names = {field.key};
  for (const std::string_view alias : field.aliases) names.emplace_back(alias);
  return names;
}

struct FoundKey {
  double items = 0;  // of those looked at
  uint64_t values = 0;
  bool in_map = false;
};

// Values that are nearly all different make no facet.
bool IsTelling(double items, uint64_t values) {
  return values <= 20 || static_cast<double>(values) <= items / 2;
}

// One question. Thread: of its owner.
class Reading {
 public:
  Reading(ItemSource& source, Question& question, const FacetSearch& search)
      : source_(source),
        question_(question),
        search_(search),
        is_logs_(search.query.signal == otlp::Signal::kLogs),
        columns_{hot_attributes_, question.Table("attribute_sets"), is_logs_} {}

  Result<FacetAnswer> Run() {
    auto set = source_.Select(question_, search_.query);
    if (!set) return std::unexpected(set.error());
    hot_attributes_ = set->hot_attributes;
    auto size = EstimateSize(question_, *set);
    if (!size) return std::unexpected(size.error());
    SIGHTLINE_TRY(Discover(Thinned(*set, *size, kDiscoveryRows)));
    if (is_logs_ && search_.fields.empty()) SIGHTLINE_TRY(DiscoverInBodies(Thinned(*set, *size, kDiscoveryBodies)));
    const ItemSet by_columns = Thinned(*set, *size, kColumnRows);
    SIGHTLINE_TRY(ReadResources(by_columns));
    SIGHTLINE_TRY(ChooseFields());
    SIGHTLINE_TRY(ReadColumns(by_columns));
    SIGHTLINE_TRY(ReadRows(by_map_, Thinned(*set, *size, kMapRows)));
    SIGHTLINE_TRY(ReadRows(by_body_, Thinned(*set, *size, kBodyRows)));
    SIGHTLINE_TRY(ReadWider());
    if (search_.fields.empty()) {
      std::erase_if(answer_.facets, [](const Facet& facet) { return facet.values.empty(); });
    }
    answer_.scanned = question_.stats();
    return std::move(answer_);
  }

 private:
  // Which attributes some of the items have, and how.
  Result<void> Discover(const ItemSet& set) {
    const std::string map = is_logs_ ? "LogAttributes" : "SpanAttributes";
    std::string pairs = fmt::format("arrayMap((k, v) -> (toString(k), v, 1), mapKeys({0}), mapValues({0}))", map);
    if (!is_logs_) {
      pairs = fmt::format(
          "arrayConcat({}, arrayMap(c -> (substring(c, 3), '', 0), arrayFilter(c -> startsWith(c, 'a.'), "
          "splitByChar(char({}), toString(FilledColumns)))))",
          pairs, static_cast<int>(otlp::kFilledSeparator));
    }
    return question_.ForEachRow(
        fmt::format("SELECT Pair.1 AS Key, toFloat64(count()), uniq(Pair.2), max(Pair.3) FROM (SELECT arrayJoin({}) AS "
                    "Pair FROM {} WHERE {}) GROUP BY Key ORDER BY count() DESC, Key LIMIT {}",
                    pairs, set.table, set.conditions.Sql(), kKeysMax),
        set.conditions.parameters(), [&](RowReader& row) {
          const std::string key = row.Text();
          FoundKey found;
          found.items = row.Number<double>();
          found.values = row.Number<uint64_t>();
          found.in_map = row.Number<uint8_t>() != 0;
          if (!key.empty()) found_[key] = found;
        });
  }

  // Which fields bodies of JSON have.
  Result<void> DiscoverInBodies(const ItemSet& set) {
    return question_.ForEachRow(fmt::format("SELECT Body FROM {} WHERE ({}) AND {} LIMIT {}", set.table,
                                            set.conditions.Sql(), kIsJsonBody, kDiscoveryBodies),
                                set.conditions.parameters(), [&](RowReader& row) { in_bodies_.Add(row.Text()); });
  }

  // All attributes of resources are counted by one statement: there are few resources.
  Result<void> ReadResources(const ItemSet& set) {
    std::map<std::string, double> by_id;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format("SELECT toString(ResourceId) AS Id, sum({}) AS Weight FROM {} WHERE {} GROUP BY Id ORDER BY Weight "
                    "DESC LIMIT {}",
                    set.weight, set.table, set.conditions.Sql(), kResourcesMax),
        set.conditions.parameters(), [&](RowReader& row) {
          std::string id = row.Text();
          by_id[std::move(id)] = row.Number<double>() * set.one_in;
        }));
    std::set<std::string> ids;
    answer_.one_in = set.one_in;
    for (const auto& [id, items] : by_id) {
      answer_.items += items;
      ids.insert(id);
    }
    auto sets = source_.attribute_sets().Read(question_, std::move(ids));
    if (!sets) return std::unexpected(sets.error());
    for (const AttributeSet& resource : *sets) {
      std::map<std::string, std::string> values;  // the newer name counts first
      for (const Attribute& attribute : resource.attributes) {
        const std::string key = CanonicalKey(attribute.key);
        if (attribute.type == 'e') continue;
        if (key == attribute.key || !values.contains(key)) values[key] = attribute.type + attribute.text;
      }
      for (const auto& [key, value] : values) of_resources_[key][value] += by_id[resource.id];
    }
    return {};
  }

  Result<void> ChooseFields() {
    if (!search_.fields.empty()) {
      for (const std::string& name : search_.fields) {
        auto field = ParseField(name, is_logs_);
        if (!field) return std::unexpected(field.error());
        SIGHTLINE_TRY(Choose(*field, /*wanted=*/true));
      }
      return {};
    }
    const auto fixed = is_logs_ ? std::span<const char* const>(kLogFields) : std::span<const char* const>(kSpanFields);
    for (const char* name : fixed) SIGHTLINE_TRY(Choose(*ParseField(name, is_logs_), /*wanted=*/false));
    SIGHTLINE_TRY(ChooseFoundOnItems());
    SIGHTLINE_TRY(ChooseFoundInBodies());
    return ChooseFoundOnResources();
  }

  bool IsChosen(Scope scope, const std::string& key) const {
    return std::ranges::any_of(fields_, [&](const Field& field) { return field.scope == scope && field.key == key; });
  }

  Result<void> ChooseFoundOnItems() {
    std::map<std::string, FoundKey> canonical;
    for (const auto& [key, found] : found_) {
      FoundKey& sum = canonical[CanonicalKey(key)];
      sum.items += found.items;
      sum.values = std::max(sum.values, found.values);
    }
    for (const auto& hot : hot_attributes_) {
      if (hot.high_cardinality) canonical.erase(CanonicalKey(hot.key));
    }
    std::vector<std::pair<double, std::string>> order;
    for (const auto& [key, found] : canonical) {
      if (IsTelling(found.items, found.values)) order.emplace_back(-found.items, key);
    }
    std::ranges::sort(order);
    const Scope scope = is_logs_ ? Scope::kLog : Scope::kSpan;
    size_t chosen = 0;
    for (const auto& [items, key] : order) {
      if (chosen == kFoundMax) break;
      if (IsChosen(scope, key)) continue;
      ++chosen;
      SIGHTLINE_TRY(Choose({.scope = scope, .key = key, .aliases = traceql::AliasesOf(key)}, /*wanted=*/false));
    }
    return {};
  }

  Result<void> ChooseFoundInBodies() {
    std::vector<std::pair<int64_t, std::vector<std::string>>> order;
    for (const auto& [path, found] : in_bodies_.fields()) {
      if (IsTelling(static_cast<double>(found.bodies), found.values.size())) {
        order.emplace_back(-static_cast<int64_t>(found.bodies), path);
      }
    }
    std::ranges::sort(order);
    if (order.size() > kFoundInBodiesMax) order.resize(kFoundInBodiesMax);
    for (const auto& [bodies, path] : order) SIGHTLINE_TRY(Choose(traceql::BodyField(path), /*wanted=*/false));
    return {};
  }

  Result<void> ChooseFoundOnResources() {
    std::vector<std::pair<double, std::string>> order;
    for (const auto& [key, values] : of_resources_) {
      double items = 0;
      for (const auto& [value, of_value] : values) items += of_value;
      if (IsTelling(items, values.size())) order.emplace_back(-items, key);
    }
    std::ranges::sort(order);
    size_t chosen = 0;
    for (const auto& [items, key] : order) {
      if (chosen == kFoundOfResourcesMax) break;
      if (IsChosen(Scope::kResource, key)) continue;
      ++chosen;
      SIGHTLINE_TRY(
          Choose({.scope = Scope::kResource, .key = key, .aliases = traceql::AliasesOf(key)}, /*wanted=*/false));
    }
    return {};
  }

  // A facet's place, in the order of the answer. How it is read: from the resources, from columns, or from maps.
  Result<void> Choose(Field field, bool wanted) {
    const size_t place = fields_.size();
    const bool attribute = field.intrinsic == Intrinsic::kNone;
    if (attribute && field.scope != Scope::kBody) {
      field.key = CanonicalKey(field.key);
      field.aliases = traceql::AliasesOf(field.key);
    }
    Conditions checked;
    if (auto sql = EncodedField(field, columns_, checked); !sql) return std::unexpected(sql.error());
    const bool on_item = attribute && (field.scope == Scope::kSpan || field.scope == Scope::kLog);
    if (on_item && !wanted && !std::ranges::any_of(NamesOf(field), [&](auto& name) { return found_.contains(name); })) {
      return {};
    }
    fields_.push_back(field);
    answer_.facets.push_back({.field = traceql::PrintField(field)});
    if (auto wider = WithoutConditionsOn(field, search_.query)) {
      wider_.emplace_back(place, *std::move(wider));
    } else if (field.scope == Scope::kResource && attribute && field.key != "service.name") {
      Take(place, of_resources_[field.key]);
    } else if (field.scope == Scope::kBody) {
      by_body_.push_back(place);
    } else if (std::string column = ColumnOf(field); !column.empty()) {
      by_column_.emplace_back(place, std::move(column));
    } else {
      by_map_.push_back(place);
    }
    return {};
  }

  Result<void> ReadWider() {
    for (const auto& [place, query] : wider_) {
      Facet& facet = answer_.facets[place];
      const FacetSearch search{.query = query, .fields = {facet.field}, .values_max = search_.values_max};
      auto answer = Reading(source_, question_, search).Run();
      if (!answer) return std::unexpected(answer.error());
      facet = std::move(answer->facets.front());
    }
    return {};
  }

  // "": its values are in maps.
  std::string ColumnOf(const Field& field) {
    Conditions none;
    if (field.intrinsic != Intrinsic::kNone || field.scope == Scope::kResource) {
      return *EncodedField(field, columns_, none);
    }
    if (field.scope != Scope::kSpan) return "";
    std::string chain = "''";
    const std::vector<std::string> names = NamesOf(field);
    for (size_t i = names.size(); i-- > 0;) {
      const auto found = found_.find(names[i]);
      if (found != found_.end() && found->second.in_map) return "";
      const std::string column = EncodedColumn(names[i], columns_);
      if (column.empty() || found == found_.end()) continue;
      const std::string there = otlp::QuoteName("a." + names[i]) + " != ''";
      chain = fmt::format("if({}, {}, {})", there, column, chain);
    }
    return chain == "''" ? "" : chain;
  }

  Result<void> ReadColumns(const ItemSet& set) {
    std::string sql;
    for (const auto& [place, column] : by_column_) {
      sql += fmt::format(
          "{}(SELECT toUInt32({}), V, W, sum(W) OVER () FROM (SELECT {} AS V, sum({}) AS W FROM {} WHERE {} GROUP BY "
          "V) "
          "WHERE V NOT IN ('', 'e', 's') ORDER BY W DESC, V LIMIT {})",
          sql.empty() ? "" : " UNION ALL ", place, column, set.weight, set.table, set.conditions.Sql(),
          search_.values_max + 1);
    }
    return sql.empty() ? Result<void>() : ReadValues(sql, set.conditions, set.one_in);
  }

  Result<void> ReadRows(const std::vector<size_t>& places, const ItemSet& set) {
    if (places.empty()) return {};
    Conditions conditions = set.conditions;
    std::string values;
    for (const size_t place : places) {
      values += fmt::format("{}(toUInt32({}), {})", values.empty() ? "" : ", ", place,
                            *EncodedField(fields_[place], columns_, conditions));
    }
    return ReadValues(
        fmt::format(
            "SELECT F, V, W, sum(W) OVER (PARTITION BY F) FROM (SELECT Pair.1 AS F, Pair.2 AS V, sum(Weight) AS W "
            "FROM (SELECT arrayJoin([{}]) AS Pair, {} AS Weight FROM {} WHERE {}) WHERE Pair.2 NOT IN ('', 'e') "
            "GROUP BY F, V) ORDER BY F, W DESC, V LIMIT {} BY F",
            values, set.weight, set.table, conditions.Sql(), search_.values_max + 1),
        conditions, set.one_in);
  }

  Result<void> ReadValues(const std::string& sql, const Conditions& conditions, double one_in) {
    SIGHTLINE_TRY(question_.ForEachRow(sql, conditions.parameters(), [&](RowReader& row) {
      const auto place = row.Number<uint32_t>();
      const std::string value = row.Text();
      const double items = row.Number<double>() * one_in;
      const double all = row.Number<double>() * one_in;
      Facet& facet = answer_.facets.at(place);
      facet.items = all;
      facet.one_in = one_in;
      facet.values.push_back({DecodedField(value), items});
    }));
    for (Facet& facet : answer_.facets) Cut(facet);
    return {};
  }

  void Take(size_t place, const std::map<std::string, double>& values) {
    Facet& facet = answer_.facets[place];
    facet.one_in = answer_.one_in;
    for (const auto& [value, items] : values) {
      facet.items += items;
      facet.values.push_back({DecodedField(value), items});
    }
    Cut(facet);
  }

  void Cut(Facet& facet) const {
    std::ranges::stable_sort(facet.values, std::ranges::greater(), &FacetValue::items);
    if (facet.values.size() <= search_.values_max) return;
    facet.values.resize(search_.values_max);
    facet.is_cut = true;
  }

  ItemSource& source_;
  Question& question_;
  const FacetSearch& search_;
  const bool is_logs_;
  std::vector<otlp::HotAttribute> hot_attributes_;  // as they are within the range
  const FieldColumns columns_;
  std::map<std::string, FoundKey> found_;                              // on items, by key
  BodyFields in_bodies_;                                               // of log records
  std::map<std::string, std::map<std::string, double>> of_resources_;  // by key and encoded value
  std::vector<Field> fields_;                                          // of the answer's facets
  std::vector<std::pair<size_t, std::string>> by_column_;              // place and SQL
  std::vector<size_t> by_map_, by_body_;
  std::vector<std::pair<size_t, ItemQuery>> wider_;  // place, and the query without conditions on the facet's field
  FacetAnswer answer_;
};

}  // namespace

Result<FacetAnswer> FacetReader::Read(const FacetSearch& search, store::Cancellation* cancellation) {
  if (search.values_max == 0 || search.values_max > kFacetValuesMax) {
    return Fail(Code::kInvalidArgument, "{} values are not within 1 to {}", search.values_max, kFacetValuesMax);
  }
  if (search.fields.size() > kFacetFieldsMax) {
    return Fail(Code::kInvalidArgument, "at most {} fields are counted at once", kFacetFieldsMax);
  }
  Question question = source_.Ask(cancellation);
  return Reading(source_, question, search).Run();
}

}  // namespace sightline::query
