#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "otel/version.h"
#include "transport/gzip.h"
#include "transport/http_text.h"
#include "transport/transport.h"

namespace otel::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kAnswerBytesMax = 4 << 20;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What libcurl's callbacks fill during one call.
struct Reply {
  bool head_is_complete = false;
  std::string body;
  bool too_large = false;
};

size_t OnHeader(char* data, size_t, size_t size, void* user) {
  auto* reply = static_cast<Reply*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) reply->head_is_complete = false;  // of the final answer, after one like 100 Continue
  if (line == "\r\n" || line == "\n") reply->head_is_complete = true;
  return size;
}

size_t OnBody(char* data, size_t, size_t size, void* user) {
  auto* reply = static_cast<Reply*>(user);
  reply->too_large = size > kAnswerBytesMax - reply->body.size();
  if (reply->too_large) return CURL_WRITEFUNC_ERROR;
  reply->body.append(data, size);
  return size;
}

// Whether the same request may go better at another time. What isn't known to pass is taken to stay.
bool MayPass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

// Connections live in the multi handle. After a fork they are the parent's: the child leaves them alone, as even a
// proper end of them would be seen by the parent's peer, and makes its own.
class HttpTransport final : public Transport {
 public:
  HttpTransport(const OtlpOptions& options, const Signal& signal);
  ~HttpTransport() override;

  Answer Send(std::string_view request, Deadline deadline) override;
  void Interrupt() override;

 private:
  void MakeHeaders();
  bool MakeHandles();
  CURLcode Transfer(Deadline deadline);
  Answer Judge(CURLcode code, const char* reason, const Reply& reply);
  Answer JudgeStatus(long status, const Reply& reply);
  Answer Fail(Answer::Kind kind, std::string_view why) const;

  const OtlpOptions options_;
  const std::string url_;
  const Encoding encoding_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::string problem_;  // with the options
  pid_t process_ = 0;    // whose handles they are
  CURL* easy_ = nullptr;
  std::atomic<CURLM*> multi_ = nullptr;
  std::atomic<bool> interrupted_ = false;
};

HttpTransport::HttpTransport(const OtlpOptions& options, const Signal& signal)
    : options_(options),
      url_(HttpUrl(options, signal)),
      encoding_(options.protocol == OtlpProtocol::kHttpJson ? Encoding::kJson : Encoding::kProtobuf) {
  MakeHeaders();
}

HttpTransport::~HttpTransport() {
  if (process_ != getpid()) return;
  curl_easy_cleanup(easy_);
  curl_multi_cleanup(multi_);
}

void HttpTransport::MakeHeaders() {
  std::vector<std::string> lines = {"Expect:"};  // never wait for "100 Continue"
  lines.emplace_back(encoding_ == Encoding::kJson ? "Content-Type: application/json"
                                                  : "Content-Type: application/x-protobuf");
  if (options_.compression == OtlpCompression::kGzip) lines.emplace_back("Content-Encoding: gzip");
  for (const auto& [name, value] : options_.headers) {
    if (!IsHeaderName(name) || !IsHeaderValue(value)) {
      problem_ = "the header \"" + name + "\" is not valid HTTP";
      return;
    }
    std::string& line = lines.emplace_back(name);
    line.append(value.empty() ? ";" : ": ").append(value);  // libcurl's way to say that it is empty
  }
  for (const std::string& line : lines) {
    curl_slist* const list = curl_slist_append(headers_.get(), line.c_str());
    if (list == nullptr) {
      problem_ = "no memory";
      return;
    }
    if (headers_ == nullptr) headers_.reset(list);  // further ones are appended to it
  }
}

bool HttpTransport::MakeHandles() {
  static std::once_flag once;  // older versions can't do it on several threads at once
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (process_ == getpid()) return true;
  easy_ = curl_easy_init();
  multi_ = curl_multi_init();
  if (easy_ == nullptr || multi_ == nullptr) return false;
  process_ = getpid();
  curl_easy_setopt(easy_, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);  // don't wait for a name server when time is up
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, UserAgent().c_str());
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, OnBody);
  if (!options_.certificate.empty()) curl_easy_setopt(easy_, CURLOPT_CAINFO, options_.certificate.c_str());
  if (!options_.client_key.empty()) curl_easy_setopt(easy_, CURLOPT_SSLKEY, options_.client_key.c_str());
  if (!options_.client_certificate.empty()) {
    curl_easy_setopt(easy_, CURLOPT_SSLCERT, options_.client_certificate.c_str());
  }
  return true;
}

Answer HttpTransport::Send(std::string_view request, Deadline deadline) {
  if (interrupted_) return Fail(Answer::Kind::kFailed, "shut down");
  if (!problem_.empty()) return Fail(Answer::Kind::kFailed, problem_);
  if (!MakeHandles()) return Fail(Answer::Kind::kRetry, "no memory");
  std::optional<std::string> packed;
  if (options_.compression == OtlpCompression::kGzip) {
    packed = Gzip(request);
    if (!packed) return Fail(Answer::Kind::kRetry, "no memory");
    request = *packed;
  }
  Reply reply;
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, &reply);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &reply);
  curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.size()));
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the size stands above
  curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request.data());
  CURLcode code = Transfer(deadline);
  if (code == CURLE_OK && !reply.head_is_complete) code = CURLE_PARTIAL_FILE;  // for libcurl it is complete
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, nullptr);
  return Judge(code, reason, reply);
}

// The multi interface, because another thread can wake it up.
CURLcode HttpTransport::Transfer(Deadline deadline) {
  curl_multi_add_handle(multi_, easy_);
  CURLcode code = CURLE_OK;
  for (int running = 1; code == CURLE_OK;) {
    if (curl_multi_perform(multi_, &running) != CURLM_OK) code = CURLE_FAILED_INIT;
    if (running == 0) break;
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (interrupted_) {
      code = CURLE_ABORTED_BY_CALLBACK;
    } else if (left.count() <= 0) {
      code = CURLE_OPERATION_TIMEDOUT;
    } else {
      constexpr int64_t kWaitMillisMax = 60'000;
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::min<int64_t>(left.count(), kWaitMillisMax)), nullptr);
    }
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE && code == CURLE_OK) code = message->data.result;
  }
  curl_multi_remove_handle(multi_, easy_);  // a connection in the middle of something is closed by it
  return code;
}

Answer HttpTransport::Judge(CURLcode code, const char* reason, const Reply& reply) {
  if (interrupted_ && code != CURLE_OK) return Fail(Answer::Kind::kFailed, "shut down");
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  // A refusal counts although not all of its explanation arrived.
  if (code == CURLE_OK || status >= 300) return JudgeStatus(status, reply);
  if (reply.too_large) return Fail(Answer::Kind::kFailed, "the answer is too large");
  return Fail(MayPass(code) ? Answer::Kind::kRetry : Answer::Kind::kFailed,
              *reason != 0 ? reason : curl_easy_strerror(code));
}

// https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
Answer HttpTransport::JudgeStatus(long status, const Reply& reply) {
  const char* type = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_CONTENT_TYPE, &type);
  const std::optional<Encoding> encoding = EncodingOf(type == nullptr ? "" : type);
  if (status / 100 == 2) {
    Answer answer{.kind = Answer::Kind::kAccepted};
    // What says nothing that we understand refuses nothing.
    if (encoding) answer.partial = ReadExportResponse(reply.body, *encoding).value_or(PartialSuccess{});
    return answer;
  }
  std::string why = "HTTP status " + std::to_string(status);
  const auto explained = encoding ? ReadRpcStatus(reply.body, *encoding) : std::nullopt;
  const std::string_view explanation = explained ? explained->message : PlainText(reply.body);
  if (!explanation.empty()) why.append(": ").append(explanation);
  const bool retry = status == 429 || status == 502 || status == 503 || status == 504;
  Answer answer = Fail(retry ? Answer::Kind::kRetry : Answer::Kind::kFailed, why);
  curl_off_t seconds = 0;
  if (curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
    constexpr curl_off_t kSecondsMax = 365 * 24 * 3600;
    answer.retry_after = std::chrono::seconds(std::min(seconds, kSecondsMax));
  }
  return answer;
}

Answer HttpTransport::Fail(Answer::Kind kind, std::string_view why) const {
  return {.kind = kind, .message = WithoutUser(url_) + ": " + std::string(why)};
}

void HttpTransport::Interrupt() {
  interrupted_ = true;
  if (CURLM* multi = multi_) curl_multi_wakeup(multi);
}

}  // namespace

const std::string& UserAgent() {
  static const auto* text = new std::string("OTel-OTLP-Exporter-Cpp/" + std::string(kVersion));
  return *text;
}

std::unique_ptr<Transport> MakeHttpTransport(const OtlpOptions& options, const Signal& signal) {
  return std::make_unique<HttpTransport>(options, signal);
}

}  // namespace otel::internal
