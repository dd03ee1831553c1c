#include "serve/document_body.h"

#include <simdjson.h>

#include <charconv>
#include <utility>

namespace sightline::serve {
namespace {

constexpr int kCreated = 201, kNoContent = 204;

}  // namespace

std::optional<int64_t> WholeNumber(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

Result<DocumentBody> ReadDocumentBody(const net::HttpRequest& request, std::initializer_list<std::string_view> wanted) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (const auto error = parser.parse(request.body).get(object)) {
    return Fail(Code::kInvalidArgument, "body: a JSON object is wanted ({})", simdjson::error_message(error));
  }
  DocumentBody body;
  for (const std::string_view key : wanted) {
    simdjson::dom::element value;
    if (object.at_key(key).get(value) != simdjson::SUCCESS) {
      return Fail(Code::kInvalidArgument, "{}: it is wanted", key);
    }
    if (key == "document") {
      body.document = simdjson::minify(value);
    } else if (key == "version") {
      if (value.get(body.version) != simdjson::SUCCESS) {
        return Fail(Code::kInvalidArgument, "version: a whole number is wanted");
      }
    } else {
      std::string_view text;
      if (value.get(text) != simdjson::SUCCESS) return Fail(Code::kInvalidArgument, "{}: a text is wanted", key);
      body.texts.emplace(key, text);
    }
  }
  if (object.size() != wanted.size()) {
    return Fail(Code::kInvalidArgument, "body: there are members beside {}", fmt::join(wanted, " and "));
  }
  return body;
}

Result<int64_t> VersionParam(ApiCall& call) {
  const auto version = WholeNumber(call.params.Text("version"));
  if (!version) call.params.Refuse("version", {Code::kInvalidArgument, "the version that is deleted is wanted"});
  SIGHTLINE_TRY(call.params.Check());
  return *version;
}

void SendCreated(ApiCall& call, JsonWriter& json, std::string location) {
  net::HttpResponse response{.status = kCreated, .body = json.Take() + "\n"};
  response.headers.emplace_back("Location", std::move(location));
  call.Send(std::move(response));
}

void SendNothing(ApiCall& call) {
  call.Send({.status = kNoContent, .content_type = ""});
}

}  // namespace sightline::serve
