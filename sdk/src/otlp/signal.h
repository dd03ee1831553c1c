// Where the records of a signal are sent, and what they are called.
#pragma once

#include <string_view>

#include "otel/log_data.h"
#include "otel/metric_data.h"
#include "otel/span_data.h"

namespace otel::internal {

struct Signal {
  std::string_view records;
  std::string_view http_path;
  const char* grpc_method;
};

template <typename Batch>
inline constexpr Signal kSignal{};
template <>
inline constexpr Signal kSignal<SpanBatch>{"spans", "/v1/traces",
                                           "/opentelemetry.proto.collector.trace.v1.TraceService/Export"};
template <>
inline constexpr Signal kSignal<LogBatch>{"log records", "/v1/logs",
                                          "/opentelemetry.proto.collector.logs.v1.LogsService/Export"};
template <>
inline constexpr Signal kSignal<MetricBatch>{"data points", "/v1/metrics",
                                             "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"};

}  // namespace otel::internal
