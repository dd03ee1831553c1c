#include "query/rows.h"

#include <exception>

#include "base/hex.h"

namespace sightline::query {
namespace {

// Thrown by RowReader, caught by ForEachRow: the row goes on in a piece that has not come yet.
struct RowIsIncomplete {};

}  // namespace

std::string_view RowReader::Take(uint64_t size) {
  if (size > bytes_.size() - position_) throw RowIsIncomplete();
  const auto taken = bytes_.substr(position_, size);
  position_ += size;
  return taken;
}

uint64_t RowReader::Count() {
  uint64_t count = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = Number<uint8_t>();
    count |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  return count;
}

std::string RowReader::Hex(size_t size) {
  return HexEncode(Take(size));
}

std::string RowReader::SpanIdOrNone() {
  const auto bytes = Take(8);
  return bytes.find_first_not_of('\0') == bytes.npos ? "" : HexEncode(bytes);
}

Result<store::QueryStats> ForEachRow(store::ClickHouse& clickhouse, const std::string& sql, store::QueryOptions options,
                                     const std::function<void(RowReader& row)>& read,
                                     store::Cancellation* cancellation) {
  options.format = "RowBinary";
  std::string rest;  // of a row whose end has not come yet
  std::string fault;
  auto take = [&](std::string_view piece) {
    rest += piece;
    size_t start = 0;
    try {
      while (start < rest.size()) {
        RowReader row(std::string_view(rest).substr(start));
        read(row);
        start += row.position();
      }
    } catch (const RowIsIncomplete&) {
    } catch (const std::exception& error) {  // e.g. out_of_range of an array that is too short
      fault = error.what();
      return false;
    }
    rest.erase(0, start);
    return true;
  };
  auto stats = clickhouse.Query(sql, options, take, cancellation);
  if (fault.empty() && stats && !rest.empty()) fault = "the last row has no end";
  if (!fault.empty()) return Fail(Code::kInternal, "a row of the store has another shape than expected: {}", fault);
  return stats;
}

Result<void> Question::ForEachRow(const std::string& sql, std::map<std::string, std::string> parameters,
                                  const std::function<void(RowReader& row)>& read) {
  store::QueryOptions options;
  options.parameters = std::move(parameters);
  auto stats = query::ForEachRow(clickhouse_, sql, std::move(options), read, cancellation_);
  if (!stats) return std::unexpected(stats.error());
  Add(*stats);
  return {};
}

void Question::Add(const store::QueryStats& stats) {
  stats_.rows_read += stats.rows_read;
  stats_.bytes_read += stats.bytes_read;
  stats_.elapsed_seconds += stats.elapsed_seconds;
}

}  // namespace sightline::query
