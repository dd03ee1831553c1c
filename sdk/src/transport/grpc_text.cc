#include "transport/grpc_text.h"

namespace otel::internal {

GrpcTarget GrpcTargetOf(const OtlpOptions& options) {
  std::string_view name = options.url.empty() ? options.endpoint : options.url;
  if (name.empty()) name = "http://localhost:4317";
  const std::string start = Lower(name.substr(0, 8));
  const bool http = start.starts_with("http://"), https = start.starts_with("https://");
  if (!http && !https) return {.name = std::string(name), .tls = !options.insecure};
  name.remove_prefix(https ? 8 : 7);
  return {.name = std::string(name.substr(0, name.find_first_of("/?#"))), .tls = https};
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace otel::internal
