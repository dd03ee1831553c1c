#include "config/otlp_environment.h"

#include <utility>

namespace otel::internal {
namespace {

constexpr Environment::Word<OtlpProtocol> kProtocols[] = {
    {"grpc", OtlpProtocol::kGrpc},
    {"http/protobuf", OtlpProtocol::kHttpProtobuf},
    {"http/json", OtlpProtocol::kHttpJson},
};
constexpr Environment::Word<OtlpCompression> kCompressions[] = {
    {"none", OtlpCompression::kNone},
    {"gzip", OtlpCompression::kGzip},
};

std::string_view NameOf(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return "TRACES_";
    case Signal::kMetrics:
      return "METRICS_";
    case Signal::kLogs:
      return "LOGS_";
  }
  return {};
}

// Reads what is named so for the signal, or else for all signals.
class OtlpVariables {
 public:
  OtlpVariables(const Environment& environment, Signal signal)
      : environment_(environment), own_prefix_(std::string("OTEL_EXPORTER_OTLP_").append(NameOf(signal))) {}

  // read(name) -> optional.
  template <typename Value, typename Read>
  void Into(Value& value, std::string_view name, const Read& read) const {
    auto found = read(Own(name).c_str());
    if (!found) found = read(General(name).c_str());
    if (found) value = std::move(*found);
  }
  void Into(std::string& value, std::string_view name) const {
    Into(value, name, [this](const char* full) { return environment_.Text(full); });
  }

  std::string Own(std::string_view name) const { return std::string(own_prefix_).append(name); }
  static std::string General(std::string_view name) { return std::string("OTEL_EXPORTER_OTLP_").append(name); }

 private:
  const Environment& environment_;
  std::string own_prefix_;
};

// With HTTP a signal's path is appended to the address for all signals, the signal's own is taken as it is.
void ReadEndpoint(const Environment& environment, const OtlpVariables& variables, OtlpOptions& options) {
  if (auto own = environment.Text(variables.Own("ENDPOINT").c_str())) {
    auto& place = options.protocol == OtlpProtocol::kGrpc ? options.endpoint : options.url;
    place = std::move(*own);
  } else if (auto general = environment.Text(OtlpVariables::General("ENDPOINT").c_str())) {
    options.endpoint = std::move(*general);
  }
}

}  // namespace

OtlpOptions ReadOtlpOptions(const Environment& environment, Signal signal) {
  OtlpOptions options;
  const OtlpVariables variables(environment, signal);
  variables.Into(options.protocol, "PROTOCOL", [&](const char* name) { return environment.Choice(name, kProtocols); });
  ReadEndpoint(environment, variables, options);
  variables.Into(options.insecure, "INSECURE", [&](const char* name) { return environment.Flag(name); });
  variables.Into(options.headers, "HEADERS", [&](const char* name) { return environment.Pairs(name); });
  variables.Into(options.compression, "COMPRESSION",
                 [&](const char* name) { return environment.Choice(name, kCompressions); });
  variables.Into(options.timeout, "TIMEOUT", [&](const char* name) { return environment.Timeout(name); });
  variables.Into(options.certificate, "CERTIFICATE");
  variables.Into(options.client_key, "CLIENT_KEY");
  variables.Into(options.client_certificate, "CLIENT_CERTIFICATE");
  return options;
}

}  // namespace otel::internal
