// SQL that compares one value with a literal, for values as the tables keep them: typed columns, and attributes as text
// with a letter for the type (store/schema/0001_tables.sql). For sql*.cc only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traceql/ast.h"

namespace sightline::traceql {

// Values on their way beside the SQL. Thread: of its owner.
class SqlParameters {
 public:
  explicit SqlParameters(std::string prefix) : prefix_(std::move(prefix)) {}
  // What stands for the value in the SQL. The same value of the same type is bound once.
  std::string Bind(std::string_view type, const std::string& value);
  std::string BindText(std::string_view text) { return Bind("String", std::string(text)); }
  std::map<std::string, std::string> Take() { return std::move(values_); }

 private:
  std::string prefix_;
  std::map<std::string, std::string> values_;                         // by name
  std::map<std::pair<std::string, std::string>, std::string> known_;  // (type, value) -> placeholder
};

// `value op literal`. Thread: of its owner. Borrows the parameters.
class SqlTest {
 public:
  SqlTest(Operator op, const Value& literal, SqlParameters& parameters)
      : op_(op), literal_(literal), parameters_(parameters) {}

  Operator op() const { return op_; }
  const Value& literal() const { return literal_; }
  bool negative() const { return op_ == Operator::kNotEqual || op_ == Operator::kNotMatch; }
  SqlTest Positive() const;  // = for !=, =~ for !~
  // All texts of stored attributes for which it holds, but for arrays; none: there are too many.
  std::vector<std::string> Texts() const;

  // On columns.
  std::string OfText(const std::string& text) const;
  std::string OfWhole(const std::string& number) const;  // Int64 or UInt64
  // On an attribute that is no array: its letter and its text, in SQL.
  std::string OfScalar(const std::string& letter, const std::string& text) const;
  // That the attribute has a type that the literal can be compared with.
  std::string IsComparable(const std::string& letter) const;
  // On any attribute: of an array one element, or none for != and !~.
  std::string OfAttribute(const std::string& letter, const std::string& text) const;
  // On a value as it is in JSON, and with `arrays` on an array of such.
  std::string OfJson(const std::string& json, bool arrays) const;
  // On an attribute whose letter is known.
  std::string OfKnown(char letter, const std::string& text) const;

 private:
  std::string OfJsonScalar(const std::string& json) const;
  std::string IsComparableJson(const std::string& json) const;
  std::string OfArray(const std::string& json) const;
  std::string OfDouble(const std::string& number) const;

  Operator op_;
  Value literal_;
  SqlParameters& parameters_;
};

std::string Not(const std::string& sql);
std::string And(const std::string& left, const std::string& right);
std::string Or(const std::string& left, const std::string& right);
// For a lambda over arrays: op with the positive test on any, or comparable to some and positive on none.
std::string AnyOrNone(const SqlTest& test, const std::function<std::string(const std::string& condition)>& exists,
                      const std::string& is_comparable, const std::string& holds);

}  // namespace sightline::traceql
