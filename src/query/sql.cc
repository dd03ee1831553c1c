#include "query/sql.h"

#include <vector>

#include "query/sql_allowed.h"
#include "traceql/parse_error.h"

namespace sightline::query {
namespace {

// The engine offers names of tables that may not be read.
std::string TablesToRead(std::string message) {
  constexpr std::string_view kOffer = ". Maybe you meant ";
  constexpr std::string_view kUnknown = "Unknown table expression identifier '";
  const size_t unknown = message.find(kUnknown);
  if (unknown == message.npos) return message;
  if (const size_t offer = message.find(kOffer); offer != message.npos) {
    const size_t end = message.find('?', offer);
    message.erase(offer, end == message.npos ? end : end + 1 - offer);
  }
  std::string_view name = std::string_view(message).substr(unknown + kUnknown.size());
  name = name.substr(0, name.find('\''));
  name = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  const std::vector<std::string>& allowed = AllowedTables();
  const std::vector<std::string_view> tables(allowed.begin(), allowed.end());
  const std::string_view nearest = traceql::Nearest(name, tables);
  if (nearest.empty()) return message + "\nSHOW TABLES says what there is";
  return fmt::format("{}\ndid you mean {}?", message, nearest);
}

}  // namespace

Result<CheckedSql> SqlRunner::Check(std::string_view sql, std::string_view format) {
  if (!format.empty() && !IsAllowedFormat(format)) {
    return Fail(Code::kInvalidArgument, "format {} is not on the list", format);
  }
  auto checked = gate_.Check(sql);
  if (checked && checked->format.empty()) checked->format = format.empty() ? "JSON" : format;
  return checked;
}

Result<store::QueryStats> SqlRunner::Run(const CheckedSql& checked,
                                         const std::function<bool(std::string_view piece)>& sink,
                                         store::Cancellation* cancellation) {
  store::QueryOptions options;
  options.format = checked.format;
  options.settings = {
      {"database", database_},
      {"readonly", "1"},
      {"max_execution_time", std::to_string(limits_.seconds_max)},
      {"max_memory_usage", std::to_string(limits_.memory_bytes_max)},
      {"max_result_rows", std::to_string(limits_.result_rows_max)},
      {"max_result_bytes", std::to_string(limits_.result_bytes_max)},
      {"result_overflow_mode", "throw"},
      {"max_rows_to_read", std::to_string(limits_.rows_to_read_max)},
      {"max_threads", std::to_string(limits_.threads_max)},
      {"allow_introspection_functions", "0"},
      // timeSeriesRateToGrid and the like, which take our columns: docs/adr/016-metric-points.md.
      {"allow_experimental_time_series_aggregate_functions", "1"},
      {"allow_ddl", "0"},
  };
  auto stats = clickhouse_.Query(checked.text, options, sink, cancellation);
  if (!stats && stats.error().code == Code::kNotFound) stats.error().message = TablesToRead(stats.error().message);
  return stats;
}

std::string_view ContentType(std::string_view format) {
  if (format.find("EachRow") != format.npos || format.ends_with("JSONL") || format.ends_with("JSONLines") ||
      format.ends_with("NDJSON")) {
    return "application/x-ndjson";
  }
  if (format.starts_with("JSON") || format == "GeoJSON") return "application/json";
  if (format.starts_with("CSV")) return "text/csv; charset=utf-8";
  if (format.starts_with("TSV") || format.starts_with("TabSeparated"))
    return "text/tab-separated-values; charset=utf-8";
  if (format == "Parquet") return "application/vnd.apache.parquet";
  if (format == "ArrowStream") return "application/vnd.apache.arrow.stream";
  if (format == "Arrow") return "application/vnd.apache.arrow.file";
  if (format == "XML") return "application/xml";
  for (std::string_view binary : {"Native", "RowBinary", "Avro", "ORC", "MsgPack", "BSONEachRow", "Npy", "RawBLOB"}) {
    if (format.starts_with(binary)) return "application/octet-stream";
  }
  return "text/plain; charset=utf-8";
}

}  // namespace sightline::query
