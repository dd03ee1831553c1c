#include "traceql/sql_attribute.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <span>

#include "otlp/attribute_columns.h"
#include "otlp/sql_quote.h"
#include "traceql/sql_body.h"

namespace sightline::traceql {
namespace {

// As evaluate.cc looks for them.
constexpr std::array kOrderOfSpans = {Scope::kSpan, Scope::kResource, Scope::kEvent, Scope::kLink,
                                      Scope::kInstrumentation};
constexpr std::array kOrderOfLogs = {Scope::kLog, Scope::kResource, Scope::kInstrumentation};

std::span<const Scope> UnscopedOrder(Subject subject) {
  if (subject == Subject::kLogs) return kOrderOfLogs;
  return kOrderOfSpans;
}

// The attribute of a map with a column of letters, in SQL.
struct Stored {
  std::string letter, text;
};

Stored InMap(std::string_view map, std::string_view letters, const std::string& key) {
  const std::string of(map);
  return {"substring(" + std::string(letters) + ", indexOf(mapKeys(" + of + "), " + key + "), 1)",
          of + "[" + key + "]"};
}

// The types column beside a map: SpanAttributes, SpanAttributeTypes.
std::string LettersOf(std::string_view map) {
  return std::string(map.substr(0, map.size() - 1)) + "Types";
}

Stored InSet(const std::string& key) {
  return {"substring(Types, indexOf(Keys, " + key + "), 1)", "Values[indexOf(Keys, " + key + ")]"};
}

std::string IsThere(const Stored& stored) {
  return stored.letter + " NOT IN ('', 'e')";
}

std::string Tested(const SqlTest& test, const Stored& stored, bool arrays) {
  return arrays ? test.OfAttribute(stored.letter, stored.text) : test.OfScalar(stored.letter, stored.text);
}

// The condition can hold only for services that have a name, so that the column says it all.
bool NeedsName(const SqlTest& test) {
  if (test.literal().type != Type::kString) return false;
  if (test.op() == Operator::kEqual) return !test.literal().text.empty();
  return test.op() == Operator::kMatch && !re2::RE2::FullMatch("", "(?s:" + std::string(test.literal().text) + ")");
}

}  // namespace

std::vector<SqlAttributes::Place> SqlAttributes::PlacesOf(const Field& field) const {
  std::vector<Place> places;
  auto add = [&](const std::string& key) {
    for (const Scope scope : UnscopedOrder(options_.subject)) {
      if (field.scope != Scope::kNone && field.scope != scope) continue;
      if (!options_.may_have || options_.may_have(scope, key)) places.push_back({scope, key});
    }
  };
  add(field.key);
  for (const std::string_view alias : field.aliases) add(std::string(alias));
  return places;
}

const otlp::HotAttribute* SqlAttributes::Hot(const std::string& key) const {
  if (options_.hot_attributes == nullptr) return nullptr;
  const auto found = std::ranges::find(*options_.hot_attributes, key, &otlp::HotAttribute::key);
  return found == options_.hot_attributes->end() ? nullptr : &*found;
}

std::string SqlAttributes::OnSet(const Place& place, const std::string& condition) const {
  const std::string column = place.scope == Scope::kResource ? "ResourceId" : "ScopeId";
  if (condition == "0") return condition;
  return column + " IN (SELECT Id FROM " + options_.attribute_sets + " WHERE " + condition + ")";
}

// Over events or links; m and t are the attributes of one and their letters.
std::string SqlAttributes::OnList(const Place& place, const std::string& condition) const {
  const std::string list = place.scope == Scope::kEvent ? "Events" : "Links";
  if (condition == "0") return condition;
  return "arrayExists((m, t) -> " + condition + ", " + list + ".Attributes, " + list + ".AttributeTypes)";
}

std::string SqlAttributes::HasAt(const Place& place) const {
  const std::string key = parameters_.BindText(place.key);
  switch (place.scope) {
    case Scope::kSpan:
    case Scope::kLog: {
      const std::string in_map =
          And("mapContains(" + std::string(Map()) + ", " + key + ")", IsThere(InMap(Map(), LettersOf(Map()), key)));
      const otlp::HotAttribute* hot = Hot(place.key);
      if (hot == nullptr) return in_map;
      const std::string in_column = otlp::QuoteName("a." + place.key) + " != ''";
      return hot->may_be_in_map ? Or(in_column, in_map) : in_column;
    }
    case Scope::kResource:
    case Scope::kInstrumentation:
      return OnSet(place, IsThere(InSet(key)));
    default:
      return OnList(place, IsThere(InMap("m", "t", key)));
  }
}

// What the engine knows of whole granules comes first: `mapContains`, and the texts in the very words of the indexes
// (store/schema/0007_attribute_indexes.sql), which say "[" where there is an array.
std::string SqlAttributes::InMapOfItem(const std::string& key, const SqlTest& test, bool arrays) const {
  const std::string map(Map()), bound = parameters_.BindText(key);
  const std::string tested = Tested(test, InMap(map, LettersOf(map), bound), arrays);
  if (tested == "0") return tested;
  std::string texts;
  for (const std::string& text : test.Texts()) texts += parameters_.BindText(text) + ", ";
  const std::string contains = "mapContains(" + map + ", " + bound + ")";
  if (texts.empty()) return And(contains, tested);
  return And(And(contains, "hasAny(arrayPushBack(mapValues(" + map + "), if(position(" + LettersOf(map) +
                               ", 'a') > 0, '[', '')), [" + texts + "'['])"),
             tested);
}

// An empty hot column says nothing: empty texts and values of another type than the configured one are in the map.
std::string SqlAttributes::OnItem(const std::string& key, const SqlTest& test, bool arrays) const {
  const otlp::HotAttribute* hot = Hot(key);
  const std::string in_map = hot != nullptr && !hot->may_be_in_map ? "0" : InMapOfItem(key, test, arrays);
  if (hot == nullptr) return in_map;
  const std::string column = otlp::QuoteName("a." + key);
  const std::string in_column = test.OfKnown(otlp::TypeLetter(hot->type), column);
  const bool plain =
      hot->type == otlp::HotAttribute::Type::kString && test.op() == Operator::kEqual && !test.literal().text.empty();
  return Or(plain ? in_column : And(column + " != ''", in_column), And(column + " = ''", in_map));
}

std::string SqlAttributes::CompareAt(const Place& place, const SqlTest& test, bool arrays) const {
  const std::string key = parameters_.BindText(place.key);
  switch (place.scope) {
    case Scope::kSpan:
    case Scope::kLog:
      return OnItem(place.key, test, arrays);
    case Scope::kResource:
      if (place.key == "service.name" && NeedsName(test)) return test.OfText("ServiceName");
      return OnSet(place, Tested(test, InSet(key), arrays));
    case Scope::kInstrumentation:
      return OnSet(place, Tested(test, InSet(key), arrays));
    default: {
      if (!arrays) return "0";  // several values are neither true nor false
      const Stored stored = InMap("m", "t", key);
      auto exists = [&](const std::string& condition) { return OnList(place, condition); };
      return AnyOrNone(test, exists, test.IsComparable(stored.letter),
                       test.Positive().OfScalar(stored.letter, stored.text));
    }
  }
}

// The first place that has the key counts.
std::string SqlAttributes::CompareChain(const Field& field, const SqlTest& test, bool arrays) const {
  const std::vector<Place> places = PlacesOf(field);
  std::string chain = "0";
  for (size_t i = places.size(); i-- > 0;) {
    const std::string here = CompareAt(places[i], test, arrays);
    chain = chain == "0" ? here : Or(here, And(Not(HasAt(places[i])), chain));
  }
  return chain;
}

std::string SqlAttributes::Has(const Field& field) const {
  if (field.scope == Scope::kBody) return HasInBody(field, parameters_);
  std::string any = "0";
  for (const Place& place : PlacesOf(field)) any = Or(any, HasAt(place));
  return any;
}

std::string SqlAttributes::Compare(const Field& field, const SqlTest& test) const {
  if (field.scope == Scope::kBody) return CompareInBody(field, test, true, parameters_);
  return CompareChain(field, test, true);
}

std::string SqlAttributes::Is(const Field& field, bool value) const {
  const SqlTest test(Operator::kEqual, Value::Bool(value), parameters_);
  if (field.scope == Scope::kBody) return CompareInBody(field, test, false, parameters_);
  return CompareChain(field, test, false);
}

}  // namespace sightline::traceql
