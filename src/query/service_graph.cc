#include "query/service_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "otlp/service_graph_edges.h"
#include "query/rows.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kLongSeconds = 2 * 86'400;  // a longer range is read by hour
constexpr uint32_t kMinutes = otlp::kGraphResolutions[0], kHours = otlp::kGraphResolutions[1];

std::string EdgesSql(const std::string& table, uint32_t resolution, const GraphSearch& search) {
  const std::string of_service = search.service ? " AND (Client = {service:String} OR Server = {service:String})" : "";
  std::string sides;
  for (const char* side : {"ClientSide", "NOT ClientSide"}) {
    sides += fmt::format(", groupArrayIf(Bucket, {0}), groupArrayIf(BucketSpans, {0}), maxIf(Longest, {0})", side);
  }
  return "SELECT Client, Server, ConnectionType, sum(BucketCalls), sum(Errors)" + sides +
         " FROM (SELECT Client, Server, ConnectionType, ClientSide, Bucket, sum(Calls) AS BucketCalls, "
         "sumIf(Calls, Failed) AS Errors, sum(Spans) AS BucketSpans, max(DurationMax) AS Longest FROM " +
         table + " WHERE Block = 0 AND Seconds = " + std::to_string(resolution) +
         " AND Time >= toDateTime({from:Int64}) AND Time < toDateTime({to:Int64})" + of_service +
         " GROUP BY Client, Server, ConnectionType, ClientSide, Bucket) GROUP BY Client, Server, ConnectionType "
         "ORDER BY sum(BucketCalls) DESC, Client, Server, ConnectionType LIMIT " +
         std::to_string(search.limit + 1);
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
  const bool is_long = search.to_unix_nanos - search.from_unix_nanos > kLongSeconds * kSecondNanos;
  const bool is_old =
      minute_seconds_ != 0 && search.from_unix_nanos < search.now_unix_nanos - minute_seconds_ * kSecondNanos;
  const uint32_t resolution = is_long || is_old ? kHours : kMinutes;
  auto range = WholeSteps(search.from_unix_nanos, search.to_unix_nanos, resolution);
  if (!range) return std::unexpected(range.error());
  ServiceGraph graph{.range = *range};
  const int64_t end = std::min(range->to_unix_nanos, search.now_unix_nanos);
  const double seconds =
      std::max(1.0, static_cast<double>(end - range->from_unix_nanos) / static_cast<double>(kSecondNanos));
  std::map<std::string, std::string> parameters = {{"from", fmt::format("{}", range->from_seconds())},
                                                   {"to", fmt::format("{}", range->to_seconds())}};
  if (search.service) parameters["service"] = *search.service;
  Question question(clickhouse_, database_, cancellation);
  SIGHTLINE_TRY(question.ForEachRow(EdgesSql(question.Table(otlp::ServiceGraphEdgesTable::kName), resolution, search),
                                    std::move(parameters), [&](RowReader& row) {
                                      GraphEdge edge;
                                      edge.client = row.Text();
                                      edge.server = row.Text();
                                      edge.connection_type = row.Text();
                                      edge.calls = row.Number<double>();
                                      edge.errors = row.Number<double>();
                                      edge.client_side = ReadSide(row);
                                      edge.server_side = ReadSide(row);
                                      edge.calls_per_second = edge.calls / seconds;
                                      graph.is_cut = graph.edges.size() == search.limit;
                                      if (!graph.is_cut) graph.edges.push_back(std::move(edge));
                                    }));
  graph.scanned = question.stats();
  return graph;
}

}  // namespace sightline::query
