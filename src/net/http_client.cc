#include "net/http_client.h"

#include <curl/curl.h>

#include <utility>

#include "net/curl_transfer.h"
#include "net/http_text.h"

namespace sightline::net {
namespace {

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What libcurl's callbacks fill during one call.
struct Receiver {
  const HttpCall& call;
  HttpReply reply;
  bool stopped_by_sink = false, has_enough = false;
};

size_t OnHeader(char* data, size_t, size_t size, void* user) {
  auto* receiver = static_cast<Receiver*>(user);
  std::string_view line(data, size);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // of the final response, or of a "100 Continue" before it
    receiver->reply.headers.clear();
    const size_t space = line.find(' ');
    receiver->reply.status = space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space)).c_str());
    return size;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  receiver->reply.headers.emplace_back(line.substr(0, colon), value);
  return size;
}

size_t OnBody(char* data, size_t, size_t size, void* user) {
  auto* receiver = static_cast<Receiver*>(user);
  const std::string_view piece(data, size);
  if (!receiver->call.sink || receiver->reply.status / 100 != 2) {
    const size_t max = receiver->call.body_bytes_max;
    receiver->has_enough = max > 0 && receiver->reply.body.size() + size > max;
    receiver->reply.body += receiver->has_enough ? piece.substr(0, max - receiver->reply.body.size()) : piece;
    return receiver->has_enough ? CURL_WRITEFUNC_ERROR : size;
  }
  receiver->stopped_by_sink = !receiver->call.sink(piece);
  return receiver->stopped_by_sink ? CURL_WRITEFUNC_ERROR : size;
}

}  // namespace

struct HttpClient::Impl {
  CURL* easy = nullptr;
  CURLM* multi = nullptr;  // keeps the connections

  void Prepare(const HttpCall& call, curl_slist* headers, Receiver* receiver, char* reason);
  Result<void> Transfer(const HttpCall& call, const Receiver& receiver, const char* reason);
};

void HttpClient::Impl::Prepare(const HttpCall& call, curl_slist* headers, Receiver* receiver, char* reason) {
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // a proxy of the environment must not see calls to this machine
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(call.connect_timeout_seconds));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(call.timeout_seconds));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, receiver);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, receiver);
  if (!call.tls_files.ca.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, call.tls_files.ca.c_str());
  if (!call.tls_files.cert.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, call.tls_files.cert.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, call.tls_files.key.c_str());
  }
  if (call.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.empty() ? "" : call.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

Result<void> HttpClient::Impl::Transfer(const HttpCall& call, const Receiver& receiver, const char* reason) {
  const auto code = RunTransfer(multi, easy, call.cancelled);
  if (!code || receiver.stopped_by_sink) return Fail(Code::kCancelled, "{} {}: cancelled", call.method, call.url);
  if (*code == CURLE_OK || receiver.has_enough) return {};
  return Fail(Code::kUnavailable, "{} {}: {}", call.method, call.url,
              *reason != 0 ? reason : curl_easy_strerror(static_cast<CURLcode>(*code)));
}

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {
  InitializeCurl();
  impl_->easy = curl_easy_init();
  impl_->multi = curl_multi_init();
  SIGHTLINE_CHECK(impl_->easy != nullptr && impl_->multi != nullptr);
}

HttpClient::~HttpClient() {
  curl_easy_cleanup(impl_->easy);
  curl_multi_cleanup(impl_->multi);
}

Result<HttpReply> HttpClient::Call(const HttpCall& call) {
  std::unique_ptr<curl_slist, FreeList> headers(
      curl_slist_append(nullptr, "Expect:"));  // never wait for "100 Continue"
  for (const auto& [name, value] : call.headers) {
    if (!IsToken(name) || !IsFieldValue(value)) {
      return Fail(Code::kInvalidArgument, "header \"{}\" is not valid HTTP", name);
    }
    // "Name;" is how libcurl is told to send an empty value.
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    if (curl_slist* longer = curl_slist_append(headers.get(), line.c_str())) {
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
  }
  Receiver receiver{.call = call};
  char reason[CURL_ERROR_SIZE] = "";
  impl_->Prepare(call, headers.get(), &receiver, reason);
  SIGHTLINE_TRY(impl_->Transfer(call, receiver, reason));
  return std::move(receiver.reply);
}

std::string_view HttpReply::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsNoCase(key, name)) return value;
  }
  return {};
}

std::string UrlEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace sightline::net
