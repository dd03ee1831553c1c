#include "serve/api_call.h"

#include <cstdlib>

#include "serve/accepts.h"
#include "serve/api_error.h"

namespace sightline::serve {
namespace {

constexpr int kGzipLevel = 1;

bool TakesGzip(const net::HttpRequest& request) {
  const bool by_proxy = !request.Header("X-Forwarded-For").empty() || !request.Header("Forwarded").empty();
  return (by_proxy || !request.from_loopback) && Accepts(request.Header("Accept-Encoding"), "gzip");
}

bool IsJson(const net::HttpResponse& response) {
  return response.content_type == "application/json" || response.content_type == "application/x-ndjson";
}

}  // namespace

ApiCall::ApiCall(net::HttpRequest wanted, PathParts parts, net::HttpResponder responder, int64_t now,
                 std::shared_ptr<store::Cancellation> cancellation)
    : request(std::move(wanted)),
      now_unix_nanos(now),
      params(request, now),
      json(kAnswerPieceBytes,
           [this](std::string_view piece) {
             if (!begun_) Begin({});
             return Write(piece);
           }),
      parts_(std::move(parts)),
      responder_(std::move(responder)),
      cancellation_(std::move(cancellation)),
      takes_gzip_(TakesGzip(request)) {
  responder_.OnClientGone([ended = cancellation_] { ended->Cancel(); });
}

const std::string& ApiCall::part(std::string_view name) const {
  for (const auto& [key, value] : parts_) {
    if (key == name) return value;
  }
  SIGHTLINE_CHECK(false && "the route has no such part");
  std::abort();
}

void ApiCall::Send(net::HttpResponse response) {
  SIGHTLINE_CHECK(!sent_ && !begun_);
  sent_ = true;
  if (!Claim()) return;  // expired
  if (IsJson(response)) {
    response.headers.emplace_back("Vary", "Accept-Encoding");
    if (takes_gzip_ && response.body.size() >= kCompressedBytesMin) {
      if (auto compressed = net::Gzip(response.body, kGzipLevel)) {
        response.headers.emplace_back("Content-Encoding", "gzip");
        response.body = std::move(*compressed);
      }
    }
  }
  responder_.Send(std::move(response));
}

void ApiCall::Begin(net::HttpResponse head) {
  if (on_begin) on_begin();
  SIGHTLINE_CHECK(!sent_ && !begun_);
  begun_ = true;
  if (!Claim()) {
    sent_ = true;  // expired: there is nobody to write to
    return;
  }
  if (IsJson(head)) {
    head.headers.emplace_back("Vary", "Accept-Encoding");
    if (takes_gzip_) {
      head.headers.emplace_back("Content-Encoding", "gzip");
      gzip_.emplace(kGzipLevel);
    }
  }
  responder_.Begin(std::move(head));
}

bool ApiCall::Write(std::string_view piece) {
  if (sent_ || cancellation_->cancelled()) return false;
  if (gzip_) return responder_.Write(gzip_->Write(piece));
  return responder_.Write(piece);
}

std::unexpected<Error> ApiCall::Blame(std::string where, Error error) {
  if (error.code == Code::kInvalidArgument || error.code == Code::kNotFound) where_ = std::move(where);
  return std::unexpected(std::move(error));
}

void ApiCall::Finish(const Result<void>& done) {
  if (sent_) return;
  if (!done) {
    if (begun_) return responder_.Abort();
    return Send(ErrorResponse(done.error(), where_.empty() ? params.where() : where_));
  }
  std::string rest = json.Take();
  if (!rest.empty()) rest += '\n';
  if (!begun_) {
    net::HttpResponse response;
    response.body = std::move(rest);
    return Send(std::move(response));
  }
  if (!rest.empty() && !Write(rest)) return responder_.Abort();
  // What was thrown away because nobody wanted it must not look whole to a client that only half closed.
  if (!json.wanted()) return responder_.Abort();
  if (gzip_) responder_.Write(gzip_->End());
  responder_.End(std::move(trailers));
}

void ApiCall::Expire(const Error& error) {
  if (Claim()) responder_.Send(ErrorResponse(error, ""));
}

void WriteScanned(JsonWriter& json, const store::QueryStats& scanned) {
  json.Key("scanned").Begin('{').Key("rows").UInt(scanned.rows_read).Key("bytes").UInt(scanned.bytes_read);
  json.Key("elapsed_seconds").Number(scanned.elapsed_seconds).End('}');
}

void WriteNextCursor(JsonWriter& json, const std::optional<std::string>& cursor) {
  json.Key("next_cursor");
  !cursor ? json.Null() : json.String(*cursor);
}

}  // namespace sightline::serve
