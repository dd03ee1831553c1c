#include "serve/ui_files.h"

#include <algorithm>
#include <string>

#include "net/compression.h"
#include "serve/accepts.h"
#include "serve/api_error.h"

namespace sightline::serve {
namespace {

constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const UiFile* Find(std::string_view path) {
  const auto files = UiFiles();
  const auto file = std::ranges::find(files, path, &UiFile::path);
  return file == files.end() ? nullptr : &*file;
}

}  // namespace

bool IsPage(const net::HttpRequest& request) {
  const std::string_view path = request.path;
  if (path == "/") return true;
  return !path.starts_with("/api/") && !path.starts_with("/assets/") && Accepts(request.Header("Accept"), "text/html");
}

net::HttpResponse UiResponse(const net::HttpRequest& request) {
  const UiFile* file = Find(request.path);
  if (file == nullptr && IsPage(request)) file = Find("/index.html");
  if (file == nullptr) return HttpErrorResponse(404, "there is nothing at " + request.path);

  net::HttpResponse response;
  response.content_type = std::string(file->content_type);
  response.headers.emplace_back("ETag", file->etag);
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Cache-Control", file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (file->content_type.starts_with("text/html")) {
    response.headers.emplace_back("Content-Security-Policy", kContentSecurityPolicy);
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
  }
  if (Accepts(request.Header("If-None-Match"), file->etag)) {
    response.status = 304;
    return response;
  }
  if (Accepts(request.Header("Accept-Encoding"), "gzip")) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = std::string(file->gzip);
    return response;
  }
  auto plain = net::Decompress("gzip", std::string(file->gzip), file->bytes);
  if (!plain) return ErrorResponse(plain.error());
  response.body = std::move(*plain);
  return response;
}

}  // namespace sightline::serve
