#include "net/smtp_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iterator>
#include <memory>
#include <utility>

#include "base/error.h"
#include "net/curl_transfer.h"
#include "net/http_text.h"

namespace sightline::net {
namespace {

constexpr int kGoodbye = 221, kRefusal = 400;  // this and above
constexpr size_t kAddressBytesMax = 254;       // RFC 5321, 4.5.3.1.3
constexpr size_t kEncodedWordBytes = 39;       // 52 in Base64, so that a line of the subject stays below 76
constexpr size_t kReplyLineBytesMax = 512;     // RFC 5321, 4.5.3.1.5

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeMime {
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};

// Keeps its lines as long as libcurl reads them.
class Lines {
 public:
  ~Lines() { curl_slist_free_all(list_); }
  void Add(const std::string& line) {
    curl_slist* longer = curl_slist_append(list_, line.c_str());
    SIGHTLINE_CHECK(longer != nullptr);
    list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

std::string Base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');  // and the NUL that OpenSSL adds, which std::string has room for
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return out;
}

bool ContinuesCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// RFC 2047, whatever the letters: several lines where it is long. Line ends in it become spaces.
std::string EncodeSubject(std::string subject) {
  std::ranges::replace_if(subject, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  const bool plain = std::ranges::all_of(subject, [](char c) { return c >= ' ' && c < 0x7F; });
  if (plain && subject.size() <= kEncodedWordBytes && !subject.contains("=?")) return subject;
  std::string out;
  for (size_t begin = 0; begin < subject.size();) {
    size_t end = std::min(begin + kEncodedWordBytes, subject.size());
    while (end < subject.size() && end > begin + 1 && ContinuesCharacter(subject[end])) --end;
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + Base64(std::string_view(subject).substr(begin, end - begin)) + "?=";
    begin = end;
  }
  return out;
}

std::string DateOf(int64_t unix_seconds) {
  const auto time = static_cast<time_t>(unix_seconds);
  tm parts{};
  gmtime_r(&time, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon],
                     parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// All that the server says comes here, line by line: "250-SIZE" and, the last of an answer, "250 OK".
size_t OnLine(char* data, size_t, size_t size, void* user) {
  auto& answers = *static_cast<std::vector<std::string>*>(user);
  std::string_view line(data, std::min(size, kReplyLineBytesMax));
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > 3 && line[3] == '-') return size;
  answers.emplace_back(line);
  return size;
}

Result<void> Check(const Mail& mail) {
  if (!IsMailAddress(mail.from)) return Fail(Code::kInvalidArgument, "{:?} is no mail address", mail.from);
  if (mail.to.empty()) return Fail(Code::kInvalidArgument, "a mail to nobody");
  for (const auto& to : mail.to) {
    if (!IsMailAddress(to)) return Fail(Code::kInvalidArgument, "{:?} is no mail address", to);
  }
  for (const auto& [name, value] : mail.headers) {
    if (!IsToken(name) || !IsFieldValue(value)) return Fail(Code::kInvalidArgument, "header {:?} is none", name);
  }
  return {};
}

void AddPart(curl_mime* mime, std::string_view text, const char* type) {
  std::string lines;  // which end in CRLF in a mail
  for (const char c : text) lines += c == '\n' ? "\r\n" : std::string(1, c);
  curl_mimepart* part = curl_mime_addpart(mime);
  curl_mime_data(part, lines.data(), lines.size());
  curl_mime_type(part, type);
  curl_mime_encoder(part, "quoted-printable");
}

void SetServer(CURL* easy, const SmtpServer& server) {
  const bool is_ip6 = server.host.contains(':');
  const std::string url = fmt::format("{}://{}{}{}:{}", server.tls == SmtpTls::kTls ? "smtps" : "smtp",
                                      is_ip6 ? "[" : "", server.host, is_ip6 ? "]" : "", server.port);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(server.connect_timeout_seconds));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(server.timeout_seconds));
  // Closed by this transfer, so that what a server may take to answer QUIT is bounded too.
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(server.timeout_seconds));
  if (server.tls != SmtpTls::kNone) curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  if (!server.tls_files.ca.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, server.tls_files.ca.c_str());
  if (!server.tls_files.cert.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, server.tls_files.cert.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, server.tls_files.key.c_str());
  }
  if (!server.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, server.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, server.password.c_str());
  }
}

void SetHeaders(Lines& headers, const Mail& mail) {
  headers.Add("Content-Type: multipart/alternative");  // libcurl adds its boundary
  headers.Add("Date: " + DateOf(mail.unix_seconds));
  headers.Add("From: " + mail.from);
  headers.Add(fmt::format("To: {}", fmt::join(mail.to, ",\r\n ")));
  headers.Add("Subject: " + EncodeSubject(mail.subject));
  for (const auto& [name, value] : mail.headers) headers.Add(name + ": " + value);
}

int StatusOf(std::string_view line) {
  int status = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + std::min<size_t>(3, line.size()), status);
  return error == std::errc() && end == line.data() + 3 ? status : 0;
}

SmtpReply ReplyOf(std::string_view line) {
  return {.status = StatusOf(line), .text = std::string(line.substr(std::min<size_t>(4, line.size())))};
}

}  // namespace

bool IsMailAddress(std::string_view text) {
  constexpr std::string_view kLocal = "!#$%&'*+-/=?^_`{|}~.", kHost = "-.[]:";
  const auto is_word = [](std::string_view part, std::string_view others) {
    return !part.empty() && std::ranges::all_of(part, [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.contains(c);
    });
  };
  const size_t at = text.find('@');
  if (at == text.npos || text.size() > kAddressBytesMax) return false;
  return is_word(text.substr(0, at), kLocal) && is_word(text.substr(at + 1), kHost);
}

Result<SmtpReply> SendMail(const SmtpServer& server, const Mail& mail) {
  SIGHTLINE_TRY(Check(mail));
  InitializeCurl();
  const std::unique_ptr<CURLM, FreeMulti> multi(curl_multi_init());
  const std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  SIGHTLINE_CHECK(multi != nullptr && easy != nullptr);
  SetServer(easy.get(), server);

  Lines headers, recipients;
  SetHeaders(headers, mail);
  for (const auto& to : mail.to) recipients.Add(to);
  const std::unique_ptr<curl_mime, FreeMime> mime(curl_mime_init(easy.get()));
  AddPart(mime.get(), mail.text, "text/plain; charset=utf-8");
  AddPart(mime.get(), mail.html, "text/html; charset=utf-8");
  std::vector<std::string> answers;
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_FROM, mail.from.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);  // one wrong address must not keep it from others
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_MIMEPOST, mime.get());
  curl_easy_setopt(easy.get(), CURLOPT_HEADERFUNCTION, OnLine);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERDATA, &answers);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, reason);

  const auto code = RunTransfer(multi.get(), easy.get(), server.cancelled);
  if (!code) return std::unexpected(code.error());
  std::vector<std::string> refusals;
  std::ranges::copy_if(answers, std::back_inserter(refusals), [](auto& line) { return StatusOf(line) >= kRefusal; });
  if (*code == CURLE_OK) {
    if (answers.size() > 1 && StatusOf(answers.back()) == kGoodbye) answers.pop_back();  // the answer to QUIT
    SmtpReply reply = ReplyOf(answers.empty() ? "" : answers.back());
    reply.refusals = std::move(refusals);
    return reply;
  }
  // A refusal says better than libcurl why it ended; without one, the last answer was not to the mail.
  if (!refusals.empty()) return ReplyOf(refusals.back());
  return Fail(Code::kUnavailable, "smtp {}:{}: {}", server.host, server.port,
              *reason != 0 ? reason : curl_easy_strerror(static_cast<CURLcode>(*code)));
}

}  // namespace sightline::net
