// A store of spans and log records for measuring questions: made by SQL, the same content at each call, so that it is
// built once and asked many times. Data: number of items -> the embedded engine with our schema and the items.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "store/clickhouse.h"

namespace sightline::bench {

// Evenly over a day. Traces of 8 spans of 20 services; one trace in 200,000 has the tenant "rare".
struct QueryStore {
  std::unique_ptr<store::ClickHouse> clickhouse;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // of the items
};

// In `directory`/clickhouse, where `sightline serve --data-dir` looks too. What is there with as many log records,
// and with as many spans or none, is used; anything else is refused.
Result<QueryStore> OpenQueryStore(const std::string& directory, int64_t items, bool with_spans);

}  // namespace sightline::bench
