// A way to people: where to it goes, in whose format, and with which secrets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/smtp_client.h"

namespace sightline::notify {

enum class ChannelKind : uint8_t { kWebhook, kSlack, kPagerDuty, kEmail, kAlertmanager };
std::string_view ChannelKindName(ChannelKind kind);  // "webhook", "slack", "pagerduty", "email", "alertmanager"

struct Channel {
  std::string name;
  ChannelKind kind = ChannelKind::kWebhook;
  std::string url;          // of all but email; of Slack it is itself a secret; of Alertmanager the address before /api
  std::string secret;       // of a webhook the key of its signatures, of Alertmanager a bearer token; "": none
  std::string body;         // of a webhook: the template of its body; "": the usual one
  std::string routing_key;  // of PagerDuty
  struct Smtp {
    std::string host;
    int port = 587;
    net::SmtpTls tls = net::SmtpTls::kStartTls;
    std::string user, password;
    std::string from;
    std::vector<std::string> to;
  } smtp;  // of email
};

// kInvalidArgument: "smtp.port: …". Of a secret that is left out, where the document says that it is set
// ("secret_set": true), the one of `before` stays.
Result<Channel> ReadChannel(std::string_view document, const Channel* before = nullptr);

// The document: with its secrets, as it is kept, or with what says that they are set, as it is shown.
std::string WriteChannel(const Channel& channel, bool with_secrets);

}  // namespace sightline::notify
