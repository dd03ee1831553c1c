// Calls between services before sampling, as the Collector's servicegraph connector has them.
// Data: what decided frames add to the service graph (otlp::ServiceGraphEdges) -> counts -> OTLP metrics
// `traces_service_graph_request_total` and so on. docs/adr/008-service-graph.md says what a call is.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "forward/metric_writer.h"
#include "forward/outgoing.h"
#include "otlp/service_graph_edges.h"

namespace sightline::forward {

// The connector's default, in seconds.
inline constexpr std::array<double, 16> kGraphBoundsSeconds = {0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2,
                                                               0.4,   0.8,   1,     1.4,   2,    5,    10,  15};

// Edges beyond `series_max` are counted between nodes "(other)". Thread: of its owner.
class GraphCounts {
 public:
  explicit GraphCounts(uint32_t series_max) : series_max_(series_max) {}

  // Durations are known by otlp::DurationBucket only (9 % wide) and are counted by the middle of theirs.
  void Add(const otlp::ServiceGraphEdges& edges);
  void Merge(const GraphCounts& other);
  bool empty() const { return edges_.empty(); }
  void Write(const MetricTimes& times, std::string_view instance_id, std::vector<OutgoingRequest>& out) const;

 private:
  using Durations = Histogram<kGraphBoundsSeconds.size()>;
  using Key = std::tuple<std::string, std::string, otlp::Connection, bool>;  // client, server, connection, failed
  struct Edge {
    double calls = 0;
    Durations client, server;
  };
  Edge& EdgeOf(Key key);

  const uint32_t series_max_;
  std::map<Key, Edge> edges_;
};

}  // namespace sightline::forward
