#include "notify/sender.h"

#include <fmt/format.h>

#include <utility>

#include "base/version.h"
#include "net/hmac.h"
#include "net/http_client.h"
#include "net/http_text.h"
#include "net/smtp_client.h"
#include "notify/deliveries.h"
#include "notify/http_bodies.h"
#include "notify/mail_body.h"

namespace sightline::notify {
namespace {

using Outcome = SendResult::Outcome;

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr size_t kAnswerBytesMax = 64 << 10;
constexpr std::string_view kHiddenKey = "(routing key)";

struct Request {
  std::string url, body;
  std::string shown;  // the body as the log has it; "": as it is
  net::HttpHeaders headers;
};

Request RequestOf(const Channel& channel, const Notification& notification, const SendOptions& options,
                  int64_t unix_seconds) {
  Request request{.url = channel.url};
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "Sightline/" + std::string(Version())},
                     {"Idempotency-Key", notification.id}};
  switch (channel.kind) {
    case ChannelKind::kSlack:
      request.body = SlackBody(notification, options.public_url);
      break;
    case ChannelKind::kPagerDuty:
      request.body = PagerDutyBody(notification, options.public_url, channel.routing_key);
      request.shown = PagerDutyBody(notification, options.public_url, std::string(kHiddenKey));
      break;
    case ChannelKind::kAlertmanager:
      while (request.url.ends_with('/')) request.url.pop_back();
      request.url += "/api/v2/alerts";
      request.body = AlertmanagerBody(notification, options.public_url);
      if (!channel.secret.empty()) request.headers.emplace_back("Authorization", "Bearer " + channel.secret);
      break;
    case ChannelKind::kWebhook:
    case ChannelKind::kEmail:
      request.body = WebhookBody(notification, options.public_url, channel.body);
      if (channel.secret.empty()) break;
      request.headers.emplace_back("X-Sightline-Signature",
                                   WebhookSignature(channel.secret, unix_seconds, request.body));
      break;
  }
  return request;
}

// What may be another time: a server's own trouble, and what it says is too early or too often.
Outcome OutcomeOfHttp(int status) {
  if (status / 100 == 2) return Outcome::kTaken;
  const bool passes = status >= 500 || status == 408 || status == 425 || status == 429;
  return passes ? Outcome::kRetry : Outcome::kRefused;
}

std::string ReasonOfHttp(const net::HttpReply& reply) {
  if (reply.status / 100 == 3) return fmt::format("it answered {}: redirects are not followed", reply.status);
  return fmt::format("it answered {}", reply.status);
}

SendResult SendHttp(const Channel& channel, const Notification& notification, const SendOptions& options,
                    const Clock& clock, const std::function<bool()>& cancelled) {
  const Request request = RequestOf(channel, notification, options, clock.UnixNanos() / kSecondNanos);
  SendResult result{.request = request.shown.empty() ? request.body : request.shown};
  net::HttpClient client;
  const auto reply = client.Call({.method = "POST",
                                  .url = request.url,
                                  .headers = request.headers,
                                  .body = request.body,
                                  .connect_timeout_seconds = options.timeout_seconds,
                                  .timeout_seconds = options.timeout_seconds,
                                  .body_bytes_max = kAnswerBytesMax,
                                  .tls_files = {.ca = options.ca_file},
                                  .cancelled = cancelled});
  if (!reply) {
    result.outcome = reply.error().code == Code::kInvalidArgument ? Outcome::kRefused : Outcome::kRetry;
    // Slack's URL is its secret.
    result.error = reply.error().message;
    if (const size_t at = result.error.find(request.url); at != std::string::npos)
      result.error.erase(0, at + request.url.size() + 2);
    return result;
  }
  result.outcome = OutcomeOfHttp(reply->status);
  result.status = reply->status;
  result.answer = reply->body;
  if (result.outcome != Outcome::kTaken) result.error = ReasonOfHttp(*reply);
  result.wait_nanos = net::RetryAfterNanos(reply->Header("Retry-After"), clock.UnixNanos());
  return result;
}

std::string HostOf(const std::string& url) {
  const size_t scheme = url.find("://");
  const std::string rest = scheme == url.npos ? url : url.substr(scheme + 3);
  const std::string host = net::HostName(rest.substr(0, rest.find('/')));
  return host.empty() || host.contains(':') ? "sightline" : host;
}

SendResult SendMail(const Channel& channel, const Notification& notification, const SendOptions& options,
                    const std::function<bool()>& cancelled) {
  net::Mail mail = MailOf(notification, options.public_url, HostOf(options.public_url));
  mail.from = channel.smtp.from;
  mail.to = channel.smtp.to;
  SendResult result{.request =
                        fmt::format("Subject: {}\nTo: {}\n\n{}", mail.subject, fmt::join(mail.to, ", "), mail.text)};
  const auto reply = net::SendMail({.host = channel.smtp.host,
                                    .port = channel.smtp.port,
                                    .tls = channel.smtp.tls,
                                    .tls_files = {.ca = options.ca_file},
                                    .user = channel.smtp.user,
                                    .password = channel.smtp.password,
                                    .connect_timeout_seconds = options.timeout_seconds,
                                    .timeout_seconds = options.timeout_seconds,
                                    .cancelled = cancelled},
                                   mail);
  if (!reply) {
    result.outcome = reply.error().code == Code::kInvalidArgument ? Outcome::kRefused : Outcome::kRetry;
    result.error = reply.error().message;
    return result;
  }
  result.status = reply->status;
  result.answer = fmt::format("{} {}", reply->status, reply->text);
  for (const auto& refusal : reply->refusals) result.answer += "\non the way: " + refusal;
  result.outcome = reply->status / 100 == 2   ? Outcome::kTaken
                   : reply->status / 100 == 5 ? Outcome::kRefused
                                              : Outcome::kRetry;
  if (result.outcome != Outcome::kTaken) result.error = fmt::format("it answered {}", reply->status);
  return result;
}

}  // namespace

std::string WebhookSignature(const std::string& secret, int64_t unix_seconds, const std::string& body) {
  return fmt::format("t={},v1={}", unix_seconds, net::HmacSha256Hex(secret, fmt::format("{}.{}", unix_seconds, body)));
}

SendResult Send(const Channel& channel, const Notification& notification, const SendOptions& options,
                const Clock& clock, const std::function<bool()>& cancelled) {
  SendResult result = channel.kind == ChannelKind::kEmail ? SendMail(channel, notification, options, cancelled)
                                                          : SendHttp(channel, notification, options, clock, cancelled);
  result.request = Shortened(result.request, kLogTextBytesMax);
  result.answer = Shortened(result.answer, kLogTextBytesMax);
  result.error = Shortened(result.error, kLogTextBytesMax);
  return result;
}

}  // namespace sightline::notify
