// Occurrences of exceptions in one range, those alike put together by the engine: one row for each stack trace or
// message, numbers and addresses aside. Data: spans' exception events, log records with an exception.type ->
// DistinctException.
//
// The newest of a range are read, up to a number of events of either kind; a row's texts are those of its newest.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/filters.h"
#include "query/rows.h"
#include "query/time_windows.h"

namespace sightline::query {

struct DistinctException {
  std::string service, type, message, stack_trace;
  uint64_t alike = 0;  // of one service and type: the same where the texts differ in numbers and addresses only
  int64_t first_unix_nanos = 0, last_unix_nanos = 0;
  bool is_estimate = false;      // some of the spans stand for others
  uint64_t span_events = 0;      // as stored
  std::vector<uint32_t> steps;   // that have any; the counts beside them are of these
  std::vector<double> by_spans;  // events, by what their spans stand for
  std::vector<double> by_logs;   // records without a trace
  std::vector<double>
      by_traced_logs;  // records of a span that has no such event here: sampled out, or it never had one
  std::vector<std::pair<std::string, int64_t>> last_of_resources;  // by resource id
  std::vector<std::pair<int64_t, std::string>> traces;             // newest first; when, and its id
};

// Thread: of its owner.
class ExceptionEvents {
 public:
  // What is borrowed must outlive it.
  ExceptionEvents(Question& question, const std::optional<std::string>& service, TimeWindow range, uint32_t events_max)
      : question_(question), service_(service), range_(range), events_max_(events_max) {}

  // Finds where the newest begin. First.
  Result<void> Bound();
  int64_t looked_from() const { return from_; }
  bool is_whole() const { return from_ == range_.from_unix_nanos; }

  // The most frequent kDistinctExceptionsMax, counted in `steps` equal parts of the range. Gives how many there are.
  Result<uint64_t> ForEachDistinct(uint32_t steps, const std::function<void(DistinctException one)>& read);
  // The same with service, type and texts only. Cheaper.
  Result<uint64_t> ForEachText(const std::function<void(DistinctException one)>& read);

 private:
  struct Found {
    bool with_text = false;  // a message or a stack trace
    bool bare = false;
  };
  // Moves from_ on where there are more.
  Result<Found> Bound(const char* table, const char* with, const char* events, const std::string& bare);
  std::string Where(const char* with, TimeWindow within, Conditions& conditions) const;
  std::string SpansSql(Conditions& conditions) const;
  std::string LogsSql(Conditions& conditions, bool bare, bool without_known) const;
  Result<uint64_t> ForEach(const std::string& columns, Conditions conditions, bool count_once,
                           const std::function<void(RowReader& row)>& read);

  Question& question_;
  const std::optional<std::string>& service_;
  const TimeWindow range_;
  const uint32_t events_max_;
  int64_t from_ = 0;
  bool has_spans_ = false, has_logs_ = false, has_bare_logs_ = false;
};

}  // namespace sightline::query
