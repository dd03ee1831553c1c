// LogReader::Search: a page of log records.
#include <algorithm>
#include <set>

#include "query/log_sql.h"
#include "query/logs.h"
#include "query/span_sql.h"
#include "query/time_windows.h"

namespace sightline::query {
namespace {

// One search: reads matching records in the list's order, window by window, until a page is full. Thread: of its owner.
class Search {
 public:
  // `likely_only_page`: what keeps further pages stable is asked for only where there are any.
  Search(Question& question, AttributeSets& sets, const LogSearch& wanted, bool likely_only_page = false)
      : question_(question),
        sets_(sets),
        wanted_(wanted),
        newest_(wanted.sort == LogSort::kNewest),
        likely_only_page_(likely_only_page) {}

  Result<LogPage> Run() {
    SIGHTLINE_TRY(Begin());
    SIGHTLINE_TRY(Find());
    LogPage page;
    if (rows_.size() > wanted_.limit) {
      rows_.resize(wanted_.limit);
      // What came in while this page was read is on the next ones if it belongs behind it.
      if (likely_only_page_) SIGHTLINE_TRY(FindLastBlock());
      page.next = CursorAtEnd();
    }
    std::set<std::string> set_ids;
    for (Row& row : rows_) {
      set_ids.insert({row.record.resource_id, row.record.scope_id});
      page.records.push_back(std::move(row.record));
    }
    auto sets = sets_.Read(question_, std::move(set_ids));
    if (!sets) return std::unexpected(sets.error());
    page.attribute_sets = std::move(*sets);
    page.instance = std::move(instance_);
    page.scanned = question_.stats();
    return page;
  }

 private:
  struct Row {
    LogRecord record;
    uint64_t block = 0;
  };

  Result<void> Begin() {
    if (wanted_.cursor) {
      begin_ = *wanted_.cursor;
    } else {
      begin_.sort = wanted_.sort;
      begin_.from_unix_nanos = std::max<int64_t>(wanted_.filter.from_unix_nanos, 0);
      begin_.to_unix_nanos = HasRange(wanted_.filter) ? wanted_.filter.to_unix_nanos : INT64_MAX;
      if (!likely_only_page_) SIGHTLINE_TRY(FindLastBlock());
    }
    auto conditions = MatchConditions(wanted_.filter, question_, &instance_);
    if (!conditions) return std::unexpected(conditions.error());
    conditions_ = std::move(*conditions);
    if (likely_only_page_) return {};
    conditions_.Add("Block <= " + conditions_.Bind("UInt64", std::to_string(begin_.block_max)));
    if (wanted_.cursor) AddBehindCursor();
    return {};
  }

  // Blocks are stored in the order of their numbers: what has none above it is all that is there now.
  Result<void> FindLastBlock() {
    return question_.ForEachRow("SELECT max(Block) FROM " + question_.Table("logs"), {},
                                [&](RowReader& row) { begin_.block_max = row.Number<uint64_t>(); });
  }

  // The records of the cursor's time and block stay in: only their number says which were given.
  void AddBehindCursor() {
    const std::string time = "fromUnixTimestamp64Nano(" + conditions_.Bind("Int64", NanosText(begin_.unix_nanos)) + ")";
    const std::string block = conditions_.Bind("UInt64", std::to_string(begin_.block));
    conditions_.Add("(Timestamp != " + time + " OR Block " + (newest_ ? "<= " : ">= ") + block + ")");
  }

  // From the cursor's time on, which stays in too.
  TimeWindow Rest() const {
    TimeWindow rest{begin_.from_unix_nanos, begin_.to_unix_nanos};
    if (!wanted_.cursor) return rest;
    if (newest_) {
      rest.to_unix_nanos = begin_.unix_nanos + 1;
    } else {
      rest.from_unix_nanos = begin_.unix_nanos;
    }
    return rest;
  }

  // One more than wanted, if there is one.
  Result<void> Find() {
    uint32_t skip = begin_.seen;
    // An index knows where the records of a trace are.
    if (!wanted_.filter.trace_id.empty()) return Read(Rest(), skip);
    TimeWindows windows(newest_, Rest());
    while (rows_.size() <= wanted_.limit) {
      const auto window = windows.Next(rows_.size(), wanted_.limit + 1);
      if (!window) break;
      SIGHTLINE_TRY(Read(*window, std::exchange(skip, 0)));
    }
    return {};
  }

  Result<void> Read(const TimeWindow& window, uint32_t skip) {
    Conditions conditions = conditions_;
    conditions.AddTimeRange(window.from_unix_nanos, window.to_unix_nanos);
    const std::string order =
        newest_ ? "Timestamp DESC, Block DESC, _part_offset DESC" : "Timestamp, Block, _part_offset";
    std::string sql = "SELECT " + std::string(kRecordColumns) + ", Block FROM " + question_.Table("logs") + " WHERE " +
                      conditions.Sql() + " ORDER BY " + order + " LIMIT " +
                      std::to_string(wanted_.limit + 1 - rows_.size());
    if (skip > 0) sql += " OFFSET " + std::to_string(skip);
    return question_.ForEachRow(sql + kSkipFirst, conditions.parameters(), [&](RowReader& reader) {
      Row row;
      row.record = ReadRecord(reader);
      row.block = reader.Number<uint64_t>();
      rows_.push_back(std::move(row));
    });
  }

  LogCursor CursorAtEnd() const {
    LogCursor cursor = begin_;
    const Row& last = rows_.back();
    cursor.unix_nanos = last.record.unix_nanos;
    cursor.block = last.block;
    cursor.seen = 0;
    for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
      if (row->record.unix_nanos != cursor.unix_nanos || row->block != cursor.block) break;
      ++cursor.seen;
    }
    const bool goes_on = wanted_.cursor && cursor.unix_nanos == begin_.unix_nanos && cursor.block == begin_.block;
    if (goes_on) cursor.seen += begin_.seen;
    return cursor;
  }

  Question& question_;
  AttributeSets& sets_;
  const LogSearch& wanted_;
  const bool newest_, likely_only_page_;
  LogCursor begin_;        // the first page's range and block; where the page before ended
  Conditions conditions_;  // of all windows
  std::vector<Row> rows_;
  std::optional<LogInstance> instance_;
};

Result<void> Check(const LogSearch& search) {
  if (search.limit == 0 || search.limit > kLogsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kLogsMax);
  }
  if (!search.cursor) return CheckFilter(search.filter);
  if (search.cursor->sort != search.sort) {
    return Fail(Code::kInvalidArgument, "the cursor is of a list in another order\nstart again without the cursor");
  }
  LogFilter of_cursor = search.filter;
  of_cursor.from_unix_nanos = search.cursor->from_unix_nanos;
  of_cursor.to_unix_nanos = search.cursor->to_unix_nanos;
  return CheckFilter(of_cursor);
}

}  // namespace

Result<LogPage> LogReader::Search(const LogSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(Check(search));
  Question question(clickhouse_, database_, cancellation);
  return query::Search(question, sets_, search).Run();
}

Result<LogPage> LogReader::GetOfTrace(const std::string& trace_id, int64_t from_unix_nanos, int64_t to_unix_nanos,
                                      uint32_t limit, store::Cancellation* cancellation) {
  LogSearch search;
  search.filter.trace_id = trace_id;
  search.filter.from_unix_nanos = std::max<int64_t>(from_unix_nanos, kTraceLogsReachNanos) - kTraceLogsReachNanos;
  search.filter.to_unix_nanos = std::min(to_unix_nanos, INT64_MAX - kTraceLogsReachNanos) + kTraceLogsReachNanos;
  search.sort = LogSort::kOldest;
  search.limit = limit;
  SIGHTLINE_TRY(Check(search));
  Question question(clickhouse_, database_, cancellation);
  return query::Search(question, sets_, search, /*likely_only_page=*/true).Run();
}

}  // namespace sightline::query
