#include "notify/channel.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/json_writer.h"
#include "notify/webhook_template.h"
#include "state/json_check.h"

namespace sightline::notify {
namespace {

using Json = state::JsonCheck::Json;

constexpr std::string_view kKinds[] = {"webhook", "slack", "pagerduty", "email", "alertmanager"};
constexpr std::string_view kTls[] = {"none", "starttls", "tls"};
constexpr std::string_view kPagerDutyUrl = "https://events.pagerduty.com/v2/enqueue";
constexpr size_t kNameBytesMax = 200, kUrlBytesMax = 2000, kSecretBytesMax = 1000, kTemplateBytesMax = 32 << 10;
constexpr size_t kHostBytesMax = 253, kRecipientsMax = 100, kPortMax = 65'535;

// http(s)://HOST[:PORT][/…], and nothing of a user, which would be shown.
void CheckUrl(state::JsonCheck& check, std::string_view url) {
  if (!check.ok()) return;
  const size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const std::string_view authority = url.substr(scheme).substr(0, url.substr(scheme).find_first_of("/?#"));
  const bool is_plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7F; });
  if (scheme == 0 || authority.empty() || !is_plain) return check.Refuse("it is no http:// or https:// URL");
  if (authority.contains('@')) check.Refuse("a user or password must not be in it");
}

// What is said of a member that holds a secret.
struct Secret {
  std::string* value;
  bool given = false, kept = false;

  void Read(state::JsonCheck& check, const Json& json) {
    *value = check.Text(json, kSecretBytesMax);
    const bool in_line = std::ranges::all_of(*value, [](char c) { return static_cast<unsigned char>(c) >= ' '; });
    if (check.ok() && !in_line) check.Refuse("there are control characters in it");
    given = true;
  }
};

class Reader {
 public:
  explicit Reader(const Channel* before) : before_(before) {}

  Result<Channel> Read(const Json& json) {
    check_.Object(json,
                  {
                      {"schema", true, [&](const Json& value) { check_.Integer(value, 1, 1); }},
                      {"name", true, [&](const Json& value) { channel_.name = check_.Text(value, kNameBytesMax, 1); }},
                      {"kind", true, [&](const Json& value) { Kind(value); }},
                      {"url", false,
                       [&](const Json& value) {
                         CheckUrl(check_, channel_.url = check_.Text(value, kUrlBytesMax, 1));
                         url_.given = true;
                       }},
                      {"url_set", false, [&](const Json& value) { url_.kept = check_.Bool(value); }},
                      {"secret", false, [&](const Json& value) { secret_.Read(check_, value); }},
                      {"secret_set", false, [&](const Json& value) { secret_.kept = check_.Bool(value); }},
                      {"template", false,
                       [&](const Json& value) {
                         channel_.body = check_.Text(value, kTemplateBytesMax);
                         CheckWebhookTemplate(check_, channel_.body);
                       }},
                      {"routing_key", false, [&](const Json& value) { routing_key_.Read(check_, value); }},
                      {"routing_key_set", false, [&](const Json& value) { routing_key_.kept = check_.Bool(value); }},
                      {"smtp", false, [&](const Json& value) { Smtp(value); }},
                  });
    if (check_.ok()) Complete();
    SIGHTLINE_TRY(check_.result());
    return std::move(channel_);
  }

 private:
  void Kind(const Json& json) {
    const std::string kind = check_.Word(json, kKinds);
    if (check_.ok()) channel_.kind = static_cast<ChannelKind>(std::ranges::find(kKinds, kind) - std::begin(kKinds));
  }

  void Address(const Json& json, std::string& address) {
    address = check_.Text(json, kHostBytesMax, 1);
    if (check_.ok() && !net::IsMailAddress(address)) check_.Refuse("{:?} is no mail address", address);
  }

  void Smtp(const Json& json) {
    has_smtp_ = true;
    Channel::Smtp& smtp = channel_.smtp;
    check_.Object(json,
                  {
                      {"host", true,
                       [&](const Json& value) {
                         smtp.host = check_.Text(value, kHostBytesMax, 1);
                         const bool is_host = std::ranges::all_of(smtp.host, [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                  c == '-' || c == '.' || c == ':';
                         });
                         if (check_.ok() && !is_host) check_.Refuse("{:?} is no name or address of a host", smtp.host);
                       }},
                      {"port", false,
                       [&](const Json& value) { smtp.port = static_cast<int>(check_.Integer(value, 1, kPortMax)); }},
                      {"tls", false,
                       [&](const Json& value) {
                         const std::string tls = check_.Word(value, kTls);
                         if (check_.ok())
                           smtp.tls = static_cast<net::SmtpTls>(std::ranges::find(kTls, tls) - std::begin(kTls));
                       }},
                      {"user", false, [&](const Json& value) { smtp.user = check_.Text(value, kNameBytesMax); }},
                      {"password", false, [&](const Json& value) { password_.Read(check_, value); }},
                      {"password_set", false, [&](const Json& value) { password_.kept = check_.Bool(value); }},
                      {"from", true, [&](const Json& value) { Address(value, smtp.from); }},
                      {"to", true,
                       [&](const Json& value) {
                         check_.Array(value, kRecipientsMax,
                                      [&](const Json& item) { Address(item, smtp.to.emplace_back()); });
                         if (check_.ok() && smtp.to.empty()) check_.Refuse("it is empty");
                       }},
                  });
  }

  // What its kind wants, and nothing that it would not look at.
  void Complete() {
    const ChannelKind kind = channel_.kind;
    if (kind == ChannelKind::kPagerDuty && channel_.url.empty()) channel_.url = kPagerDutyUrl;
    if (before_ != nullptr) KeepSecrets(*before_);
    const bool is_email = kind == ChannelKind::kEmail, is_webhook = kind == ChannelKind::kWebhook;
    const bool is_pagerduty = kind == ChannelKind::kPagerDuty;
    Want("url", !channel_.url.empty(), !is_email, !is_email);
    Want("secret", !channel_.secret.empty(), is_webhook || kind == ChannelKind::kAlertmanager, false);
    Want("template", !channel_.body.empty(), is_webhook, false);
    Want("routing_key", !channel_.routing_key.empty(), is_pagerduty, is_pagerduty);
    Want("smtp", has_smtp_, is_email, is_email);
    if (check_.ok() && channel_.smtp.user.empty() != channel_.smtp.password.empty()) {
      check_.At("smtp", [&] { check_.Refuse("user and password need each other"); });
    }
  }

  // Only for where they went so far: who may change a channel should not get at its secrets by that.
  void KeepSecrets(const Channel& before) {
    Keep("url", url_, before.url, before.kind == channel_.kind);
    const bool same_url = before.kind == channel_.kind && before.url == channel_.url;
    Keep("secret", secret_, before.secret, same_url);
    Keep("routing_key", routing_key_, before.routing_key, same_url);
    const Channel::Smtp &was = before.smtp, &is = channel_.smtp;
    check_.At("smtp", [&] {
      Keep("password", password_, was.password, was.host == is.host && was.port == is.port && was.tls == is.tls);
    });
  }

  void Keep(std::string_view member, const Secret& secret, const std::string& before, bool may_keep) {
    if (secret.given || !secret.kept || before.empty()) return;
    check_.At(member, [&] {
      if (!may_keep) return check_.Refuse("it must be given again, as it goes to another place");
      *secret.value = before;
    });
  }

  void Want(std::string_view member, bool is_there, bool may_be, bool must_be) {
    check_.At(member, [&] {
      const std::string_view kind = ChannelKindName(channel_.kind);
      if (is_there && !may_be) check_.Refuse("a channel of kind {} has none", kind);
      if (!is_there && must_be) check_.Refuse("a channel of kind {} wants it", kind);
    });
  }

  const Channel* const before_;
  state::JsonCheck check_;
  Channel channel_;
  Secret url_{&channel_.url}, secret_{&channel_.secret}, routing_key_{&channel_.routing_key},
      password_{&channel_.smtp.password};
  bool has_smtp_ = false;
};

void WriteSecret(JsonWriter& json, std::string_view key, const std::string& value, bool with_secrets) {
  if (value.empty()) return;
  if (with_secrets) {
    json.Key(key).String(value);
  } else {
    json.Key(std::string(key) + "_set").Bool(true);
  }
}

}  // namespace

std::string_view ChannelKindName(ChannelKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

Result<Channel> ReadChannel(std::string_view document, const Channel* before) {
  simdjson::dom::parser parser;
  Json json;
  if (const auto error = parser.parse(document.data(), document.size()).get(json)) {
    return Fail(Code::kInvalidArgument, "document: it is no JSON ({})", simdjson::error_message(error));
  }
  return Reader(before).Read(json);
}

std::string WriteChannel(const Channel& channel, bool with_secrets) {
  JsonWriter json;
  json.Begin('{').Key("schema").Int(1).Key("name").String(channel.name);
  json.Key("kind").String(ChannelKindName(channel.kind));
  if (channel.kind == ChannelKind::kSlack) {
    WriteSecret(json, "url", channel.url, with_secrets);
  } else if (!channel.url.empty()) {
    json.Key("url").String(channel.url);
  }
  WriteSecret(json, "secret", channel.secret, with_secrets);
  if (!channel.body.empty()) json.Key("template").String(channel.body);
  WriteSecret(json, "routing_key", channel.routing_key, with_secrets);
  if (channel.kind == ChannelKind::kEmail) {
    const Channel::Smtp& smtp = channel.smtp;
    json.Key("smtp").Begin('{').Key("host").String(smtp.host).Key("port").Int(smtp.port);
    json.Key("tls").String(kTls[static_cast<size_t>(smtp.tls)]);
    if (!smtp.user.empty()) json.Key("user").String(smtp.user);
    WriteSecret(json, "password", smtp.password, with_secrets);
    json.Key("from").String(smtp.from).Key("to").Begin('[');
    for (const auto& to : smtp.to) json.String(to);
    json.End(']').End('}');
  }
  return json.End('}').Take();
}

}  // namespace sightline::notify
