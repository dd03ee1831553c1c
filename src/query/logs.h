// What the UI, the API and the CLI ask about log records. Data: bound parameters -> ClickHouse -> typed values.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/attributes.h"
#include "query/filters.h"
#include "store/clickhouse.h"
#include "traceql/ast.h"

namespace sightline::query {

inline constexpr uint32_t kLogsMax = 1000;           // a page
inline constexpr uint32_t kVolumeStepsMax = 11'000;  // an answer
// A trace's records are looked for from so long before its first start until so long after its last end: days on which
// it cannot have any are not opened.
inline constexpr int64_t kTraceLogsReachNanos = 3'600'000'000'000;

// A record meets all of these at once.
struct LogFilter {
  // Of the record's time, the observed one where it has none; [from, to). Both 0: all times, only with a trace id.
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;
  std::optional<std::string> service;                    // none: any; "": records that name none
  uint8_t severity_min = 0;                              // OTLP's number, 1 to 24; 0: any, also records without one
  std::string text;                                      // the body has it somewhere; case does not matter
  std::vector<AttributeCondition> attributes;            // of the record, else of its resource
  std::string trace_id, span_id;                         // 32 and 16 hex digits; "": any
  std::string instance_of;                               // a resource's id: what its instance wrote; "": any
  std::shared_ptr<const traceql::Expression> condition;  // in TraceQL (ParseLogQuery), which must hold too; null: none
};

// A condition on log records in TraceQL (docs/traceql.md). kInvalidArgument: it is none, in the words of the parser.
Result<std::shared_ptr<const traceql::Expression>> ParseLogQuery(std::string_view text);

enum class LogSort : uint8_t { kNewest, kOldest };

// Where a page ended. It carries the first page's range and what was stored then, so that pages after it answer from
// the same rows, whatever arrives meanwhile. Records have no id: of those with the same time in the same block
// `seen` were already given, in the order in which the block holds them, which merges keep.
struct LogCursor {
  LogSort sort = LogSort::kNewest;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // stand for the filter's
  uint64_t block_max = 0;                          // rows of later inserts are not looked at
  int64_t unix_nanos = 0;                          // of the last record
  uint64_t block = 0;                              // of the last record
  uint32_t seen = 0;
};

struct LogSearch {
  LogFilter filter;
  LogSort sort = LogSort::kNewest;
  uint32_t limit = 50;  // 1 to kLogsMax
  std::optional<LogCursor> cursor;
};

struct LogRecord {
  int64_t unix_nanos = 0;        // the record's time; the observed one where it has none
  uint64_t time_unix_nanos = 0;  // as sent; 0: none
  int64_t observed_unix_nanos = 0;
  uint8_t severity_number = 0;
  std::string severity_text, service;
  Attribute body;  // without a key
  std::string event_name;
  std::string trace_id, span_id;  // lower-case hex; none: ""
  uint32_t flags = 0;
  std::string resource_id;  // of LogPage::attribute_sets
  std::string scope_name, scope_version, scope_id;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes = 0;
  std::string repairs;  // what was mended on the way in
};

// One process, pod or host of a service, as its resource names it.
struct LogInstance {
  std::string service;           // "": it names none
  std::string attribute, value;  // what tells it from other instances; "": only the resource as a whole does
};

struct LogPage {
  std::vector<LogRecord> records;
  std::optional<LogInstance> instance;       // of LogFilter::instance_of
  std::vector<AttributeSet> attribute_sets;  // resources, and scopes that have an id
  std::optional<LogCursor> next;             // none: this is the last page
  store::QueryStats scanned;
};

// unset, trace, debug, info, warn, error, fatal
inline constexpr size_t kSeverityClasses = 7;

struct LogVolume {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // whole steps
  uint64_t total = 0;
  // A count for each step, by class; no counts at all where a class does not occur.
  std::array<std::vector<uint64_t>, kSeverityClasses> counts;
  store::QueryStats scanned;
};

// Thread: any.
class LogReader {
 public:
  // `clickhouse` must outlive it.
  explicit LogReader(store::ClickHouse& clickhouse, std::string database = "sightline")
      : clickhouse_(clickhouse), database_(std::move(database)) {}

  // Ordered by time; of equal times in the order of arrival (or, newest first, against it). kInvalidArgument: a limit
  // out of bounds, an empty range, ids that are no hex, a cursor of the other order.
  Result<LogPage> Search(const LogSearch& search, store::Cancellation* cancellation = nullptr);

  // Of one trace, oldest first, those near its times (kTraceLogsReachNanos), `from` being its first start and `to` its
  // last end. The next pages are those of a search for them; `next` has the range. kInvalidArgument: an id that is no
  // hex, a limit out of bounds.
  Result<LogPage> GetOfTrace(const std::string& trace_id, int64_t from_unix_nanos, int64_t to_unix_nanos,
                             uint32_t limit = kLogsMax, store::Cancellation* cancellation = nullptr);

  // Steps are aligned to 1970: the first one holds `from`, the last one what is before `to`; only records of the
  // filter's range are counted. A filter without a range is refused.
  Result<LogVolume> GetVolume(const LogFilter& filter, int64_t step_seconds,
                              store::Cancellation* cancellation = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  const std::string database_;
  AttributeSets sets_;
};

}  // namespace sightline::query
