// Which endpoint answers which request. Data: method and path -> endpoint and the parts of the path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"
#include "serve/api_call.h"

namespace sightline::serve {

// Where an endpoint runs: what asks the store may take long, SQL that somebody wrote even longer, and an export as long
// as its client reads.
enum class RunsOn : uint8_t { kWorker, kSqlThread, kExportThread, kHttpThread };

struct Route {
  std::string method;  // GET serves HEAD too
  // "/api/v1/traces/{trace_id}/outline". A {name} is one part of the path, without "/"; a {name*} is any text, "/" too
  // or none at all, for names that users choose. At most one of the latter a path.
  std::string path;
  Endpoint endpoint;
  RunsOn runs_on = RunsOn::kWorker;
};

// Thread: built by one, then immutable.
class Router {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }

  struct Match {
    const Route* route = nullptr;  // lives as long as the router; nullptr: see `refused`
    PathParts parts;
    net::HttpResponse refused;  // 404; 405 with Allow
  };
  // Paths without parts win over those with.
  Match Find(std::string_view method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace sightline::serve
