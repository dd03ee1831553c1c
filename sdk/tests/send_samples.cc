// Exports the samples once, as the options say, and tells how it went: "spans success 12\n" (milliseconds) for each
// signal.
//   sdk_send_samples http/protobuf|http/json|grpc|console [option=value ...]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "otel/console_exporter.h"
#include "otel/otlp_exporter.h"
#include "samples.h"

namespace {

using otel::OtlpOptions;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Arguments {
  bool console = false;
  OtlpOptions otlp;
  milliseconds deadline{30'000};
};

bool SetProtocol(std::string_view name, Arguments* arguments) {
  arguments->console = name == "console";
  if (name == "grpc") arguments->otlp.protocol = otel::OtlpProtocol::kGrpc;
  if (name == "http/json") arguments->otlp.protocol = otel::OtlpProtocol::kHttpJson;
  return name == "grpc" || name == "http/json" || name == "http/protobuf" || name == "console";
}

bool SetOption(std::string_view name, const std::string& value, Arguments* arguments) {
  OtlpOptions& otlp = arguments->otlp;
  if (name == "endpoint") {
    otlp.endpoint = value;
  } else if (name == "url") {
    otlp.url = value;
  } else if (name == "insecure") {
    otlp.insecure = value == "true";
  } else if (name == "gzip") {
    otlp.compression = value == "true" ? otel::OtlpCompression::kGzip : otel::OtlpCompression::kNone;
  } else if (name == "header") {
    const size_t colon = value.find(':');
    otlp.headers.emplace_back(value.substr(0, colon), value.substr(colon + 1));
  } else if (name == "certificate") {
    otlp.certificate = value;
  } else if (name == "client_key") {
    otlp.client_key = value;
  } else if (name == "client_certificate") {
    otlp.client_certificate = value;
  } else if (name == "timeout_ms") {
    otlp.timeout = milliseconds(std::atoi(value.c_str()));
  } else if (name == "deadline_ms") {
    arguments->deadline = milliseconds(std::atoi(value.c_str()));
  } else {
    return false;
  }
  return true;
}

template <typename Batch>
bool Send(const char* signal, const Batch& batch, otel::Exporter<Batch>&& exporter, milliseconds deadline) {
  const auto begin = steady_clock::now();
  const bool success = exporter.Export(batch, begin + deadline) == otel::ExportResult::kSuccess;
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  std::printf("%s %s %lld\n", signal, success ? "success" : "failure", static_cast<long long>(took.count()));
  exporter.Shutdown(steady_clock::now() + deadline);
  return success;
}

template <typename Batch>
bool Send(const char* signal, const Batch& batch, const Arguments& arguments) {
  if (arguments.console) return Send(signal, batch, otel::ConsoleExporter<Batch>(), arguments.deadline);
  return Send(signal, batch, otel::OtlpExporter<Batch>(arguments.otlp), arguments.deadline);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  bool understood = argc > 1 && SetProtocol(argv[1], &arguments);
  for (int i = 2; i < argc && understood; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    understood = equals != std::string::npos && SetOption(word.substr(0, equals), word.substr(equals + 1), &arguments);
  }
  if (!understood) {
    std::fprintf(stderr, "usage: sdk_send_samples http/protobuf|http/json|grpc|console [option=value ...]\n");
    return 2;
  }
  const bool spans = Send("spans", otel::testing::SampleSpans(), arguments);
  const bool logs = Send("logs", otel::testing::SampleLogs(), arguments);
  const bool metrics = Send("metrics", otel::testing::SampleMetrics(), arguments);
  return spans && logs && metrics ? 0 : 1;
}
