#include "serve/views_api.h"

#include <simdjson.h>

#include <optional>

#include "serve/api_error.h"
#include "serve/body_member.h"
#include "serve/document_body.h"

namespace sightline::serve {
namespace {

constexpr int kCreated = 201;

void WriteView(JsonWriter& json, const state::SavedView& view) {
  json.Begin('{').Key("id").String(std::to_string(view.id)).Key("signal").String(view.signal);
  json.Key("name").String(view.name).Key("query").String(view.query).Key("page").String(view.page);
  json.Key("version").Int(view.version).Key("created_unix_nano").Nanos(view.created_unix_nanos);
  json.Key("updated_unix_nano").Nanos(view.updated_unix_nanos).End('}');
}

// A number that is none names no view either.
Result<int64_t> IdOf(const ApiCall& call) {
  if (const auto id = WholeNumber(call.part("id"))) return *id;
  return Fail(Code::kNotFound, "there is no view {:?}", call.part("id"));
}

struct Body {
  state::ViewContent content;
  int64_t version = 0;  // 0: none was given
};

// All members are wanted, and no others.
Result<Body> ReadBody(const net::HttpRequest& request, bool with_version) {
  Body body;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (auto error = parser.parse(request.body).get(object)) {
    return Fail(Code::kInvalidArgument, "body: a JSON object is wanted ({})", simdjson::error_message(error));
  }
  std::string missing;
  const auto read = [&](std::string_view key, auto& target) {
    std::conditional_t<std::is_same_v<std::decay_t<decltype(target)>, std::string>, std::string_view, int64_t> value;
    if (object.at_key(key).get(value) != simdjson::SUCCESS) {
      if (missing.empty()) missing = key;
      return;
    }
    target = value;
  };
  read("signal", body.content.signal);
  read("name", body.content.name);
  read("query", body.content.query);
  read("page", body.content.page);
  if (with_version) read("version", body.version);
  if (!missing.empty()) {
    return Fail(Code::kInvalidArgument, "{}: a {} is wanted", missing, missing == "version" ? "whole number" : "text");
  }
  if (object.size() != (with_version ? 5U : 4U)) {
    return Fail(Code::kInvalidArgument, "body: there are members beside signal, name, query{} page",
                with_version ? ", version and" : " and");
  }
  return body;
}

}  // namespace

void ViewsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/views", [this](ApiCall& call) { return List(call); }});
  router.Add({"POST", "/api/v1/views", [this](ApiCall& call) { return Create(call); }});
  router.Add({"GET", "/api/v1/views/{id}", [this](ApiCall& call) { return Get(call); }});
  router.Add({"PUT", "/api/v1/views/{id}", [this](ApiCall& call) { return Update(call); }});
  router.Add({"DELETE", "/api/v1/views/{id}", [this](ApiCall& call) { return Delete(call); }});
}

Result<void> ViewsApi::List(ApiCall& call) {
  const std::string signal = call.params.Choice<const char*>("signal", "", {{"traces", "traces"}, {"logs", "logs"}});
  SIGHTLINE_TRY(call.params.Check());
  auto views = views_.List(signal);
  if (!views) return std::unexpected(views.error());
  call.json.Begin('{').Key("views").Begin('[');
  for (const auto& view : *views) {
    if (!call.json.wanted()) return {};
    WriteView(call.json, view);
  }
  call.json.End(']').End('}');
  return {};
}

Result<void> ViewsApi::Get(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto id = IdOf(call);
  if (!id) return call.Blame("id", id.error());
  auto view = views_.Get(*id);
  if (!view) return call.Blame("id", view.error());
  WriteView(call.json, *view);
  return {};
}

Result<void> ViewsApi::Create(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto body = ReadBody(call.request, /*with_version=*/false);
  if (!body) return BlameMember(call, body.error());
  auto view = views_.Create(body->content);
  if (!view) return BlameMember(call, view.error());
  JsonWriter json;
  WriteView(json, *view);
  net::HttpResponse response{.status = kCreated, .body = json.Take() + "\n"};
  response.headers.emplace_back("Location", "/api/v1/views/" + std::to_string(view->id));
  call.Send(std::move(response));
  return {};
}

Result<void> ViewsApi::Update(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto id = IdOf(call);
  if (!id) return call.Blame("id", id.error());
  auto body = ReadBody(call.request, /*with_version=*/true);
  if (!body) return BlameMember(call, body.error());
  auto view = views_.Update(*id, body->version, body->content);
  if (!view) return BlameMember(call, view.error());
  WriteView(call.json, *view);
  return {};
}

Result<void> ViewsApi::Delete(ApiCall& call) {
  const auto version = VersionParam(call);
  if (!version) return std::unexpected(version.error());
  const auto id = IdOf(call);
  if (!id) return call.Blame("id", id.error());
  auto done = views_.Delete(*id, *version);
  if (!done) return call.Blame("id", done.error());
  SendNothing(call);
  return {};
}

}  // namespace sightline::serve
