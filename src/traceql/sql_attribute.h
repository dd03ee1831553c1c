// SQL for attributes: where each scope keeps them, and which place counts where several are tried. For sql*.cc only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "traceql/ast.h"
#include "traceql/sql.h"
#include "traceql/sql_values.h"

namespace sightline::traceql {

// Thread: of its owner. Borrows all.
class SqlAttributes {
 public:
  SqlAttributes(const SqlOptions& options, SqlParameters& parameters) : options_(options), parameters_(parameters) {}

  std::string Has(const Field& field) const;
  std::string Compare(const Field& field, const SqlTest& test) const;
  std::string Is(const Field& field, bool value) const;  // it is true, or false: no array

 private:
  // One key in one scope.
  struct Place {
    Scope scope;
    std::string key;
  };
  std::vector<Place> PlacesOf(const Field& field) const;  // in the order in which they count
  std::string HasAt(const Place& place) const;
  std::string CompareAt(const Place& place, const SqlTest& test, bool arrays) const;
  std::string CompareChain(const Field& field, const SqlTest& test, bool arrays) const;

  std::string OnItem(const std::string& key, const SqlTest& test, bool arrays) const;
  std::string InMapOfItem(const std::string& key, const SqlTest& test, bool arrays) const;
  std::string OnSet(const Place& place, const std::string& condition) const;
  std::string OnList(const Place& place, const std::string& condition) const;
  std::string_view Map() const { return options_.subject == Subject::kLogs ? "LogAttributes" : "SpanAttributes"; }
  const otlp::HotAttribute* Hot(const std::string& key) const;

  const SqlOptions& options_;
  SqlParameters& parameters_;
};

}  // namespace sightline::traceql
