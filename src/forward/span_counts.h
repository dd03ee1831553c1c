// What is counted of spans before sampling and not yet delivered: calls by series, and calls between services.
// Data: counted requests, decided traces -> a frame of counts in the outbox (Encode) -> the same (Merge).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "forward/call_counts.h"
#include "otlp/service_graph_edges.h"

namespace sightline::forward {

// Thread: of its owner.
struct SpanCounts {
  // `dimensions` must outlive it, and be the same for all that are merged.
  explicit SpanCounts(uint32_t series_max, const std::vector<otlp::Dimension>& dimensions = CallCounts::kNoDimensions)
      : calls(series_max, dimensions) {}

  CallCounts calls;
  otlp::ServiceGraphEdges graph;

  bool empty() const { return calls.empty() && graph.empty(); }
  void Clear();
  void Merge(const SpanCounts& other);

  std::string Encode() const;
  // False for bytes that Encode does not make; then some of it may have been added.
  bool Merge(std::string_view encoded);
};

}  // namespace sightline::forward
