// Items of lists as rows of a table: fields of CSV, and objects of JSON lines.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/logs.h"
#include "query/span_list.h"
#include "query/trace_types.h"
#include "traceql/field.h"

namespace sightline::serve {

std::vector<std::string> SpanColumns(const std::vector<std::string>& fields);
std::vector<std::string> SpanRow(const query::ListedSpan& span);
// Its fields under "fields", typed.
std::string SpanLine(const query::ListedSpan& span, const std::vector<std::string>& fields);

std::vector<std::string> TraceColumns();
std::vector<std::string> TraceRow(const query::TraceSummary& trace);
std::string TraceLine(const query::TraceSummary& trace);

// Log records beside their resources and scopes. Thread: of its owner.
class LogRows {
 public:
  // What a record's row has besides. kInvalidArgument: no field of log records, or none that a column can have.
  Result<void> Select(const std::vector<std::string>& fields);

  std::vector<std::string> Columns() const;
  // `sets` of the page that the record is of.
  std::vector<std::string> Row(const query::LogRecord& record, std::span<const query::AttributeSet> sets) const;
  static std::string Line(const query::LogRecord& record, std::span<const query::AttributeSet> sets);

 private:
  std::vector<traceql::Field> fields_;
};

}  // namespace sightline::serve
