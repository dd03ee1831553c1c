#include "serve/service_graph_api.h"

#include <cmath>

#include "serve/cursor.h"

namespace sightline::serve {
namespace {

// A node has any name, the empty one too: so the position says whether it has a last edge.
constexpr std::string_view kByName = "name";

// Position: ids of the ranked ones; kByName, and the last one's client, server and connection; or four times nothing.
std::optional<query::GraphCursor> ReadCursor(Params& params, const query::GraphSearch& search) {
  const auto fields = params.Position(5);
  if (fields.empty()) return std::nullopt;
  query::GraphCursor cursor{search.from_unix_nanos, search.to_unix_nanos, {}, {}};
  if (!UnpackIds(fields[0], cursor.ranked) || cursor.ranked.size() > query::kGraphEdgesRankedMax) {
    params.Refuse("cursor", NoCursor());
  }
  if (fields[1] == kByName) cursor.last = {fields[2], fields[3], fields[4]};
  return cursor;
}

std::optional<std::string> NextCursor(const Params& params, const std::optional<query::GraphCursor>& next) {
  if (!next) return std::nullopt;
  if (!next->last) return params.NextCursor({PackIds(next->ranked), "", "", "", ""});
  return params.NextCursor({PackIds(next->ranked), std::string(kByName), next->last->client, next->last->server,
                            next->last->connection_type});
}

// Null where the side has no spans.
void WriteSide(JsonWriter& json, std::string_view key, const query::GraphSideFigures& side) {
  json.Key(key);
  if (side.spans == 0) return void(json.Null());
  json.Begin('{').Key("spans").Number(side.spans);
  json.Key("p50_nano").Number(std::round(side.p50_nanos));
  json.Key("p90_nano").Number(std::round(side.p90_nanos));
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
  search.limit = call.params.Limit(query::kGraphEdgesMax, query::kGraphEdgesMax);
  search.cursor = ReadCursor(call.params, search);
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
  json.End(']');
  WriteNextCursor(json, NextCursor(call.params, graph->next));
  WriteScanned(json, graph->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
