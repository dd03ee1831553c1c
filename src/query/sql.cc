#include "query/sql.h"

#include "query/sql_allowed.h"

namespace sightline::query {

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
      {"allow_ddl", "0"},
  };
  return clickhouse_.Query(checked.text, options, sink, cancellation);
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
