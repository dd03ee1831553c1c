// Who calls whom: the edges of the service graph over a time range, read from service_graph_edges.
// Data: bound parameters -> ClickHouse (buckets of durations by edge and side) -> calls, errors, quantiles of each
// edge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/services.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kGraphEdgesMax = 5000;  // of an answer

// How long the calls took as one side measured it. `spans` is 0 where that side has none.
struct GraphSideFigures {
  double spans = 0;
  double p50_nanos = 0, p95_nanos = 0, p99_nanos = 0;
  uint64_t max_nanos = 0;
};

// Not whole where an SDK samples at the head: then each call counts for those it stands for.
struct GraphEdge {
  std::string client, server;
  std::string connection_type;   // "", "messaging_system", "database", "virtual_node"
  double calls = 0, errors = 0;  // failed for either side
  double calls_per_second = 0;   // over the part of the range that has passed
  GraphSideFigures client_side, server_side;
};

struct GraphSearch {
  std::optional<std::string> service;              // only edges to or from it
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // widened to whole minutes, or hours where it is long or old
  int64_t now_unix_nanos = 0;
  uint32_t limit = 1000;  // 1 to kGraphEdgesMax
};

struct ServiceGraph {
  MinuteRange range;             // that was used
  std::vector<GraphEdge> edges;  // most calls first
  bool is_cut = false;           // there are more than `limit`
  store::QueryStats scanned;
};

// Thread: any.
class ServiceGraphReader {
 public:
  // `clickhouse` must outlive it. `minute_seconds`: how long minutes are kept; 0: forever.
  explicit ServiceGraphReader(store::ClickHouse& clickhouse, std::string database = "sightline",
                              int64_t minute_seconds = 0)
      : clickhouse_(clickhouse), database_(std::move(database)), minute_seconds_(minute_seconds) {}

  // kInvalidArgument for a limit out of bounds, an empty range.
  Result<ServiceGraph> Read(const GraphSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  const std::string database_;
  const int64_t minute_seconds_;
};

}  // namespace sightline::query
