#include "serve/router.h"

#include <algorithm>
#include <set>

#include "serve/api_error.h"

namespace sightline::serve {
namespace {

// Takes the literal text up to the next "{" off both; false if the path goes on differently.
bool TakeLiteral(std::string_view& pattern, std::string_view& path) {
  const std::string_view literal = pattern.substr(0, pattern.find('{'));
  if (!path.starts_with(literal)) return false;
  path.remove_prefix(literal.size());
  pattern.remove_prefix(literal.size());
  return true;
}

bool Fits(std::string_view pattern, std::string_view path, PathParts& parts) {
  parts.clear();
  if (!TakeLiteral(pattern, path)) return false;
  while (!pattern.empty()) {
    const size_t close = pattern.find('}');
    std::string_view name = pattern.substr(1, close - 1);
    pattern.remove_prefix(close + 1);
    size_t size = 0;
    if (name.ends_with('*')) {
      name.remove_suffix(1);
      // Nothing but literal text may follow, so the name ends where that begins.
      if (path.size() < pattern.size()) return false;
      size = path.size() - pattern.size();
    } else {
      size = std::min(path.find('/'), path.size());
      if (size == 0) return false;
    }
    parts.emplace_back(name, path.substr(0, size));
    path.remove_prefix(size);
    if (!TakeLiteral(pattern, path)) return false;
  }
  return path.empty();
}

bool Serves(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

net::HttpResponse NotAllowed(std::string_view method, std::string_view path, const std::set<std::string>& allowed) {
  std::string list;
  for (const auto& name : allowed) {
    list += (list.empty() ? "" : ", ") + name;
    if (name == "GET") list += ", HEAD";
  }
  auto response = HttpErrorResponse(405, std::string(method) + " is not served at " + std::string(path), "use " + list);
  response.headers.emplace_back("Allow", list);
  return response;
}

}  // namespace

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  std::set<std::string> allowed;
  Match match;
  for (const Route& route : routes_) {
    const bool exact = route.path == path;
    PathParts parts;
    if (!exact && !Fits(route.path, path, parts)) continue;
    if (!Serves(route, method)) {
      allowed.insert(route.method);
      continue;
    }
    if (match.route != nullptr && !exact) continue;
    match.route = &route;
    match.parts = std::move(parts);
  }
  if (match.route != nullptr) return match;
  match.refused = allowed.empty() ? HttpErrorResponse(404, "there is nothing at " + std::string(path),
                                                      "GET /api/v1/openapi.yaml says what there is")
                                  : NotAllowed(method, path, allowed);
  return match;
}

}  // namespace sightline::serve
