#include "forward/exporter.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "net/compression.h"
#include "net/grpc_client.h"
#include "net/http_client.h"

namespace sightline::forward {
namespace {

constexpr int kGzipLevel = 1;

std::string_view GrpcMethod(otlp::Signal signal) {
  constexpr std::string_view kMethods[] = {"/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                                           "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                                           "/opentelemetry.proto.collector.logs.v1.LogsService/Export"};
  return kMethods[static_cast<size_t>(signal)];
}

class GrpcExporter final : public Exporter {
 public:
  GrpcExporter(const ExporterOptions& options, std::unique_ptr<net::GrpcClient> client)
      : options_(options), client_(std::move(client)) {
    for (auto& [name, value] : options_.headers) {
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
  }

  Answer Send(otlp::Signal signal, std::string_view request, const std::function<bool()>& cancelled) override {
    return FromGrpc(client_->Call({.method = std::string(GrpcMethod(signal)),
                                   .metadata = options_.headers,
                                   .message = request,
                                   .gzip = options_.gzip,
                                   .timeout_nanos = options_.timeout_nanos,
                                   .cancelled = cancelled}));
  }

 private:
  ExporterOptions options_;
  const std::unique_ptr<net::GrpcClient> client_;
};

class HttpExporter final : public Exporter {
 public:
  HttpExporter(const ExporterOptions& options, const Clock& clock) : options_(options), clock_(clock) {
    options_.headers.emplace_back("Content-Type", "application/x-protobuf");
    if (options_.gzip) options_.headers.emplace_back("Content-Encoding", "gzip");
  }

  Answer Send(otlp::Signal signal, std::string_view request, const std::function<bool()>& cancelled) override {
    std::string zipped;
    if (options_.gzip) {
      Result<std::string> result = net::Gzip(request, kGzipLevel);
      if (!result) return {.message = result.error().message, .reason = "gzip"};
      zipped = *std::move(result);
    }
    constexpr int64_t kSecondNanos = 1'000'000'000;
    const Result<net::HttpReply> reply =
        client_.Call({.method = "POST",
                      .url = fmt::format("{}/v1/{}", options_.endpoint.address, otlp::SignalName(signal)),
                      .headers = options_.headers,
                      .body = options_.gzip ? std::string_view(zipped) : request,
                      .timeout_seconds = static_cast<int>(std::max<int64_t>(1, options_.timeout_nanos / kSecondNanos)),
                      .tls_files = options_.tls_files,
                      .cancelled = cancelled});
    if (!reply) return {.message = reply.error().message, .reason = "no answer"};
    return FromHttp(*reply, clock_.UnixNanos());
  }

 private:
  ExporterOptions options_;
  const Clock& clock_;
  net::HttpClient client_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> Exporter::Create(const ExporterOptions& options, const Clock& clock) {
  for (const std::string& file : {options.tls_files.ca, options.tls_files.cert, options.tls_files.key}) {
    if (file.empty() || access(file.c_str(), R_OK) == 0) continue;
    return Fail(Code::kInvalidArgument, "{}: {}", file, std::strerror(errno));
  }
  if (options.endpoint.protocol == Protocol::kHttp) return std::make_unique<HttpExporter>(options, clock);
  auto client = net::GrpcClient::Create(
      {.address = options.endpoint.address, .tls = options.endpoint.tls, .tls_files = options.tls_files});
  if (!client) return std::unexpected(client.error());
  return std::make_unique<GrpcExporter>(options, *std::move(client));
}

}  // namespace sightline::forward
