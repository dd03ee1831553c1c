#include "otlp/block_builder.h"

#include "otlp/decode.h"
#include "otlp/kept_spans.h"
#include "otlp/predictions.h"
#include "otlp/service_graph_edges.h"
#include "otlp/span_metrics.h"

namespace sightline::otlp {

std::unique_ptr<BlockBuilder> BlockBuilder::Create(Signal signal, Options options) {
  switch (signal) {
    case Signal::kTraces:
      return CreateTracesBuilder(std::move(options));
    case Signal::kMetrics:
      return CreateMetricsBuilder(std::move(options));
    case Signal::kLogs:
      return CreateLogsBuilder(std::move(options));
  }
  return nullptr;
}

std::unique_ptr<BlockBuilder> BlockBuilder::CreateSpanMetrics(Options options) {
  return CreateSpanMetricsBuilder(std::move(options));
}

std::vector<BlockBuilder::TableColumns> BlockBuilder::Tables(Signal signal,
                                                             const std::vector<HotAttribute>& hot_attributes) {
  std::vector<TableColumns> tables = {DescribeTable(AttributeSetTable())};
  switch (signal) {
    case Signal::kTraces:
      tables.push_back(DescribeTable(HotKeysInMapsTable()));
      tables.push_back(DescribeTable(SpanTable(hot_attributes)));
      tables.push_back(DescribeTable(SpanMetricsTable()));
      tables.push_back(DescribeTable(ServiceGraphEdgesTable()));
      tables.push_back(DescribeTable(KeptSpansTable()));
      tables.push_back(DescribeTable(PredictionsTable()));
      break;
    case Signal::kLogs:
      tables.push_back(DescribeTable(LogTable()));
      break;
    case Signal::kMetrics:
      tables.push_back(DescribeTable(SeriesTable()));
      tables.push_back(DescribeTable(NumberPointsTable()));
      tables.push_back(DescribeTable(HistogramsTable()));
      tables.push_back(DescribeTable(ExponentialHistogramsTable()));
      tables.push_back(DescribeTable(SummariesTable()));
      break;
  }
  return tables;
}

// Conventions for HTTP, databases, RPC, messaging, generative AI and models: keys that people filter and group by. Each
// column costs about 0.01 us a span in the engine even where it is empty, so the list is short of what exists.
// What pages group and filter by. Each column costs about 0.4 ms in a query that reads whole spans, and some files in
// every small part, so an attribute that is only shown stays in the map; long or unbounded values (statements, URLs) do
// too.
const std::vector<HotAttribute>& DefaultHotAttributes() {
  using enum HotAttribute::Type;
  static const std::vector<HotAttribute> attributes = {
      {"http.request.method"},
      {"http.route"},
      {"http.response.status_code", kInt},
      {"http.method"},
      {"http.status_code", kInt},
      {"server.address"},
      {"error.type"},
      {"user.id", kString, true},
      {"db.system.name"},
      {"db.system"},
      {"db.operation.name"},
      {"db.collection.name"},
      {"rpc.service"},
      {"rpc.method"},
      {"messaging.destination.name"},
      {"messaging.operation.name"},
      {"gen_ai.operation.name"},
      {"gen_ai.request.model"},
      {"gen_ai.usage.input_tokens", kInt},
      {"gen_ai.usage.output_tokens", kInt},
      {"model.name"},
      {"model.version"},
  };
  return attributes;
}

}  // namespace sightline::otlp
