// Whole spans, as a trace or one span needs them. Data: a condition -> ClickHouse -> Span values without resources.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/rows.h"
#include "query/trace_types.h"

namespace sightline::query {

// Which columns the spans that were read lately fill: the next ones fill the same, mostly. What the engine spends on a
// column it spends on an empty one too (about 0.25 ms), and on a statement 5 ms. Thread: any.
class FilledLately {
 public:
  std::set<std::string, std::less<>> Columns() const;
  void Learn(const std::set<std::string, std::less<>>& filled);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int, std::less<>> unfilled_reads_;  // since the column was filled; guarded by mutex_
};

// One statement for what all spans have and the columns that were filled lately; others only for what these spans turn
// out to have besides. Thread: of the question's owner.
class SpanReading {
 public:
  // `condition` is SQL on the table spans with placeholders for `parameters`. The references must outlive it.
  SpanReading(Question& question, const std::vector<otlp::HotAttribute>& hot_attributes, FilledLately& filled_lately,
              std::string condition, std::map<std::string, std::string> parameters)
      : question_(question),
        hot_attributes_(hot_attributes),
        filled_lately_(filled_lately),
        condition_(std::move(condition)),
        parameters_(std::move(parameters)) {}

  // Of spans of several traces: each says of which it is.
  SpanReading& OfManyTraces() {
    of_many_traces_ = true;
    return *this;
  }

  // At most `limit`, by start time and span id.
  Result<std::vector<Span>> Read(size_t limit);
  // All of them; none where there are more than `limit`.
  Result<std::optional<std::vector<Span>>> ReadAll(size_t limit);

 private:
  struct Place;
  class Columns;
  class Spans;
  Columns LatelyFilled() const;
  Result<void> ReadFirst(Spans& spans, const Columns& known, const std::string& limit);
  // What the first statement left out of the spans that it found.
  Result<std::vector<Span>> ReadRest(Spans& spans, const Columns& known);
  Result<void> ReadMissing(Spans& spans, const Columns& known);
  template <typename List, typename ReadList>
  Result<void> ReadLists(Spans& spans, const char* columns, const char* filled, List Span::* list, ReadList read);
  // SELECT the columns that tell spans apart, and these, of the spans that were found.
  std::string Select(const std::string& columns, const Spans& spans) const;

  Question& question_;
  const std::vector<otlp::HotAttribute>& hot_attributes_;
  FilledLately& filled_lately_;
  const std::string condition_;
  const std::map<std::string, std::string> parameters_;
  bool of_many_traces_ = false;
};

}  // namespace sightline::query
