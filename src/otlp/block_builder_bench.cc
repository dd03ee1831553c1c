// What a span, a record and a point cost on their way to Native blocks; the scan before it is measured in
// scan_bench.cc. Blocks of 50,000 rows, as the writers make them.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "otlp/block_builder.h"
#include "otlp/scan.h"
#include "otlp/testing/requests.h"

namespace sightline::otlp {
namespace {

using namespace testing;

constexpr uint64_t kRowsPerBlock = 50'000;
constexpr int64_t kReceived = static_cast<int64_t>(kTestTime) + 5'000'000'000;

std::string LogsRequest(int records, uint64_t seed) {
  std::mt19937_64 random(seed);
  Pb scope;
  scope.Message(field::scope_items::kScope, Pb().Bytes(field::instrumentation_scope::kName, "app.api"));
  for (int i = 0; i < records; ++i) {
    Pb log = Pb().Fixed64(field::log_record::kTimeUnixNano, kTestTime + random() % 1'000'000'000)
                 .Fixed64(field::log_record::kObservedTimeUnixNano, kTestTime + 1'000'000'000)
                 .Uint(field::log_record::kSeverityNumber, 9)
                 .Bytes(field::log_record::kSeverityText, "INFO")
                 .Message(field::log_record::kBody,
                          StringValue("search for query " + std::to_string(random() % 500) + " took " +
                                      std::to_string(random() % 1000) + " ms and found some articles"))
                 .Bytes(field::log_record::kTraceId, Id(random(), 16))
                 .Bytes(field::log_record::kSpanId, Id(random(), 8));
    for (const auto& [key, value] :
         {std::pair("code.function.name", "search"), std::pair("code.file.path", "/app/api.py"),
          std::pair("thread.name", "worker-3")}) {
      log.Message(field::log_record::kAttributes, Attribute(key, StringValue(value)));
    }
    log.Message(field::log_record::kAttributes, Attribute("code.line.number", IntValue(random() % 400)));
    scope.Message(field::scope_items::kItems, log);
  }
  return Pb()
      .Message(field::request::kResources, Pb().Message(field::resource_items::kResource, Resource("recommender"))
                                               .Message(field::resource_items::kScopes, scope))
      .bytes();
}

// `series` streams of a sum, five attributes each, one point a request.
std::string PointsRequest(int series, uint64_t seed) {
  std::mt19937_64 random(seed);
  Pb scope;
  scope.Message(field::scope_items::kScope, Pb().Bytes(field::instrumentation_scope::kName, "app.meter"));
  for (int metric = 0; metric < series / 50; ++metric) {
    Pb data;
    for (int i = 0; i < 50; ++i) {
      Pb point = NumberPoint(static_cast<int64_t>(random() % 100'000), kTestTime + seed * 10'000'000'000);
      for (const char* key : {"http.request.method", "http.route", "url.scheme", "server.address"}) {
        point.Message(field::number_data_point::kAttributes, Attribute(key, StringValue("value of it")));
      }
      point.Message(field::number_data_point::kAttributes, Attribute("shard", IntValue(i)));
      data.Message(field::metric_data::kDataPoints, point);
    }
    data.Uint(field::metric_data::kAggregationTemporality, 2);
    scope.Message(
        field::scope_items::kItems,
        Pb().Bytes(field::metric::kName, "metric." + std::to_string(metric)).Message(field::metric::kSum, data));
  }
  return Pb()
      .Message(field::request::kResources, Pb().Message(field::resource_items::kResource, Resource("recommender"))
                                               .Message(field::resource_items::kScopes, scope))
      .bytes();
}

void BuildBlocks(benchmark::State& state, Signal signal, const std::vector<std::string>& requests) {
  std::vector<Scan> scans;
  uint64_t bytes_per_round = 0;
  for (const std::string& request : requests) {
    TimeRules times;
    times.received_unix_nanos = kReceived;
    scans.push_back(*ScanRequest(signal, request, Limits{}, times));
    bytes_per_round += request.size();
  }
  const auto builder = BlockBuilder::Create(signal, {});
  uint64_t rows = 0, bytes = 0, block = 0, native = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < requests.size(); ++i) {
      for (const ItemRef& item : scans[i].items) builder->Append(requests[i], scans[i], item, kReceived);
      if (builder->rows() < kRowsPerBlock) continue;
      rows += builder->rows();
      for (const TableBlock& table : builder->Finish(++block)) native += table.native.size();
    }
    bytes += bytes_per_round;
  }
  rows += builder->rows();
  for (const TableBlock& table : builder->Finish(++block)) native += table.native.size();
  state.SetItemsProcessed(static_cast<int64_t>(rows));
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  state.counters["us_per_row"] =
      benchmark::Counter(static_cast<double>(rows) / 1e6, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["native_bytes_per_row"] = static_cast<double>(native) / static_cast<double>(rows);
}

void BM_Spans(benchmark::State& state) {
  std::vector<std::string> requests;
  for (uint64_t seed = 0; seed < 32; ++seed) requests.push_back(TracesRequest(64, seed));
  BuildBlocks(state, Signal::kTraces, requests);
}
BENCHMARK(BM_Spans)->Unit(benchmark::kMillisecond);

void BM_LogRecords(benchmark::State& state) {
  std::vector<std::string> requests;
  for (uint64_t seed = 0; seed < 32; ++seed) requests.push_back(LogsRequest(500, seed));
  BuildBlocks(state, Signal::kLogs, requests);
}
BENCHMARK(BM_LogRecords)->Unit(benchmark::kMillisecond);

void BM_DataPoints(benchmark::State& state) {
  std::vector<std::string> requests;
  for (uint64_t seed = 0; seed < 16; ++seed) requests.push_back(PointsRequest(1000, seed));
  BuildBlocks(state, Signal::kMetrics, requests);
}
BENCHMARK(BM_DataPoints)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sightline::otlp
