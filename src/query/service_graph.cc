#include "query/service_graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "otlp/service_graph_edges.h"
#include "query/rows.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kLongSeconds = 2 * 86'400;  // a longer range is read by hour
constexpr uint32_t kMinutes = otlp::kGraphResolutions[0], kHours = otlp::kGraphResolutions[1];

// Rows of id, client, server, connection, calls, errors; buckets, their spans and the longest of either side.
std::string EdgesSql(const std::string& table, uint32_t resolution, const GraphSearch& search, const GraphCursor& seen,
                     bool by_calls, uint32_t limit) {
  std::string where = "Block = 0 AND Seconds = " + std::to_string(resolution) +
                      " AND Time >= toDateTime({from:Int64}) AND Time < toDateTime({to:Int64})";
  if (search.service) where += " AND (Client = {service:String} OR Server = {service:String})";
  if (seen.last) {
    where += " AND (Client, Server, ConnectionType) > ({client:String}, {server:String}, {connection:String})";
  }
  std::string sides;
  for (const char* side : {"ClientSide", "NOT ClientSide"}) {
    sides += fmt::format(", groupArrayIf(Bucket, {0}), groupArrayIf(BucketSpans, {0}), maxIf(Longest, {0})", side);
  }
  return "SELECT bitAnd(sipHash64(Client, Server, ConnectionType), {id_mask:UInt64}) AS Id, Client, Server, "
         "ConnectionType, sum(BucketCalls), sum(Errors)" +
         sides +
         " FROM (SELECT Client, Server, ConnectionType, ClientSide, Bucket, sum(Calls) AS BucketCalls, "
         "sumIf(Calls, Failed) AS Errors, sum(Spans) AS BucketSpans, max(DurationMax) AS Longest FROM " +
         table + " WHERE " + where +
         " GROUP BY Client, Server, ConnectionType, ClientSide, Bucket) GROUP BY Client, Server, ConnectionType "
         "HAVING Id NOT IN {ranked:Array(UInt64)} ORDER BY " +
         (by_calls ? "sum(BucketCalls) DESC, " : "") + "Client, Server, ConnectionType LIMIT " + std::to_string(limit);
}

std::map<std::string, std::string> EdgesParameters(const GraphSearch& search, const MinuteRange& range,
                                                   const GraphCursor& seen) {
  std::map<std::string, std::string> parameters = {{"from", fmt::format("{}", range.from_seconds())},
                                                   {"to", fmt::format("{}", range.to_seconds())},
                                                   {"id_mask", fmt::format("{}", (uint64_t{1} << kRankedIdBits) - 1)},
                                                   {"ranked", fmt::format("[{}]", fmt::join(seen.ranked, ","))}};
  if (search.service) parameters["service"] = *search.service;
  if (seen.last) {
    parameters["client"] = seen.last->client;
    parameters["server"] = seen.last->server;
    parameters["connection"] = seen.last->connection_type;
  }
  return parameters;
}

GraphSideFigures ReadSide(RowReader& row) {
  const auto numbers = row.Numbers<uint16_t>();
  const auto spans = row.Numbers<double>();
  const auto longest = row.Number<uint64_t>();
  BucketCalls buckets;
  buckets.reserve(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) buckets.emplace_back(numbers[i], spans.at(i));
  std::ranges::sort(buckets);
  GraphSideFigures figures{.p50_nanos = QuantileNanos(buckets, 0.50, longest),
                           .p90_nanos = QuantileNanos(buckets, 0.90, longest),
                           .p95_nanos = QuantileNanos(buckets, 0.95, longest),
                           .p99_nanos = QuantileNanos(buckets, 0.99, longest),
                           .max_nanos = longest};
  for (const auto& [bucket, calls] : buckets) figures.spans += calls;
  return figures;
}

}  // namespace

Result<ServiceGraph> ServiceGraphReader::Read(const GraphSearch& search, store::Cancellation* cancellation) {
  if (search.limit < 1 || search.limit > kGraphEdgesMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kGraphEdgesMax);
  }
  GraphCursor seen = search.cursor.value_or(GraphCursor{search.from_unix_nanos, search.to_unix_nanos, {}, {}});
  const bool is_long = seen.to_unix_nanos - seen.from_unix_nanos > kLongSeconds * kSecondNanos;
  const bool is_old =
      minute_seconds_ != 0 && seen.from_unix_nanos < search.now_unix_nanos - minute_seconds_ * kSecondNanos;
  const uint32_t resolution = is_long || is_old ? kHours : kMinutes;
  auto range = WholeSteps(seen.from_unix_nanos, seen.to_unix_nanos, resolution);
  if (!range) return std::unexpected(range.error());
  ServiceGraph graph{.range = *range};
  const int64_t end = std::min(range->to_unix_nanos, search.now_unix_nanos);
  const double seconds =
      std::max(1.0, static_cast<double>(end - range->from_unix_nanos) / static_cast<double>(kSecondNanos));
  const bool by_calls = seen.ranked.size() < kGraphEdgesRankedMax;
  const auto room =
      static_cast<uint32_t>(kGraphEdgesRankedMax - std::min<size_t>(seen.ranked.size(), kGraphEdgesRankedMax));
  const uint32_t limit = by_calls ? std::min(search.limit, room) : search.limit;
  bool more = false;
  Question question(clickhouse_, database_, cancellation);
  SIGHTLINE_TRY(question.ForEachRow(
      EdgesSql(question.Table(otlp::ServiceGraphEdgesTable::kName), resolution, search, seen, by_calls, limit + 1),
      EdgesParameters(search, *range, seen), [&](RowReader& row) {
        GraphEdge edge;
        const auto id = row.Number<uint64_t>();
        edge.client = row.Text();
        edge.server = row.Text();
        edge.connection_type = row.Text();
        edge.calls = row.Number<double>();
        edge.errors = row.Number<double>();
        edge.client_side = ReadSide(row);
        edge.server_side = ReadSide(row);
        edge.calls_per_second = edge.calls / seconds;
        more = graph.edges.size() == limit;
        if (more) return;
        if (by_calls) seen.ranked.push_back(id);
        graph.edges.push_back(std::move(edge));
      }));
  if (more) {
    const GraphEdge& last = graph.edges.back();
    if (!by_calls) seen.last = GraphCursor::Place{last.client, last.server, last.connection_type};
    graph.next = std::move(seen);
  }
  graph.scanned = question.stats();
  return graph;
}

}  // namespace sightline::query
