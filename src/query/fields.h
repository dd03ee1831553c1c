// What can be asked for: names of attributes by scope and values of fields, with how many of the newest items have
// them. For completion and for facets. Data: the newest items of a range -> counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "otlp/signal.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kFieldsMax = 1000;         // of an answer
inline constexpr uint32_t kFieldsLookedAt = 20'000;  // items; counts are of these
inline constexpr uint32_t kBodiesLookedAt = 2'000;   // of those with a body of JSON; counts are scaled up

struct FieldSearch {
  otlp::Signal signal = otlp::Signal::kTraces;     // or kLogs
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to)
  std::string text;                                // is in the name (or value) somewhere, whatever its case; "": any
  uint32_t limit = 50;                             // 1 to kFieldsMax
};

struct FieldName {
  std::string field;   // as TraceQL writes it: "span.http.route", "resource.\"a key\""
  uint64_t items = 0;  // that have it; of resource attributes: resources
};
struct FieldNames {
  std::vector<FieldName> names;  // most items first
  store::QueryStats scanned;
};

struct FieldValue {
  std::string literal;  // as TraceQL writes it: "\"GET\"", "200", "error"
  uint64_t items = 0;
};
struct FieldValues {
  std::vector<FieldValue> values;  // most items first
  store::QueryStats scanned;
};

// Thread: any.
class FieldReader {
 public:
  // `clickhouse` must outlive it. `hot_attributes`: all that have a column.
  FieldReader(store::ClickHouse& clickhouse, std::vector<otlp::HotAttribute> hot_attributes, std::string database)
      : clickhouse_(clickhouse), hot_attributes_(std::move(hot_attributes)), database_(std::move(database)) {}

  // kInvalidArgument: a limit out of bounds, an empty range.
  Result<FieldNames> Names(const FieldSearch& search, store::Cancellation* cancellation = nullptr);
  // `field` as TraceQL writes it. Of those that are calculated (durations, ids, what the tree says) there are none.
  // kInvalidArgument besides: no field.
  Result<FieldValues> Values(std::string_view field, const FieldSearch& search,
                             store::Cancellation* cancellation = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  const std::vector<otlp::HotAttribute> hot_attributes_;
  const std::string database_;
};

}  // namespace sightline::query
