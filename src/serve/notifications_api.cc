#include "serve/notifications_api.h"

#include <simdjson.h>

#include <optional>
#include <utility>

#include "serve/body_member.h"
#include "serve/document_body.h"

namespace sightline::serve {
namespace {

constexpr size_t kFingerprintDigitsMax = 64;

// A silence is the body itself; its version, where one is changed, beside its members.
Result<DocumentBody> ReadSilenceBody(const net::HttpRequest& request, bool with_version) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (const auto error = parser.parse(request.body).get(object)) {
    return Fail(Code::kInvalidArgument, "body: a JSON object is wanted ({})", simdjson::error_message(error));
  }
  DocumentBody body;
  if (with_version && object.at_key("version").get(body.version) != simdjson::SUCCESS) {
    return Fail(Code::kInvalidArgument, "version: a whole number is wanted");
  }
  JsonWriter json;
  json.Begin('{');
  for (const auto [key, value] : object) {
    if (!with_version || key != "version") json.Key(key).Raw(simdjson::minify(value));
  }
  body.document = json.End('}').Take();
  return body;
}

Result<std::string> ReadComment(const net::HttpRequest& request) {
  if (request.body.empty()) return "";
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  std::string_view comment;
  if (parser.parse(request.body).get(object) != simdjson::SUCCESS || object.size() > 1 ||
      (object.size() == 1 && object.at_key("comment").get(comment) != simdjson::SUCCESS)) {
    return Fail(Code::kInvalidArgument, "comment: a JSON object with this text, or none, is wanted");
  }
  if (comment.size() > notify::kAcknowledgementCommentBytesMax) {
    return Fail(Code::kInvalidArgument, "comment: {} bytes are more than {}", comment.size(),
                notify::kAcknowledgementCommentBytesMax);
  }
  return std::string(comment);
}

void WriteChannel(JsonWriter& json, const notify::KeptChannel& kept) {
  json.Begin('{').Key("id").String(kept.id).Key("origin").String(kept.is_file ? "file" : "own");
  json.Key("version").Int(kept.version);
  if (kept.created_unix_nanos > 0) json.Key("created_unix_nano").Nanos(kept.created_unix_nanos);
  if (kept.updated_unix_nanos > 0) json.Key("updated_unix_nano").Nanos(kept.updated_unix_nanos);
  json.Key("document").Raw(notify::WriteChannel(kept.channel, false)).End('}');
}

void WriteRouting(JsonWriter& json, const notify::KeptRouting& kept) {
  json.Begin('{').Key("origin").String(kept.is_file ? "file" : "own").Key("version").Int(kept.version);
  json.Key("document").Raw(kept.routing.json).End('}');
}

// The document's members, and what is known of it.
void WriteSilence(JsonWriter& json, const notify::KeptSilence& kept, int64_t now) {
  json.Begin('{').Key("id").String(std::to_string(kept.id)).Key("version").Int(kept.version);
  json.Key("active").Bool(notify::IsActive(kept.silence, now));
  std::string_view members = kept.silence.json;
  members.remove_prefix(1);
  members.remove_suffix(1);
  json.Raw(members).End('}');
}

void WriteDelivery(JsonWriter& json, const notify::Delivery& delivery) {
  const bool is_queued =
      delivery.state == notify::DeliveryState::kWaiting || delivery.state == notify::DeliveryState::kFailed;
  json.Begin('{').Key("id").String(std::to_string(delivery.id)).Key("at_unix_nano").Nanos(delivery.created_unix_nanos);
  json.Key("channel_id").String(delivery.channel).Key("channel_name").String(delivery.channel_name);
  json.Key("channel_kind").String(delivery.channel_kind);
  json.Key("kind").String(notify::NotificationKindName(delivery.notification.kind));
  json.Key("title").String(notify::TitleOf(delivery.notification));
  json.Key("status").String(notify::DeliveryStateName(delivery.state)).Key("attempts").Int(delivery.attempts);
  if (delivery.tried_unix_nanos > 0) json.Key("tried_unix_nano").Nanos(delivery.tried_unix_nanos);
  if (is_queued) json.Key("next_attempt_unix_nano").Nanos(delivery.due_unix_nanos);
  if (delivery.status > 0 && delivery.channel_kind != "email") json.Key("http_status").Int(delivery.status);
  if (delivery.status > 0 && delivery.channel_kind == "email") json.Key("smtp_status").Int(delivery.status);
  if (!delivery.error.empty()) json.Key("error").String(delivery.error);
  json.Key("request").String(delivery.request).Key("answer").String(delivery.answer);
  json.Key("alerts").Begin('[');
  for (const auto& alert : delivery.notification.alerts) {
    json.Begin('{').Key("rule_id").String(alert.event.rule_id).Key("rule_name").String(alert.event.rule_name);
    json.Key("fingerprint").String(alert.event.fingerprint).End('}');
  }
  json.End(']').End('}');
}

}  // namespace

void NotificationsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/alerts/channels", [this](ApiCall& call) { return ListChannels(call); }});
  router.Add({"POST", "/api/v1/alerts/channels", [this](ApiCall& call) { return CreateChannel(call); }});
  router.Add({"GET", "/api/v1/alerts/channels/{id}", [this](ApiCall& call) { return GetChannel(call); }});
  router.Add({"PUT", "/api/v1/alerts/channels/{id}", [this](ApiCall& call) { return UpdateChannel(call); }});
  router.Add({"DELETE", "/api/v1/alerts/channels/{id}", [this](ApiCall& call) { return DeleteChannel(call); }});
  router.Add({"POST", "/api/v1/alerts/channels/{id}/test", [this](ApiCall& call) { return TestChannel(call); }});
  router.Add({"GET", "/api/v1/alerts/routing", [this](ApiCall& call) { return GetRouting(call); }});
  router.Add({"PUT", "/api/v1/alerts/routing", [this](ApiCall& call) { return SetRouting(call); }});
  router.Add({"GET", "/api/v1/alerts/silences", [this](ApiCall& call) { return ListSilences(call); }});
  router.Add({"POST", "/api/v1/alerts/silences", [this](ApiCall& call) { return CreateSilence(call); }});
  router.Add({"PUT", "/api/v1/alerts/silences/{id}", [this](ApiCall& call) { return UpdateSilence(call); }});
  router.Add({"DELETE", "/api/v1/alerts/silences/{id}", [this](ApiCall& call) { return DeleteSilence(call); }});
  constexpr const char* kAcknowledge = "/api/v1/alerts/instances/{fingerprint}/acknowledge";
  router.Add({"POST", kAcknowledge, [this](ApiCall& call) { return Acknowledge(call); }});
  router.Add({"DELETE", kAcknowledge, [this](ApiCall& call) { return Withdraw(call); }});
  router.Add({"GET", "/api/v1/alerts/deliveries", [this](ApiCall& call) { return ListDeliveries(call); }});
}

Result<void> NotificationsApi::ListChannels(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto channels = store_.Channels();
  if (!channels) return std::unexpected(channels.error());
  call.json.Begin('{').Key("channels").Begin('[');
  for (const auto& channel : *channels) WriteChannel(call.json, channel);
  call.json.End(']').Key("broken").Begin('[');
  for (const auto& broken : store_.BrokenFiles()) {
    call.json.Begin('{').Key("file").String(broken.file).Key("error").String(broken.error).End('}');
  }
  call.json.End(']').End('}');
  return {};
}

Result<void> NotificationsApi::CreateChannel(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto body = ReadDocumentBody(call.request, {"document"});
  if (!body) return BlameMember(call, body.error());
  const auto made = store_.CreateChannel(body->document);
  if (!made) return BlameMember(call, made.error());
  JsonWriter json;
  WriteChannel(json, *made);
  SendCreated(call, json, "/api/v1/alerts/channels/" + made->id);
  return {};
}

Result<void> NotificationsApi::GetChannel(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto channel = store_.FindChannel(call.part("id"));
  if (!channel) return call.Blame("id", channel.error());
  WriteChannel(call.json, *channel);
  return {};
}

Result<void> NotificationsApi::UpdateChannel(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto body = ReadDocumentBody(call.request, {"document", "version"});
  if (!body) return BlameMember(call, body.error());
  const auto changed = store_.UpdateChannel(call.part("id"), body->version, body->document);
  if (!changed) return BlameMember(call, changed.error());
  WriteChannel(call.json, *changed);
  return {};
}

Result<void> NotificationsApi::DeleteChannel(ApiCall& call) {
  const auto version = VersionParam(call);
  if (!version) return std::unexpected(version.error());
  const auto done = store_.DeleteChannel(call.part("id"), *version);
  if (!done) return call.Blame("id", done.error());
  SendNothing(call);
  return {};
}

Result<void> NotificationsApi::TestChannel(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto delivery = dispatcher_.Test(call.part("id"));
  if (!delivery) return call.Blame("id", delivery.error());
  WriteDelivery(call.json, *delivery);
  return {};
}

Result<void> NotificationsApi::GetRouting(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto routing = store_.CurrentRouting();
  if (!routing) return std::unexpected(routing.error());
  WriteRouting(call.json, *routing);
  return {};
}

Result<void> NotificationsApi::SetRouting(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto body = ReadDocumentBody(call.request, {"document", "version"});
  if (!body) return BlameMember(call, body.error());
  const auto routing = store_.SetRouting(body->version, body->document);
  if (!routing) return BlameMember(call, routing.error());
  dispatcher_.Wake();
  WriteRouting(call.json, *routing);
  return {};
}

Result<void> NotificationsApi::ListSilences(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto silences = store_.Silences();
  if (!silences) return std::unexpected(silences.error());
  call.json.Begin('{').Key("silences").Begin('[');
  for (const auto& silence : *silences) WriteSilence(call.json, silence, call.now_unix_nanos);
  call.json.End(']').End('}');
  return {};
}

Result<void> NotificationsApi::CreateSilence(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto body = ReadSilenceBody(call.request, false);
  if (!body) return BlameMember(call, body.error());
  const auto made = store_.CreateSilence(body->document);
  if (!made) return BlameMember(call, made.error());
  dispatcher_.Wake();
  JsonWriter json;
  WriteSilence(json, *made, call.now_unix_nanos);
  SendCreated(call, json, "/api/v1/alerts/silences/" + std::to_string(made->id));
  return {};
}

Result<void> NotificationsApi::UpdateSilence(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto id = WholeNumber(call.part("id"));
  if (!id) return call.Blame("id", {Code::kNotFound, "there is no such silence"});
  const auto body = ReadSilenceBody(call.request, true);
  if (!body) return BlameMember(call, body.error());
  const auto changed = store_.UpdateSilence(*id, body->version, body->document);
  if (!changed) return BlameMember(call, changed.error());
  dispatcher_.Wake();
  WriteSilence(call.json, *changed, call.now_unix_nanos);
  return {};
}

Result<void> NotificationsApi::DeleteSilence(ApiCall& call) {
  const auto version = VersionParam(call);
  if (!version) return std::unexpected(version.error());
  const auto id = WholeNumber(call.part("id"));
  if (!id) return call.Blame("id", {Code::kNotFound, "there is no such silence"});
  const auto done = store_.DeleteSilence(*id, *version);
  if (!done) return call.Blame("id", done.error());
  dispatcher_.Wake();
  SendNothing(call);
  return {};
}

Result<void> NotificationsApi::Acknowledge(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const std::string& fingerprint = call.part("fingerprint");
  if (!IsHexId(fingerprint, fingerprint.size()) || fingerprint.size() > kFingerprintDigitsMax) {
    return call.Blame("fingerprint", {Code::kInvalidArgument, "hexadecimal digits are wanted"});
  }
  const auto comment = ReadComment(call.request);
  if (!comment) return BlameMember(call, comment.error());
  const auto done = dispatcher_.Acknowledge(fingerprint, *comment);
  if (!done) return call.Blame("fingerprint", done.error());
  SendNothing(call);
  return {};
}

Result<void> NotificationsApi::Withdraw(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto done = dispatcher_.Withdraw(call.part("fingerprint"));
  if (!done) return call.Blame("fingerprint", done.error());
  SendNothing(call);
  return {};
}

Result<void> NotificationsApi::ListDeliveries(ApiCall& call) {
  const uint32_t limit = call.params.Limit();
  const std::vector<std::string> position = call.params.Position(1);
  const int64_t before = position.empty() ? 0 : call.params.PositionNumber(position.front());
  SIGHTLINE_TRY(call.params.Check());
  auto found = dispatcher_.Deliveries(before, limit + 1);
  if (!found) return std::unexpected(found.error());
  const bool has_more = found->size() > limit;
  if (has_more) found->pop_back();
  call.json.Begin('{').Key("deliveries").Begin('[');
  for (const auto& delivery : *found) WriteDelivery(call.json, delivery);
  call.json.End(']');
  WriteNextCursor(call.json,
                  has_more ? std::optional(call.params.NextCursor({std::to_string(found->back().id)})) : std::nullopt);
  call.json.End('}');
  return {};
}

}  // namespace sightline::serve
