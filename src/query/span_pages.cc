#include "query/span_pages.h"

#include <fmt/format.h>

#include <vector>

namespace sightline::query {
namespace {

constexpr const char* kPlace = "Timestamp, SpanId, Block";

// `sign` is "<=" or ">".
std::string ComparePlace(const char* sign, const SpanCursor& to) {
  return fmt::format("({}) {} (fromUnixTimestamp64Nano(toInt64({})), toFixedString(unhex('{}'), 8), toUInt64({}))",
                     kPlace, sign, to.start_unix_nanos, to.span_id, to.block);
}

Result<void> FindLastBlock(Question& question, SpanCursor& begin) {
  return question.ForEachRow("SELECT max(Block) FROM " + question.Table("spans"), {},
                             [&](RowReader& row) { begin.block_max = row.Number<uint64_t>(); });
}

Result<void> FindTimes(Question& question, const std::string& condition,
                       const std::map<std::string, std::string>& parameters, SpanCursor& begin) {
  return question.ForEachRow(
      "SELECT min(toUnixTimestamp64Nano(Timestamp)), toInt64(max(least(toInt128(toUnixTimestamp64Nano(Timestamp)) + "
      "toInt128(Duration), toInt128(9223372036854775807)))) FROM " +
          question.Table("spans") + " WHERE " + condition,
      parameters, [&](RowReader& row) {
        const auto start = row.Number<int64_t>();
        begin.trace_end_unix_nanos = row.Number<int64_t>();
        begin.trace_start_unix_nanos = start;
      });
}

}  // namespace

Result<SpanPage> FindSpanPage(Question& question, const std::string& of_trace,
                              const std::map<std::string, std::string>& parameters, const SpanPageSearch& search) {
  SpanCursor begin;
  if (search.cursor) {
    begin = *search.cursor;
  } else {
    SIGHTLINE_TRY(FindLastBlock(question, begin));
  }
  SpanPage page;
  page.condition = fmt::format("{} AND Block <= {}", of_trace, begin.block_max);
  if (search.cursor) {
    page.condition += " AND " + ComparePlace(">", begin);
  } else {
    SIGHTLINE_TRY(FindTimes(question, page.condition, parameters, begin));
  }
  page.trace_start_unix_nanos = begin.trace_start_unix_nanos;
  page.trace_end_unix_nanos = begin.trace_end_unix_nanos;

  // The last place of a full page, and whether anything follows it.
  std::vector<SpanCursor> ends;
  SIGHTLINE_TRY(question.ForEachRow(fmt::format("SELECT {0} FROM {1} WHERE {2} ORDER BY {0} LIMIT 2 OFFSET {3}", kPlace,
                                                question.Table("spans"), page.condition, search.limit - 1),
                                    parameters, [&](RowReader& row) {
                                      SpanCursor end = begin;
                                      end.start_unix_nanos = row.Number<int64_t>();
                                      end.span_id = row.Hex(8);
                                      end.block = row.Number<uint64_t>();
                                      ends.push_back(std::move(end));
                                    }));
  if (ends.size() == 2) {
    page.condition += " AND " + ComparePlace("<=", ends[0]);
    page.next = std::move(ends[0]);
  }
  return page;
}

}  // namespace sightline::query
