#include "net/smtp_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <thread>

namespace sightline::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kDeadlineMillis = 60'000;

// Answers one client, each line by its verb. STARTTLS and AUTH against a server of others: e2e/test_notifications.py.
class Script {
 public:
  // Verb -> answers, one after the other, the last for ever; "" ends the connection. "." is the end of the mail.
  using Answers = std::map<std::string, std::vector<std::string>>;

  explicit Script(Answers answers) : answers_(std::move(answers)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    SIGHTLINE_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener_, 1) == 0);
    SIGHTLINE_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Script() {
    shutdown(listener_, SHUT_RDWR);
    Join();
    close(listener_);
  }

  int port() const { return port_; }
  // What the client said, once it is gone.
  const std::vector<std::string>& commands() { return Join(), commands_; }
  const std::string& mail() { return Join(), mail_; }

 private:
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

  void Serve() {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    std::string buffer;
    bool in_mail = false;
    bool open = Answer(client, "greeting");
    while (open) {
      const size_t end = buffer.find("\r\n");
      if (end == buffer.npos) {
        if (!Fill(client, buffer)) break;
        continue;
      }
      const std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 2);
      if (in_mail && line != ".") {
        mail_ += line + "\n";
        continue;
      }
      commands_.push_back(line);
      const std::string verb = line.substr(0, line.find_first_of(" :"));
      open = Answer(client, verb);
      in_mail = verb == "DATA" && answered_.starts_with("354");
    }
    close(client);
  }

  static bool Fill(int client, std::string& buffer) {
    pollfd wait{.fd = client, .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, kDeadlineMillis) <= 0) return false;
    char bytes[4096];
    const ssize_t size = recv(client, bytes, sizeof bytes, 0);
    if (size > 0) buffer.append(bytes, static_cast<size_t>(size));
    return size > 0;
  }

  bool Answer(int client, const std::string& verb) {
    auto& answers = answers_[verb];
    if (answers.empty()) answers = {Usual(verb)};
    const std::string answer = answered_ = answers.front();
    if (answers.size() > 1) answers.erase(answers.begin());
    if (answer.empty()) return false;
    if (answer == "wait") return true;
    const std::string line = answer + "\r\n";
    return send(client, line.data(), line.size(), MSG_NOSIGNAL) > 0;
  }

  static std::string Usual(const std::string& verb) {
    if (verb == "greeting") return "220 here";
    if (verb == "EHLO") return "250-here\r\n250 8BITMIME";
    if (verb == "DATA") return "354 go on";
    if (verb == "QUIT") return "221 bye";
    return verb == "." ? "250 queued as 7" : "250 fine";
  }

  Answers answers_;
  int listener_ = -1, port_ = 0;
  std::thread thread_;
  std::string answered_;  // last
  std::vector<std::string> commands_;
  std::string mail_;
};

SmtpServer ServerOf(const Script& script) {
  return {.host = "127.0.0.1", .port = script.port(), .tls = SmtpTls::kNone, .timeout_seconds = 60};
}

Mail SomeMail() {
  return {.from = "alerts@example.com",
          .to = {"a@example.com", "b@example.com"},
          .subject = "Fehler über 5 %",
          .text = "Zeile eins\n.\nein Punkt allein; ü",
          .html = "<p>ü</p>",
          .unix_seconds = 1'783'000'000,
          .headers = {{"Message-ID", "<7@here>"}}};
}

TEST(SmtpClient, SendsOneMailToAll) {
  Script script({});
  const auto reply = SendMail(ServerOf(script), SomeMail());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 250);
  EXPECT_EQ(reply->text, "queued as 7");
  EXPECT_TRUE(reply->refusals.empty());
  EXPECT_THAT(script.commands(),
              ElementsAre(HasSubstr("EHLO "), HasSubstr("MAIL FROM:<alerts@example.com>"), "RCPT TO:<a@example.com>",
                          "RCPT TO:<b@example.com>", "DATA", ".", "QUIT"));
  EXPECT_THAT(script.mail(), HasSubstr("Content-Type: multipart/alternative; boundary="));
  EXPECT_THAT(script.mail(), HasSubstr("Mime-Version: 1.0\n"));
  EXPECT_THAT(script.mail(), HasSubstr("Date: Thu, 2 Jul 2026 13:46:40 +0000\n"));
  EXPECT_THAT(script.mail(), HasSubstr("From: alerts@example.com\nTo: a@example.com,\n b@example.com\n"));
  EXPECT_THAT(script.mail(), HasSubstr("Subject: =?UTF-8?B?RmVobGVyIMO8YmVyIDUgJQ==?=\n"));
  EXPECT_THAT(script.mail(), HasSubstr("Message-ID: <7@here>\n"));
  EXPECT_THAT(script.mail(), HasSubstr("\n..\n")) << "a dot alone would end the mail";
  EXPECT_THAT(script.mail(), HasSubstr("<p>=C3=BC</p>"));
}

TEST(SmtpClient, KeepsLongSubjectsInLinesAndLettersWhole) {
  Script script({});
  Mail mail = SomeMail();
  mail.subject.clear();
  for (int i = 0; i < 40; ++i) mail.subject += "aäߧ";
  mail.subject += "\r\nBcc: all@example.com";
  ASSERT_TRUE(SendMail(ServerOf(script), mail));
  const size_t begin = script.mail().find("Subject: ");
  std::string header = script.mail().substr(begin, script.mail().find("Message-ID: ") - begin);
  EXPECT_THAT(header, ::testing::Not(HasSubstr("Bcc")));
  size_t lines = 0;
  for (size_t at = 0, end; (end = header.find('\n', at)) != header.npos; at = end + 1, ++lines) {
    EXPECT_LE(end - at, 76U);
    EXPECT_EQ(header[at] == ' ', lines > 0) << "a fold of one header";
  }
  EXPECT_GT(lines, 5U);
}

TEST(SmtpClient, TellsRefusals) {
  {
    Script script({{"RCPT", {"550 no such user", "250 fine"}}});
    const auto reply = SendMail(ServerOf(script), SomeMail());
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 250) << "the other one gets it";
    EXPECT_THAT(reply->refusals, ElementsAre("550 no such user"));
  }
  const std::vector<std::pair<Script::Answers, int>> cases = {
      {{{"RCPT", {"550 no such user"}}}, 550}, {{{"MAIL", {"451 later"}}}, 451},    {{{"DATA", {"554 no"}}}, 554},
      {{{".", {"552 too large"}}}, 552},       {{{"greeting", {"421 busy"}}}, 421},
  };
  for (const auto& [answers, status] : cases) {
    Script script(answers);
    const auto reply = SendMail(ServerOf(script), SomeMail());
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, status);
  }
}

TEST(SmtpClient, WithoutAFinalAnswerNothingIsKnown) {
  for (const char* verb : {"greeting", "MAIL", "DATA", "."}) {
    Script script({{verb, {""}}});
    const auto reply = SendMail(ServerOf(script), SomeMail());
    ASSERT_FALSE(reply) << verb;
    EXPECT_EQ(reply.error().code, Code::kUnavailable) << reply.error().message;
  }
  Script stalls({{".", {"wait"}}});
  SmtpServer server = ServerOf(stalls);
  server.timeout_seconds = 1;
  EXPECT_EQ(SendMail(server, SomeMail()).error().code, Code::kUnavailable);
}

TEST(SmtpClient, TalksToNobodyInTheClearWhoWasToEncrypt) {
  Script script({});
  SmtpServer server = ServerOf(script);
  server.tls = SmtpTls::kStartTls;
  server.user = "user";
  server.password = "secret";
  EXPECT_FALSE(SendMail(server, SomeMail()));
  for (const auto& command : script.commands()) {
    EXPECT_THAT(command, ::testing::AnyOf(HasSubstr("EHLO "), HasSubstr("STARTTLS"), "QUIT")) << command;
  }
}

TEST(SmtpClient, CanBeCancelled) {
  Script script({{"greeting", {"wait"}}});
  SmtpServer server = ServerOf(script);
  server.cancelled = [] { return true; };
  EXPECT_EQ(SendMail(server, SomeMail()).error().code, Code::kCancelled);
}

TEST(SmtpClient, RefusesWhatIsNoAddress) {
  for (const char* good : {"a@b", "first.last+tag@mail.example.com", "x@[127.0.0.1]"}) EXPECT_TRUE(IsMailAddress(good));
  for (const char* bad : {"", "a", "@b", "a@", "a b@c", "a@b\r\nRCPT TO:<c@d>", "<a@b>", "a@b>", "a@b@c", "ü@b"}) {
    EXPECT_FALSE(IsMailAddress(bad)) << bad;
  }
  Mail mail = SomeMail();
  mail.to = {"a@b\r\nRCPT TO:<c@d>"};
  EXPECT_EQ(SendMail({.host = "127.0.0.1", .port = 1}, mail).error().code, Code::kInvalidArgument);
  mail = SomeMail();
  mail.headers = {{"X-A", "b\r\nBcc: c@d"}};
  EXPECT_EQ(SendMail({.host = "127.0.0.1", .port = 1}, mail).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace sightline::net
