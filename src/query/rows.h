// Rows of ClickHouse in its format RowBinary, one callback a row. Columns come as they are stored, so that the engine
// need not turn them into text: planning and running the functions for that costs more than reading a trace.
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

// Reads the fields of one row in their order. The format carries no types: what is asked for must be what the query
// selects. LowCardinality(T) reads as T, DateTime64(9) as Number<int64_t>, Bool as Number<uint8_t>.
class RowReader {
 public:
  // `bytes` begin with the row and must outlive the reader.
  explicit RowReader(std::string_view bytes) : bytes_(bytes) {}

  // Of exactly that width: Number<uint32_t> reads an UInt32.
  template <typename T>
  T Number() {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, Take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string Text() { return std::string(Take(Count())); }
  // A FixedString(size) as lower-case hex.
  std::string Hex(size_t size);
  // A span id as lower-case hex; "" for zero.
  std::string SpanIdOrNone();

  // An Array: `read` takes one element off this reader. Of a Map it takes a key, then a value.
  template <typename Read>
  auto Array(Read read) {
    std::vector<decltype(read())> elements;
    for (uint64_t left = Count(); left > 0; --left) elements.push_back(read());
    return elements;
  }
  template <typename T>
  std::vector<T> Numbers() {
    return Array([this] { return Number<T>(); });
  }
  std::vector<std::string> Texts() {
    return Array([this] { return Text(); });
  }

  size_t position() const { return position_; }

 private:
  std::string_view Take(uint64_t size);
  uint64_t Count();  // of bytes or elements that follow

  std::string_view bytes_;
  size_t position_ = 0;
};

// `read` takes all fields of one row off the reader. It is called again for a row whose end has not come yet, so it
// must store nothing before it has read the last field. kInternal when the query and the code that reads it do not fit
// together.
Result<store::QueryStats> ForEachRow(store::ClickHouse& clickhouse, const std::string& sql, store::QueryOptions options,
                                     const std::function<void(RowReader& row)>& read,
                                     store::Cancellation* cancellation = nullptr);

// One question and the statements that answer it: they share its cancellation, and what they cost is added up. The
// store and the cancellation must outlive it. Thread: of its owner.
class Question {
 public:
  Question(store::ClickHouse& clickhouse, std::string database, store::Cancellation* cancellation)
      : clickhouse_(clickhouse), database_(std::move(database)), cancellation_(cancellation) {}

  // As above; `parameters` for {name:Type} in the text.
  Result<void> ForEachRow(const std::string& sql, std::map<std::string, std::string> parameters,
                          const std::function<void(RowReader& row)>& read);

  // "database.table"
  std::string Table(std::string_view table) const { return database_ + "." + std::string(table); }
  // Of all statements so far.
  const store::QueryStats& stats() const { return stats_; }
  // What a question within this one cost.
  void Add(const store::QueryStats& stats);

 private:
  store::ClickHouse& clickhouse_;
  const std::string database_;
  store::Cancellation* const cancellation_;
  store::QueryStats stats_;
};

}  // namespace sightline::query
