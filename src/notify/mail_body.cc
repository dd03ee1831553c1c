#include "notify/mail_body.h"

#include <fmt/format.h>

namespace sightline::notify {
namespace {

constexpr size_t kSubjectBytesMax = 250;
constexpr int64_t kSecondNanos = 1'000'000'000;

std::string HtmlEscaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string TextOf(const Notification& notification, const std::string& public_url) {
  std::string text = TitleOf(notification) + "\n";
  if (!notification.comment.empty()) text += notification.comment + "\n";
  for (const ToldAlert& alert : notification.alerts) {
    text += "\n" + alert.event.rule_name + "\n";
    for (const Fact& fact : FactsOf(alert, public_url)) text += fmt::format("  {}: {}\n", fact.name, fact.text);
  }
  if (notification.left_out > 0) text += fmt::format("\nand {} more\n", notification.left_out);
  return text;
}

std::string HtmlOf(const Notification& notification, const std::string& public_url) {
  std::string html = fmt::format(
      "<!doctype html><html><body style=\"font-family:sans-serif;font-size:14px\"><h2 style=\"font-size:16px\">{}</h2>",
      HtmlEscaped(TitleOf(notification)));
  if (!notification.comment.empty()) html += fmt::format("<p>{}</p>", HtmlEscaped(notification.comment));
  for (const ToldAlert& alert : notification.alerts) {
    html += fmt::format("<h3 style=\"font-size:14px\">{}</h3><table>", HtmlEscaped(alert.event.rule_name));
    for (const Fact& fact : FactsOf(alert, public_url)) {
      const std::string value = HtmlEscaped(fact.text);
      html += fmt::format("<tr><td style=\"padding-right:12px;vertical-align:top\">{}</td><td>{}</td></tr>",
                          HtmlEscaped(fact.name),
                          fact.is_link ? fmt::format("<a href=\"{}\">{}</a>", value, value) : value);
    }
    html += "</table>";
  }
  if (notification.left_out > 0) html += fmt::format("<p>and {} more</p>", notification.left_out);
  return html + "</body></html>\n";
}

}  // namespace

net::Mail MailOf(const Notification& notification, const std::string& public_url, const std::string& host) {
  const std::string thread = fmt::format("<{}@{}>", notification.group, host);
  return {.subject = Shortened(TitleOf(notification), kSubjectBytesMax),
          .text = TextOf(notification, public_url),
          .html = HtmlOf(notification, public_url),
          .unix_seconds = notification.at_unix_nanos / kSecondNanos,
          .headers = {{"Message-ID", fmt::format("<{}@{}>", notification.id, host)},
                      {"In-Reply-To", thread},
                      {"References", thread},
                      {"Auto-Submitted", "auto-generated"}}};
}

}  // namespace sightline::notify
