#include "forward/graph_counts.h"

#include <algorithm>
#include <cmath>

#include "otlp/span_metrics.h"

namespace sightline::forward {
namespace {

constexpr uint32_t kEdgesPerRequest = 1000;

uint32_t BucketOf(uint16_t duration_bucket) {
  const double nanos = std::exp2((duration_bucket + 0.5) / otlp::kBucketsPerDoubling);
  return static_cast<uint32_t>(std::ranges::lower_bound(kGraphBoundsSeconds, nanos * 1e-9) -
                               kGraphBoundsSeconds.begin());
}

}  // namespace

GraphCounts::Edge& GraphCounts::EdgeOf(Key key) {
  if (edges_.size() >= series_max_ && !edges_.contains(key)) {
    key = Key(otlp::kOtherNode, otlp::kOtherNode, std::get<otlp::Connection>(key), std::get<bool>(key));
  }
  return edges_[std::move(key)];
}

void GraphCounts::Add(const otlp::ServiceGraphEdges& edges) {
  for (const otlp::ServiceGraphEdges::Sum& sum : edges.Sums()) {
    Edge& edge = EdgeOf(Key(sum.client, sum.server, sum.connection, sum.failed));
    edge.calls += sum.calls;
    Durations& side = sum.is_client_side ? edge.client : edge.server;
    side.buckets[BucketOf(sum.bucket)] += sum.spans;
    side.count += sum.spans;
    side.sum += sum.duration_sum * 1e-9;
  }
}

void GraphCounts::Merge(const GraphCounts& other) {
  for (const auto& [key, more] : other.edges_) {
    Edge& edge = EdgeOf(key);
    edge.calls += more.calls;
    edge.client.Merge(more.client);
    edge.server.Merge(more.server);
  }
}

void GraphCounts::Write(const MetricTimes& times, std::string_view instance_id,
                        std::vector<OutgoingRequest>& out) const {
  for (auto first = edges_.begin(); first != edges_.end();) {
    const auto left = static_cast<uint32_t>(std::distance(first, edges_.end()));
    const auto end = std::next(first, std::min(kEdgesPerRequest, left));
    otlp::WireWriter request;
    const std::pair<std::string_view, std::string_view> resource[] = {{"service.name", "sightline"},
                                                                      {"service.instance.id", instance_id}};
    const OpenScope scope = BeginScope(request, resource);
    MetricWriter metric(request, times);
    uint64_t points = 0;
    const auto each = [&](const auto& write) {
      for (auto edge = first; edge != end; ++edge) {
        const auto& [client, server, connection, failed] = edge->first;
        const std::pair<std::string_view, std::string_view> labels[] = {
            {"client", client},
            {"server", server},
            {"connection_type", otlp::ConnectionText(connection)},
            {"failed", failed ? "true" : "false"}};
        points += write(edge->second, failed, MetricAttributes(labels)) ? 1 : 0;
      }
      metric.End();
    };
    metric.BeginSum("traces_service_graph_request_total", "{call}", "Calls between two nodes.");
    each([&](const Edge& edge, bool, MetricAttributes labels) { return metric.SumPoint(edge.calls, labels), true; });
    metric.BeginSum("traces_service_graph_request_failed_total", "{call}", "Calls between two nodes that failed.");
    each([&](const Edge& edge, bool failed, MetricAttributes labels) {
      if (failed) metric.SumPoint(edge.calls, labels);
      return failed;
    });
    const auto side = [&](std::string_view name, std::string_view description, const Durations Edge::* durations) {
      metric.BeginHistogram(name, "s", description);
      each([&](const Edge& edge, bool, MetricAttributes labels) {
        const Durations& of_edge = edge.*durations;
        if (of_edge.count > 0) metric.HistogramPoint(of_edge.buckets, kGraphBoundsSeconds, of_edge.sum, labels);
        return of_edge.count > 0;
      });
    };
    side("traces_service_graph_request_server", "How long calls took for the server.", &Edge::server);
    side("traces_service_graph_request_client", "How long calls took for the client.", &Edge::client);
    EndScope(request, scope);
    out.push_back({request.Take(), points});
    first = end;
  }
}

}  // namespace sightline::forward
