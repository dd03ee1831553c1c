// One request to an endpoint and the answer to it. Data: HttpRequest -> checked parameters -> (the endpoint asks
// query/) -> JSON, whole where it is short, in pieces where it is long.
//
// An endpoint is a function of this shape; an error that it returns becomes the error answer, or breaks off an answer
// that has begun:
//
//   Result<void> ListThings(ApiCall& call) {
//     query::ThingSearch search;
//     search.service = call.params.Text("service");
//     SIGHTLINE_TRY(call.params.Check());
//     auto page = things.Search(search, call.cancellation());
//     if (!page) return std::unexpected(page.error());
//     call.json.Begin('{')...
//     return {};
//   }
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/compression.h"
#include "net/http_server.h"
#include "serve/json_writer.h"
#include "serve/params.h"
#include "store/clickhouse.h"

namespace sightline::serve {

// Answers up to this size are sent whole, longer ones in pieces of about it.
inline constexpr size_t kAnswerPieceBytes = 64 << 10;
// JSON that is sent whole is compressed from this size on: what fits into a packet or two gains nothing.
inline constexpr size_t kCompressedBytesMin = 4 << 10;

// Values of a path's {names}, decoded.
using PathParts = std::vector<std::pair<std::string, std::string>>;

// Thread: the one that runs the endpoint; Expire any.
class ApiCall {
 public:
  ApiCall(net::HttpRequest request, PathParts parts, net::HttpResponder responder, int64_t now_unix_nanos,
          std::shared_ptr<store::Cancellation> cancellation);
  ApiCall(const ApiCall&) = delete;
  ApiCall& operator=(const ApiCall&) = delete;

  const net::HttpRequest request;
  const int64_t now_unix_nanos;
  Params params;
  JsonWriter json;            // of the 200 answer
  net::HttpHeaders trailers;  // of an answer in pieces, sent behind the last one

  const std::string& part(std::string_view name) const;  // of the path
  const net::HttpResponder& responder() const { return responder_; }

  // Ends what runs for this call when its client leaves or the program stops. For each query.
  store::Cancellation* cancellation() const { return cancellation_.get(); }

  // Called when the first piece of a long answer goes out: from then on the client sets the pace.
  std::function<void()> on_begin;

  // An answer that is no JSON of ours, or is no 200. JSON is compressed on its way where the client takes gzip, and is
  // not on this machine: there it would only cost time. A proxy here asks for somebody elsewhere.
  void Send(net::HttpResponse response);
  // The same in pieces; Write returns false when the client has gone. The end of the endpoint ends it.
  void Begin(net::HttpResponse head);
  bool Write(std::string_view piece);
  bool begun() const { return begun_; }

  // `error` with the parameter at fault, if it is one that the client can mend there.
  std::unexpected<Error> Blame(std::string where, Error error);

  // What the endpoint came to. Called once, by whoever ran it.
  void Finish(const Result<void>& done);

  // Answers with `error` if nothing was answered yet, while the endpoint goes on: whatever it says is thrown away.
  void Expire(const Error& error);

 private:
  bool Claim() { return !claimed_.exchange(true); }

  const PathParts parts_;
  const net::HttpResponder responder_;
  const std::shared_ptr<store::Cancellation> cancellation_;
  const bool takes_gzip_;
  std::optional<net::GzipStream> gzip_;  // of an answer in pieces
  std::string where_;
  bool sent_ = false, begun_ = false;
  std::atomic<bool> claimed_ = false;  // somebody answers: the endpoint or Expire
};

using Endpoint = std::function<Result<void>(ApiCall& call)>;

// "scanned":{…}, what all queries of the answer read.
void WriteScanned(JsonWriter& json, const store::QueryStats& scanned);
// "next_cursor": of the page after; none at the end.
void WriteNextCursor(JsonWriter& json, const std::optional<std::string>& cursor);

}  // namespace sightline::serve
