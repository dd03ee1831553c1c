#include "query/status.h"

#include <algorithm>

#include "query/rows.h"

namespace sightline::query {
namespace {

struct Table {
  const char* name;
  size_t signal;  // place in the answer
};
constexpr Table kTables[] = {{"spans", 0},
                             {"metric_points", 1},
                             {"metric_histograms", 1},
                             {"metric_exponential_histograms", 1},
                             {"metric_summaries", 1},
                             {"logs", 2}};

}  // namespace

Result<std::vector<SignalStatus>> ReadStatus(store::ClickHouse& clickhouse, const std::string& database,
                                             store::Cancellation* cancellation) {
  Question question(clickhouse, database, cancellation);
  std::vector<SignalStatus> signals = {{"traces"}, {"metrics"}, {"logs"}};
  std::string list;
  for (const Table& table : kTables) list += (list.empty() ? "'" : ", '") + std::string(table.name) + "'";
  auto read = [&](RowReader& row) {
    const auto name = row.Text();
    const auto rows = row.Number<uint64_t>();
    const auto bytes = row.Number<uint64_t>();
    const auto* table = std::ranges::find_if(kTables, [&](const Table& known) { return known.name == name; });
    if (table == std::end(kTables)) return;
    signals[table->signal].rows += rows;
    signals[table->signal].bytes_on_disk += bytes;
  };
  SIGHTLINE_TRY(question.ForEachRow(
      "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND database = {db:String} AND "
      "table IN (" +
          list + ") GROUP BY table",
      {{"db", database}}, read));
  for (const Table& table : kTables) {
    SignalStatus& signal = signals[table.signal];
    if (signal.rows == 0) continue;
    auto newest = [&](RowReader& row) {
      signal.newest_unix_nanos = std::max(signal.newest_unix_nanos, row.Number<int64_t>());
    };
    const std::string last = "SELECT max(Timestamp) FROM " + question.Table(table.name) + " WHERE Timestamp > now() - ";
    SIGHTLINE_TRY(question.ForEachRow(last + "INTERVAL 5 MINUTE", {}, newest));
    if (signal.newest_unix_nanos > 0) continue;
    SIGHTLINE_TRY(question.ForEachRow(last + "INTERVAL 1 DAY", {}, newest));
  }
  return signals;
}

// All tables have a partition a day (store/schema).
Result<int64_t> NextStoredDay(store::ClickHouse& clickhouse, const std::string& database, int64_t day,
                              store::Cancellation* cancellation) {
  Question question(clickhouse, database, cancellation);
  int64_t next = INT64_MAX;
  SIGHTLINE_TRY(question.ForEachRow(
      "SELECT toInt64(min(assumeNotNull(toDateOrNull(partition)))) FROM system.parts WHERE active AND database = "
      "{db:String} AND toDateOrNull(partition) >= toDate({day:Int32}) GROUP BY database",
      {{"db", database}, {"day", std::to_string(day)}}, [&](RowReader& row) { next = row.Number<int64_t>(); }));
  return next;
}

}  // namespace sightline::query
