// Silent failures: requests that answered as if nothing had failed while something under them did (silent_trace.h says
// what counts), grouped by what failed. Data: failed spans of a range, newest first -> the traces they are of -> a
// judgement on each -> groups; the shares from span_metric_rollups, which count all requests, sampled out or not.
//
// The cost is bounded by the traces that are examined, not by the range: where more traces have a failed span, the
// answer is of the newest ones, and says since when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/attributes.h"
#include "query/rows.h"
#include "query/services.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kSilentGroupsMax = 500;     // an answer
inline constexpr size_t kSilentTracesMax = 2000;      // with a failed span, that are examined
inline constexpr size_t kSilentSpansMax = 1'000'000;  // of them
inline constexpr size_t kSilentSamplesMax = 5;        // traces of a group
inline constexpr size_t kSilentNamesMax = 10;         // versions, and entry operations, of a group
// The first one is looked for in so much time before the range's end, but in no more stored spans than this.
inline constexpr int64_t kFirstSeenSecondsMax = 7 * 86'400;
inline constexpr uint64_t kFirstSeenSpansMax = 5'000'000;

struct SilentSearch {
  std::optional<std::string> service;              // whose requests; none: all
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // widened to whole minutes, or hours where it is long or old
  int64_t now_unix_nanos = 0;
  uint32_t limit = 50;           // 1 to kSilentGroupsMax
  bool wants_first_seen = true;  // the costlier half
};

// What the answer is of.
struct Examined {
  int64_t from_unix_nanos = 0;  // the range's, or later: failures before it were not looked at
  uint64_t traces = 0, spans = 0;
  bool is_complete = true;
};

// Requests of one operation of a service, by its entry spans.
struct EntryOperation {
  std::string service, name, kind;
  double requests = 0;                    // that were hit
  std::optional<double> requests_in_all;  // none: it is not counted by that name
};

struct SilentSample {
  std::string trace_id, span_id, message;  // the failed span's
  int64_t unix_nanos = 0;                  // its start
};

// Failures with one service, span name, kind, shape of the message and target.
struct SilentGroup {
  std::string service, name, kind, target;
  std::string shape;                      // MessageShape of the messages
  double requests = 0;                    // hit by it, each counted for those it stands for
  double retried_requests = 0;            // of these: where a later span like each failed one did not fail
  std::optional<double> requests_in_all;  // of the entry operations that were hit
  double requests_per_second = 0;         // over the part of the examined time that has passed
  std::vector<double> series;             // requests in each step of the range
  // Of a failure of this group, whether it was silent or not; none: not asked for.
  std::optional<int64_t> first_seen_unix_nanos;
  int64_t last_seen_unix_nanos = 0;
  std::vector<std::string> versions;    // service.version of the service that failed, those hit most first
  std::vector<EntryOperation> entries;  // hit most first
  size_t entries_in_all = 0;
  std::vector<SilentSample> samples;  // of different traces, newest first
};

struct SilentFailures {
  MinuteRange range;
  Examined examined;
  int64_t first_seen_since_unix_nanos = 0;  // from here on the first were looked for; 0: not asked for
  double requests = 0;                      // hit by any
  std::vector<SilentGroup> groups;          // most requests first
  size_t groups_in_all = 0;
  store::QueryStats scanned;
};

struct SilentService {
  std::string service;
  double requests = 0, requests_in_all = 0;
};

struct SilentServices {
  MinuteRange range;
  Examined examined;
  std::vector<SilentService> services;  // that had silent failures in their requests; most first
  store::QueryStats scanned;
};

// Thread: any.
class SilentFailureReader {
 public:
  // `clickhouse` must outlive it. `minute_seconds`: how long minutes of the rollups are kept; 0: forever.
  explicit SilentFailureReader(store::ClickHouse& clickhouse,
                               std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes(),
                               std::string database = "sightline", int64_t minute_seconds = 0)
      : clickhouse_(clickhouse),
        hot_attributes_(std::move(hot_attributes)),
        database_(std::move(database)),
        minute_seconds_(minute_seconds) {}

  // Both: kInvalidArgument for a limit out of bounds, an empty range.
  Result<SilentFailures> Read(const SilentSearch& search, store::Cancellation* cancellation = nullptr);
  // How many requests of each service were hit; `limit` and `wants_first_seen` say nothing here.
  Result<SilentServices> CountByService(const SilentSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  const std::vector<otlp::HotAttribute> hot_attributes_;
  const std::string database_;
  const int64_t minute_seconds_;
  AttributeSets sets_;
};

}  // namespace sightline::query
