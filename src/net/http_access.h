// Who may call: the Host check that defeats DNS rebinding, the Origin check, and CORS for browsers that are allowed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"

namespace sightline::net {

// Immutable. Thread: any.
class HttpAccess {
 public:
  // `bound_host` as configured: "127.0.0.1", "::1", "0.0.0.0".
  HttpAccess(std::vector<std::string> allowed_hosts, std::vector<std::string> allowed_origins, std::string bound_host);

  struct Verdict {
    int refused_status = 0;  // 0: go on
    std::string message;     // why refused
    bool preflight = false;  // answer 204 with `cors` instead of calling the handler
    HttpHeaders cors;        // for the response
  };
  // `local_ip` is the connection's own end: with a wildcard bind it is the bound address the client used.
  Verdict Check(const HttpRequest& head, std::string_view local_ip) const;

 private:
  bool HostAllowed(const std::string& host, std::string_view local_ip) const;

  std::vector<std::string> hosts_;  // lower case
  bool any_host_ = false;
  std::vector<std::string> origins_;
  bool any_origin_ = false;
};

}  // namespace sightline::net
