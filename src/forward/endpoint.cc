#include "forward/endpoint.h"

#include "net/http_server.h"

namespace sightline::forward {
namespace {

bool HasPort(std::string_view authority) {
  const size_t after_v6 = authority.rfind(']');
  return authority.find(':', after_v6 == std::string_view::npos ? 0 : after_v6) != std::string_view::npos;
}

}  // namespace

Result<Endpoint> ParseEndpoint(std::string_view text, Protocol protocol) {
  if (text == "none") return Endpoint{.none = true, .protocol = protocol, .tls = false, .address = {}};
  const size_t scheme_end = text.find("://");
  const std::string_view scheme = text.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end);
  const bool is_grpc_scheme = scheme == "grpc" || scheme == "grpcs";
  if (!is_grpc_scheme && scheme != "http" && scheme != "https") {
    return Fail(Code::kInvalidArgument,
                "expected grpc://HOST:PORT, grpcs://HOST:PORT, http://HOST:PORT, https://HOST:PORT or none");
  }
  if (is_grpc_scheme && protocol == Protocol::kHttp) {
    return Fail(Code::kInvalidArgument, "{}:// does not go with the protocol http", scheme);
  }
  Endpoint endpoint;
  endpoint.protocol = is_grpc_scheme || protocol == Protocol::kGrpc ? Protocol::kGrpc : Protocol::kHttp;
  endpoint.tls = scheme.ends_with('s');
  std::string_view rest = text.substr(scheme_end + 3);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t path_begin = rest.find('/');
  const bool is_grpc = endpoint.protocol == Protocol::kGrpc;
  if (is_grpc && path_begin != std::string_view::npos) {
    return Fail(Code::kInvalidArgument, "gRPC has no path: {}", rest.substr(path_begin));
  }
  std::string authority(rest.substr(0, path_begin));
  if (!HasPort(authority)) authority += is_grpc ? ":4317" : ":4318";
  if (const auto parsed = net::ParseHostPort(authority); !parsed) return std::unexpected(parsed.error());
  endpoint.address = std::move(authority);
  if (is_grpc) return endpoint;
  const std::string_view path = path_begin == std::string_view::npos ? "" : rest.substr(path_begin);
  endpoint.address = fmt::format("{}://{}{}", scheme, endpoint.address, path);
  return endpoint;
}

}  // namespace sightline::forward
