// Columns of numbers of ClickHouse in its format Native, a callback for each block of rows: for answers of millions of
// rows, which to take apart field by field costs more than to compute with.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/clickhouse.h"

namespace sightline::query {

// Some rows of an answer whose columns are UInt64, Int64 or Float64.
class NumberBlock {
 public:
  NumberBlock(size_t rows, std::vector<const char*> columns) : rows_(rows), columns_(std::move(columns)) {}

  size_t rows() const { return rows_; }
  template <typename T>
  T At(size_t column, size_t row) const {
    static_assert(sizeof(T) == kWidth && std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, columns_[column] + row * kWidth, kWidth);  // not aligned
    return value;
  }

  static constexpr size_t kWidth = 8;

 private:
  size_t rows_;
  std::vector<const char*> columns_;
};

// `sql` selects `columns` columns. kInternal when the answer has another shape.
Result<store::QueryStats> ForEachBlock(store::ClickHouse& clickhouse, const std::string& sql, size_t columns,
                                       store::QueryOptions options,
                                       const std::function<void(const NumberBlock& block)>& read,
                                       store::Cancellation* cancellation = nullptr);

// One of the statements of an answer.
struct BlockStatement {
  std::string sql;
  size_t columns = 0;
  std::function<void(const NumberBlock& block)> read;
};

// All at the same time, each read on a thread of its own. A fault of one ends them all. The statistics are of all,
// their time that of the longest.
Result<store::QueryStats> ForEachBlock(store::ClickHouse& clickhouse, const std::vector<BlockStatement>& statements,
                                       const std::map<std::string, std::string>& parameters,
                                       store::Cancellation* cancellation);

}  // namespace sightline::query
