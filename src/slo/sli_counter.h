// What an SLI counts by minute, from what is stored. Data: an SLI and a range -> the readers of query/ -> good and
// total of each minute.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "query/sql.h"
#include "slo/minutes.h"
#include "slo/slo_document.h"
#include "store/clickhouse.h"

namespace sightline::slo {

inline constexpr int64_t kCountedMinutesMax = 2 * kDayMinutes;  // of one call

// A seam for tests. Thread: any.
class SliCounter {
 public:
  virtual ~SliCounter() = default;
  // Of each minute of [from, to), at most kCountedMinutesMax of them; those up to `now_minute` have passed. Nothing is
  // counted where nothing is stored. A composite's is none of its own: kInvalidArgument.
  virtual Result<std::vector<Tally>> Count(const SloDocument& slo, int64_t from_minute, int64_t to_minute,
                                           int64_t now_minute, store::Cancellation* cancellation) = 0;
  // The first day since 1970 that is not before `day` and of which anything is stored: others need not be counted.
  virtual Result<int64_t> NextStoredDay(int64_t day, store::Cancellation* cancellation) = 0;
};

struct StoredSliOptions {
  std::string database = "sightline";
  std::vector<otlp::HotAttribute> hot_attributes;
  int64_t minutes_kept_seconds = 0;  // of span metrics by minute; older ones are there by hour. 0: forever
  query::SqlLimits sql;
};

class StoredSliCounter final : public SliCounter {
 public:
  // `clickhouse` must outlive it.
  StoredSliCounter(store::ClickHouse& clickhouse, StoredSliOptions options);

  Result<std::vector<Tally>> Count(const SloDocument& slo, int64_t from_minute, int64_t to_minute, int64_t now_minute,
                                   store::Cancellation* cancellation) override;
  Result<int64_t> NextStoredDay(int64_t day, store::Cancellation* cancellation) override;
  const StoredSliOptions& options() const { return options_; }

 private:
  struct Range {
    int64_t from_minute = 0, to_minute = 0, step_minutes = 1;
    store::Cancellation* cancellation = nullptr;

    int64_t from_unix_nanos() const { return from_minute * kMinuteNanos; }
    int64_t to_unix_nanos() const { return to_minute * kMinuteNanos; }
    size_t steps() const { return static_cast<size_t>((to_minute - from_minute) / step_minutes); }
  };
  // Of each step the values of all series that have one.
  using StepValues = std::vector<std::vector<double>>;

  Result<std::vector<Tally>> CountRequests(const RequestsSli& sli, const Range& range, int64_t now_minute);
  Result<std::vector<Tally>> CountEvents(const EventsSli& sli, const Range& range);
  Result<std::vector<Tally>> JudgeSlices(const TimeSlicesSli& sli, int64_t from_minute, int64_t to_minute,
                                         int64_t now_minute, store::Cancellation* cancellation);
  Result<StepValues> Ask(SliSource source, const SliQuery& query, bool counts, const Range& range);
  Result<StepValues> AskSpans(const std::string& text, const Range& range);
  Result<StepValues> AskLogs(const std::string& text, const Range& range);
  Result<StepValues> AskMetrics(const SliQuery& query, const Range& range);
  Result<StepValues> AskSql(const std::string& text, const Range& range);

  store::ClickHouse& clickhouse_;
  const StoredSliOptions options_;
  query::ItemSource items_;
  query::SqlRunner sql_;
};

}  // namespace sightline::slo
