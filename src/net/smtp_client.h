// Blocking SMTP client over libcurl: one mail, to one server, on a connection of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/http_server.h"
#include "net/tls_files.h"

namespace sightline::net {

enum class SmtpTls : uint8_t {
  kNone,
  kStartTls,  // asked for after the greeting; a server without it is not talked to
  kTls,       // from the first byte on
};

struct SmtpServer {
  std::string host;
  int port = 587;
  SmtpTls tls = SmtpTls::kStartTls;
  TlsFiles tls_files;
  std::string user, password;  // both or none
  int connect_timeout_seconds = 5;
  int timeout_seconds = 0;  // all of it; 0: none
  // Polled about ten times a second; true ends the call with kCancelled.
  std::function<bool()> cancelled;
};

struct Mail {
  std::string from;             // an address
  std::vector<std::string> to;  // addresses
  std::string subject;          // UTF-8
  std::string text, html;       // UTF-8; the same message twice
  int64_t unix_seconds = 0;     // when it was written
  HttpHeaders headers;          // further ones: Message-ID, References
};

struct SmtpReply {
  int status = 0;                     // of the last answer: 250, if the mail was taken
  std::string text;                   // that answer, without its status
  std::vector<std::string> refusals;  // what was refused on the way, such as one of several recipients
};

// name@host of ASCII letters, digits and what is usual in between; nothing that could end a line or a command.
bool IsMailAddress(std::string_view text);

// kUnavailable when no final answer came; kInvalidArgument: an address or a header is none. A refusal is a reply: 4xx
// may pass another time, 5xx does not.
Result<SmtpReply> SendMail(const SmtpServer& server, const Mail& mail);

}  // namespace sightline::net
