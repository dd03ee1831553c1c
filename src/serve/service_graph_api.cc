#include "serve/service_graph_api.h"

#include <cmath>

namespace sightline::serve {
namespace {

constexpr uint32_t kEdgesDefault = 1000;

// Null where the side has no spans.
void WriteSide(JsonWriter& json, std::string_view key, const query::GraphSideFigures& side) {
  json.Key(key);
  if (side.spans == 0) return void(json.Null());
  json.Begin('{').Key("spans").Number(side.spans);
  json.Key("p50_nano").Number(std::round(side.p50_nanos));
  json.Key("p95_nano").Number(std::round(side.p95_nanos));
  json.Key("p99_nano").Number(std::round(side.p99_nanos));
  json.Key("max_nano").UInt(side.max_nanos).End('}');
}

void WriteEdge(JsonWriter& json, const query::GraphEdge& edge) {
  json.Begin('{').Key("client").String(edge.client).Key("server").String(edge.server);
  json.Key("connection_type").String(edge.connection_type);
  json.Key("calls").Number(edge.calls).Key("errors").Number(edge.errors);
  json.Key("calls_per_second").Number(edge.calls_per_second);
  WriteSide(json, "client_side", edge.client_side);
  WriteSide(json, "server_side", edge.server_side);
  json.End('}');
}

}  // namespace

void ServiceGraphApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/service-graph", [this](ApiCall& call) { return Read(call); }});
}

Result<void> ServiceGraphApi::Read(ApiCall& call) {
  query::GraphSearch search;
  search.service = call.params.OptionalText("service");
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.now_unix_nanos = call.now_unix_nanos;
  search.limit = call.params.Limit(kEdgesDefault, query::kGraphEdgesMax);
  SIGHTLINE_TRY(call.params.Check());
  auto graph = reader_.Read(search, call.cancellation());
  if (!graph) return std::unexpected(graph.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(graph->range.from_unix_nanos);
  json.Key("to_unix_nano").Nanos(graph->range.to_unix_nanos).Key("edges").Begin('[');
  for (const auto& edge : graph->edges) {
    if (!json.wanted()) return {};
    WriteEdge(json, edge);
  }
  json.End(']').Key("is_cut").Bool(graph->is_cut);
  WriteScanned(json, graph->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
