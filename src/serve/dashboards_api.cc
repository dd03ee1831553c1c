#include "serve/dashboards_api.h"

#include <optional>
#include <utility>

#include "serve/api_error.h"
#include "serve/body_member.h"
#include "serve/document_body.h"

namespace sightline::serve {
namespace {

constexpr std::string_view kFilePrefix = "file-", kReadyPrefix = "ready-";

std::unexpected<Error> NoDashboard(std::string_view id) {
  return Fail(Code::kNotFound, "there is no dashboard {:?}", id);
}

// An id of people's own ones, which alone can be changed.
Result<int64_t> OwnId(const std::string& id) {
  if (const auto number = WholeNumber(id)) return *number;
  if (id.starts_with(kFilePrefix)) {
    return Fail(Code::kAlreadyExists, "{:?} comes from a file\nchange the file, or save a copy", id);
  }
  if (id.starts_with(kReadyPrefix)) {
    return Fail(Code::kAlreadyExists, "{:?} is part of the program\nsave a copy, which can be changed", id);
  }
  return NoDashboard(id);
}

void WriteInfo(JsonWriter& json, std::string_view id, std::string_view origin, const state::DashboardDocument& document,
               int64_t version, int64_t updated_unix_nanos, std::optional<bool> has_data) {
  json.Begin('{').Key("id").String(id).Key("title").String(document.title);
  json.Key("description").String(document.description).Key("tags").Begin('[');
  for (const auto& tag : document.tags) json.String(tag);
  json.End(']').Key("origin").String(origin).Key("version").Int(version).Key("panels").UInt(document.panels);
  if (has_data) json.Key("has_data").Bool(*has_data);
  if (updated_unix_nanos > 0) json.Key("updated_unix_nano").Nanos(updated_unix_nanos);
  json.End('}');
}

void WriteShare(JsonWriter& json, const state::DashboardShare& share) {
  json.Begin('{').Key("token").String(share.token).Key("dashboard_id").String(share.dashboard);
  json.Key("state").String(share.state).Key("created_unix_nano").Nanos(share.created_unix_nanos).End('}');
}

}  // namespace

void DashboardsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/dashboards", [this](ApiCall& call) { return List(call); }});
  router.Add({"POST", "/api/v1/dashboards", [this](ApiCall& call) { return Create(call); }});
  router.Add({"GET", "/api/v1/dashboards/{id}", [this](ApiCall& call) { return Get(call); }});
  router.Add({"PUT", "/api/v1/dashboards/{id}", [this](ApiCall& call) { return Update(call); }});
  router.Add({"DELETE", "/api/v1/dashboards/{id}", [this](ApiCall& call) { return Delete(call); }});
  router.Add({"POST", "/api/v1/dashboards/{id}/restore", [this](ApiCall& call) { return Restore(call); }});
  router.Add({"GET", "/api/v1/dashboards/{id}/shares", [this](ApiCall& call) { return ListShares(call); }});
  router.Add({"POST", "/api/v1/dashboards/{id}/shares", [this](ApiCall& call) { return Share(call); }});
  router.Add({"GET", "/api/v1/shared-dashboards/{token}", [this](ApiCall& call) { return GetShared(call); }});
  router.Add({"DELETE", "/api/v1/shared-dashboards/{token}", [this](ApiCall& call) { return Revoke(call); }});
}

DashboardsApi::Found DashboardsApi::OfOwn(state::Dashboard dashboard) {
  return {.id = std::to_string(dashboard.id),
          .origin = "own",
          .version = dashboard.version,
          .created_unix_nanos = dashboard.created_unix_nanos,
          .updated_unix_nanos = dashboard.updated_unix_nanos,
          .document = std::move(dashboard.document.json)};
}

Result<DashboardsApi::Found> DashboardsApi::Find(const std::string& id, store::Cancellation* cancellation) {
  if (const auto number = WholeNumber(id)) {
    auto own = own_.Get(*number);
    if (!own) return std::unexpected(own.error());
    return OfOwn(*std::move(own));
  }
  if (id.starts_with(kFilePrefix)) {
    auto file = files_.Get(id.substr(kFilePrefix.size()));
    if (!file) return std::unexpected(file.error());
    return Found{.id = id,
                 .origin = "file",
                 .updated_unix_nanos = file->changed_unix_nanos,
                 .document = std::move(file->document.json)};
  }
  if (id.starts_with(kReadyPrefix)) {
    auto document = ready_.Get(id.substr(kReadyPrefix.size()), cancellation);
    if (!document) return std::unexpected(document.error());
    return Found{.id = id, .origin = "ready", .document = std::move(document->json)};
  }
  return NoDashboard(id);
}

void DashboardsApi::Write(JsonWriter& json, const Found& found) {
  json.Begin('{').Key("id").String(found.id).Key("origin").String(found.origin).Key("version").Int(found.version);
  if (found.created_unix_nanos > 0) json.Key("created_unix_nano").Nanos(found.created_unix_nanos);
  if (found.updated_unix_nanos > 0) json.Key("updated_unix_nano").Nanos(found.updated_unix_nanos);
  json.Key("document").Raw(found.document).End('}');
}

Result<void> DashboardsApi::List(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto own = own_.List();
  if (!own) return std::unexpected(own.error());
  auto files = files_.List();
  if (!files) {  // the others are there all the same
    files = state::DashboardFiles::Found{.files = {}, .broken = {{"dashboards.directory", files.error().message}}};
  }
  auto ready = ready_.List(call.cancellation());
  if (!ready) return std::unexpected(ready.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("dashboards").Begin('[');
  for (const auto& dashboard : *own) {
    WriteInfo(json, std::to_string(dashboard.id), "own", dashboard.document, dashboard.version,
              dashboard.updated_unix_nanos, std::nullopt);
  }
  for (const auto& file : files->files) {
    WriteInfo(json, std::string(kFilePrefix) + file.name, "file", file.document, 1, file.changed_unix_nanos,
              std::nullopt);
  }
  for (const auto& one : *ready) {
    WriteInfo(json, std::string(kReadyPrefix) + one.name, "ready", one.document, 1, 0, one.has_data);
  }
  json.End(']').Key("broken").Begin('[');
  for (const auto& broken : files->broken) {
    json.Begin('{').Key("file").String(broken.file).Key("error").String(broken.error).End('}');
  }
  json.End(']').End('}');
  return {};
}

Result<void> DashboardsApi::Get(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto found = Find(call.part("id"), call.cancellation());
  if (!found) return call.Blame("id", found.error());
  Write(call.json, *found);
  return {};
}

Result<void> DashboardsApi::Create(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto body = ReadDocumentBody(call.request, {"document"});
  if (!body) return BlameMember(call, body.error());
  auto made = own_.Create(body->document);
  if (!made) return BlameMember(call, made.error());
  JsonWriter json;
  const std::string location = "/api/v1/dashboards/" + std::to_string(made->id);
  Write(json, OfOwn(*std::move(made)));
  SendCreated(call, json, location);
  return {};
}

Result<void> DashboardsApi::Update(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto id = OwnId(call.part("id"));
  if (!id) return call.Blame("id", id.error());
  auto body = ReadDocumentBody(call.request, {"document", "version"});
  if (!body) return BlameMember(call, body.error());
  auto changed = own_.Update(*id, body->version, body->document);
  if (!changed) return BlameMember(call, changed.error());
  Write(call.json, OfOwn(*std::move(changed)));
  return {};
}

Result<void> DashboardsApi::Delete(ApiCall& call) {
  const auto version = VersionParam(call);
  if (!version) return std::unexpected(version.error());
  const auto id = OwnId(call.part("id"));
  if (!id) return call.Blame("id", id.error());
  auto done = own_.Delete(*id, *version);
  if (!done) return call.Blame("id", done.error());
  SendNothing(call);
  return {};
}

Result<void> DashboardsApi::Restore(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto id = OwnId(call.part("id"));
  if (!id) return call.Blame("id", id.error());
  auto restored = own_.Restore(*id);
  if (!restored) return call.Blame("id", restored.error());
  Write(call.json, OfOwn(*std::move(restored)));
  return {};
}

Result<void> DashboardsApi::ListShares(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto found = Find(call.part("id"), call.cancellation());
  if (!found) return call.Blame("id", found.error());
  auto shares = own_.Shares(found->id);
  if (!shares) return std::unexpected(shares.error());
  call.json.Begin('{').Key("shares").Begin('[');
  for (const auto& share : *shares) WriteShare(call.json, share);
  call.json.End(']').End('}');
  return {};
}

Result<void> DashboardsApi::Share(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto body = ReadDocumentBody(call.request, {"state"});
  if (!body) return BlameMember(call, body.error());
  auto found = Find(call.part("id"), call.cancellation());
  if (!found) return call.Blame("id", found.error());
  auto share = own_.Share(found->id, body->texts["state"]);
  if (!share) return BlameMember(call, share.error());
  JsonWriter json;
  WriteShare(json, *share);
  SendCreated(call, json, "/api/v1/shared-dashboards/" + share->token);
  return {};
}

Result<void> DashboardsApi::GetShared(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto share = own_.FindShare(call.part("token"));
  if (!share) return call.Blame("token", share.error());
  auto found = Find(share->dashboard, call.cancellation());
  if (!found) return call.Blame("token", found.error());
  call.json.Begin('{').Key("state").String(share->state).Key("document").Raw(found->document).End('}');
  return {};
}

Result<void> DashboardsApi::Revoke(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto done = own_.Revoke(call.part("token"));
  if (!done) return call.Blame("token", done.error());
  SendNothing(call);
  return {};
}

}  // namespace sightline::serve
