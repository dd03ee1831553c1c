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

inline constexpr uint32_t kGraphEdgesMax = 1000;        // a page
inline constexpr uint32_t kGraphEdgesRankedMax = 1000;  // of a graph: the cursor names them

// How long the calls took as one side measured it. `spans` is 0 where that side has none.
struct GraphSideFigures {
  double spans = 0;
  double p50_nanos = 0, p90_nanos = 0, p95_nanos = 0, p99_nanos = 0;
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

// What the pages before had. The numbers of calls change while data arrives, so that they say nothing about it.
struct GraphCursor {
  struct Place {
    std::string client, server, connection_type;
  };
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // stand for the search's
  std::vector<uint64_t> ranked;                    // ids of those that stood there by their calls
  std::optional<Place> last;                       // the last one, once they stand by name
};

struct GraphSearch {
  std::optional<std::string> service;              // only edges to or from it
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // widened to whole minutes, or hours where it is long or old
  int64_t now_unix_nanos = 0;
  uint32_t limit = kGraphEdgesMax;  // 1 to kGraphEdgesMax
  std::optional<GraphCursor> cursor;
};

// Most calls first up to kGraphEdgesRankedMax, a page without those of the pages before; the rest by name.
struct ServiceGraph {
  MinuteRange range;  // that was used
  std::vector<GraphEdge> edges;
  std::optional<GraphCursor> next;  // none: this is the last page
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
