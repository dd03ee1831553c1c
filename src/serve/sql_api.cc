#include "serve/sql_api.h"

#include "serve/api_error.h"

namespace sightline::serve {

void SqlApi::AddTo(Router& router) {
  router.Add({"POST", "/api/v1/sql", [this](ApiCall& call) { return Run(call); }, RunsOn::kSqlThread});
}

Result<void> SqlApi::Run(ApiCall& call) {
  const std::string format = call.params.Text("format");
  SIGHTLINE_TRY(call.params.Check());
  if (!call.request.Header("Content-Encoding").empty()) {
    call.Send(HttpErrorResponse(415, "the SQL text must be sent uncompressed"));
    return {};
  }
  if (const size_t first = call.request.body.find_first_not_of(" \t\r\n");
      first != std::string::npos && call.request.body[first] == '{') {
    return Fail(Code::kInvalidArgument, "the body is JSON\nsend the text of the SQL itself, as it is");
  }
  auto checked = runner_.Check(call.request.body, format);
  if (!checked) return std::unexpected(checked.error());
  bool begun = false;
  auto begin = [&] {
    if (begun) return;
    begun = true;
    net::HttpResponse head;
    head.content_type = std::string(query::ContentType(checked->format));
    head.headers.emplace_back("X-Sightline-Format", checked->format);
    call.Begin(std::move(head));
  };
  auto stats = runner_.Run(
      *checked,
      [&](std::string_view piece) {
        begin();
        return call.Write(piece);
      },
      call.cancellation());
  if (!stats) return std::unexpected(stats.error());
  begin();
  return {};
}

}  // namespace sightline::serve
