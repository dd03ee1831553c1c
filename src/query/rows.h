// Rows of ClickHouse as JSON arrays (JSONCompactEachRow), one callback a row.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/clickhouse.h"

namespace sightline::query {

// Reads the fields of one row in their order. A field of another type than asked for throws simdjson_error, which
// ForEachRow turns into kInternal: the query and the code that reads it do not fit together.
class RowReader {
 public:
  explicit RowReader(const simdjson::dom::array& row) : field_(row.begin()), end_(row.end()) {}

  simdjson::dom::element Next();
  std::string Text();
  int64_t Int();
  uint64_t UInt();
  double Number();
  bool Flag() { return UInt() != 0; }
  std::vector<std::string> Texts();

 private:
  simdjson::dom::array::iterator field_, end_;
};

int64_t ToInt(const simdjson::dom::element& field);

Result<void> ForEachRow(store::ClickHouse& clickhouse, const std::string& sql, store::QueryOptions options,
                        const std::function<void(RowReader& row)>& read);

}  // namespace sightline::query
