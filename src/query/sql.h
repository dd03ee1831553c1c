// Runs read-only SQL of strangers under limits. Data: text -> SqlGate -> ClickHouse -> formatted pieces.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "query/sql_gate.h"
#include "store/clickhouse.h"

namespace sightline::query {

struct SqlLimits {
  uint32_t seconds_max = 60;
  uint64_t memory_bytes_max = 1'000'000'000;
  uint64_t result_rows_max = 1'000'000;  // beyond it the query fails: a cut answer would look whole
  uint64_t result_bytes_max = 512 << 20;
  uint64_t rows_to_read_max = 20'000'000'000;
  uint32_t threads_max = 2;
};

// Thread: any.
class SqlRunner {
 public:
  // `clickhouse` must outlive it.
  SqlRunner(store::ClickHouse& clickhouse, SqlLimits limits, std::string database = "sightline")
      : clickhouse_(clickhouse), gate_(clickhouse, database), limits_(limits), database_(std::move(database)) {}

  // What Run will answer in: the FORMAT clause of the text, else `format`, else JSON. kInvalidArgument as the gate
  // says.
  Result<CheckedSql> Check(std::string_view sql, std::string_view format);

  // `checked` must come from Check. The contract of store::ClickHouse::Query holds for the rest.
  Result<store::QueryStats> Run(const CheckedSql& checked, const std::function<bool(std::string_view piece)>& sink,
                                store::Cancellation* cancellation);

 private:
  store::ClickHouse& clickhouse_;
  SqlGate gate_;
  const SqlLimits limits_;
  const std::string database_;
};

// The media type of an output format.
std::string_view ContentType(std::string_view format);

}  // namespace sightline::query
