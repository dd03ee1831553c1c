// Sends telemetry to any OpenTelemetry backend: OTLP over HTTP (protobuf or JSON) or gRPC.
// https://opentelemetry.io/docs/specs/otlp/ and https://opentelemetry.io/docs/specs/otel/protocol/exporter/
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "otel/log_data.h"
#include "otel/metric_data.h"
#include "otel/span_data.h"

namespace otel {

namespace internal {
class OtlpClient;
enum class Encoding : uint8_t;
}  // namespace internal

// gRPC can't be used in the child of a process that used it before the fork; HTTP can.
enum class OtlpProtocol : uint8_t { kHttpProtobuf, kHttpJson, kGrpc };
enum class OtlpCompression : uint8_t { kNone, kGzip };

struct OtlpOptions {
  OtlpProtocol protocol = OtlpProtocol::kHttpProtobuf;
  // "http://collector:4318" or "https://...": HTTP appends /v1/traces, /v1/metrics or /v1/logs. gRPC also takes its own
  // names ("collector:4317", "unix:..."), with TLS unless `insecure`. Empty: port 4318 of this machine, with gRPC 4317.
  std::string endpoint = {};
  // The signal's own address, instead of `endpoint`: HTTP appends nothing to it.
  std::string url = {};
  bool insecure = false;  // only for a gRPC endpoint that is neither http: nor https:
  std::vector<std::pair<std::string, std::string>> headers = {};
  OtlpCompression compression = OtlpCompression::kNone;
  std::chrono::milliseconds timeout{10'000};  // of a batch, with all attempts; 0: no limit but the call's
  // PEM files. Empty: the system's certificate authorities, and no certificate of the client.
  std::string certificate = {};
  std::string client_key = {};
  std::string client_certificate = {};
  // What can be sent again is, after about so long; then after half as much more each time, up to the maximum.
  std::chrono::milliseconds retry_initial{1'000};
  std::chrono::milliseconds retry_max{5'000};
};

// Keeps one connection. A batch that the server can't take is sent again as long as its timeout and the deadline of the
// call let it; what is refused, and what a server took only in part, is reported.
// Thread: Export of one at a time, the others of any.
template <typename Batch>
class OtlpExporter final : public Exporter<Batch> {
 public:
  // Of options that make no sense, the first call of Export reports what is wrong.
  explicit OtlpExporter(const OtlpOptions& options = {});
  ~OtlpExporter() override;
  OtlpExporter(const OtlpExporter&) = delete;
  OtlpExporter& operator=(const OtlpExporter&) = delete;

  ExportResult Export(const Batch& batch, Deadline deadline) override;
  bool ForceFlush(Deadline deadline) override;  // nothing waits here
  bool Shutdown(Deadline deadline) override;

 private:
  std::unique_ptr<internal::OtlpClient> client_;
  internal::Encoding encoding_;
  std::string buffer_;  // of the last request
};

extern template class OtlpExporter<SpanBatch>;
extern template class OtlpExporter<LogBatch>;
extern template class OtlpExporter<MetricBatch>;

using OtlpSpanExporter = OtlpExporter<SpanBatch>;
using OtlpLogExporter = OtlpExporter<LogBatch>;
using OtlpMetricExporter = OtlpExporter<MetricBatch>;

}  // namespace otel
