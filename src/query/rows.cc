#include "query/rows.h"

namespace sightline::query {

simdjson::dom::element RowReader::Next() {
  if (!(field_ != end_)) throw simdjson::simdjson_error(simdjson::INDEX_OUT_OF_BOUNDS);
  auto field = *field_;
  ++field_;
  return field;
}

std::string RowReader::Text() {
  return std::string(std::string_view(Next()));
}
int64_t ToInt(const simdjson::dom::element& field) {
  if (!field.is_string()) return int64_t(field);
  // Older servers quote 64-bit integers.
  return std::stoll(std::string(std::string_view(field)));
}

int64_t RowReader::Int() {
  return ToInt(Next());
}
uint64_t RowReader::UInt() {
  auto field = Next();
  return field.is_string() ? std::stoull(std::string(std::string_view(field))) : uint64_t(field);
}
double RowReader::Number() {
  return double(Next());
}

std::vector<std::string> RowReader::Texts() {
  std::vector<std::string> texts;
  for (auto text : simdjson::dom::array(Next())) texts.emplace_back(std::string_view(text));
  return texts;
}

Result<void> ForEachRow(store::ClickHouse& clickhouse, const std::string& sql, store::QueryOptions options,
                        const std::function<void(RowReader& row)>& read) {
  options.format = "JSONCompactEachRow";
  std::string rest;  // of a row whose end has not come yet
  simdjson::dom::parser parser;
  std::string fault;
  auto read_line = [&](std::string_view line) {
    if (line.empty()) return true;
    try {
      RowReader row{simdjson::dom::array(parser.parse(line.data(), line.size()))};
      read(row);
    } catch (const std::exception& error) {  // simdjson_error, or out_of_range of an array that is too short
      fault = error.what();
    }
    return fault.empty();
  };
  auto stats = clickhouse.Query(sql, options, [&](std::string_view piece) {
    rest += piece;
    size_t start = 0;
    for (size_t end; (end = rest.find('\n', start)) != rest.npos; start = end + 1) {
      if (!read_line(std::string_view(rest).substr(start, end - start))) return false;
    }
    rest.erase(0, start);
    return true;
  });
  if (fault.empty() && stats) read_line(rest);
  if (!fault.empty()) return Fail(Code::kInternal, "a row of the store has another shape than expected: {}", fault);
  if (!stats) return std::unexpected(stats.error());
  return {};
}

}  // namespace sightline::query
