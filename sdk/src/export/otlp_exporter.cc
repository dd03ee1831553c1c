#include "otel/otlp_exporter.h"

#include <exception>
#include <variant>

#include "common/report.h"
#include "export/otlp_client.h"
#include "otlp/encode.h"
#include "otlp/signal.h"

namespace otel {
namespace {

size_t Records(const SpanBatch& batch) {
  return batch.spans.size();
}
size_t Records(const LogBatch& batch) {
  return batch.records.size();
}
size_t Records(const MetricBatch& batch) {
  size_t points = 0;
  for (const ScopeMetrics& scope : batch.scopes) {
    for (const MetricData& metric : scope.metrics) {
      points += std::visit([](const auto& data) { return data.points.size(); }, metric.data);
    }
  }
  return points;
}

internal::Encoding EncodingOf(OtlpProtocol protocol) {
  return protocol == OtlpProtocol::kHttpJson ? internal::Encoding::kJson : internal::Encoding::kProtobuf;
}

}  // namespace

template <typename Batch>
OtlpExporter<Batch>::OtlpExporter(const OtlpOptions& options)
    : client_(internal::MakeOtlpClient(options, internal::kSignal<Batch>)), encoding_(EncodingOf(options.protocol)) {}

template <typename Batch>
OtlpExporter<Batch>::~OtlpExporter() = default;

template <typename Batch>
ExportResult OtlpExporter<Batch>::Export(const Batch& batch, Deadline deadline) {
  if (client_->IsShutDown()) return ExportResult::kFailure;
  if (Records(batch) == 0) return ExportResult::kSuccess;
  constexpr size_t kKeptBytesMax = 4 << 20;
  try {
    const ExportResult result = client_->Send(internal::Encode(batch, encoding_, &buffer_), Records(batch), deadline);
    if (buffer_.capacity() > kKeptBytesMax) buffer_ = {};
    return result;
  } catch (const std::exception& error) {  // no memory
    internal::Report("otlp exporter", error.what());
    return ExportResult::kFailure;
  }
}

template <typename Batch>
bool OtlpExporter<Batch>::ForceFlush(Deadline) {
  return true;
}

template <typename Batch>
bool OtlpExporter<Batch>::Shutdown(Deadline) {
  client_->Shutdown();
  return true;
}

template class OtlpExporter<SpanBatch>;
template class OtlpExporter<LogBatch>;
template class OtlpExporter<MetricBatch>;

}  // namespace otel
