#include "demo/http/client.h"

#include <curl/curl.h>
#include <otel/instrumentation/http_client.h>

#include <algorithm>

#include "demo/common/text.h"

namespace demo::http {
namespace {

constexpr long kRedirectsMax = 3;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList MakeHeaders(const ClientRequest& request) {
  HeaderList list;
  for (const auto& [name, value] : request.headers) {
    list.reset(curl_slist_append(list.release(), fmt::format("{}: {}", name, value).c_str()));
  }
  return list;
}

size_t TakeBody(char* data, size_t size, size_t count, void* to) {
  auto& body = static_cast<ClientResponse*>(to)->body;
  if (body.size() + size * count > Client::kBodyBytesMax) return 0;  // an error for curl
  body.append(data, size * count);
  return size * count;
}

size_t TakeHeader(char* data, size_t size, size_t count, void* to) {
  auto& headers = static_cast<ClientResponse*>(to)->headers;
  const std::string_view line(data, size * count);
  const size_t colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    headers.clear();  // of the redirect before
  } else if (colon != std::string_view::npos) {
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    value = value.substr(0, value.find_last_not_of(" \r\n") + 1);
    headers.emplace_back(NormalizeText(line.substr(0, colon)), value);
  }
  return size * count;
}

const char* ErrorType(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return "TimeoutError";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
      return "ConnectError";
    default:
      return "ProtocolError";
  }
}

}  // namespace

std::string_view ClientResponse::Header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

struct Client::Handle {
  Handle() {
    static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = initialized == CURLE_OK ? curl_easy_init() : nullptr;
  }
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  CURL* curl;
};

Client::Client() : handle_(std::make_unique<Handle>()) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<ClientResponse> Client::Send(const ClientRequest& request) {
  CURL* curl = handle_->curl;
  if (curl == nullptr) return Fail("ProtocolError", "libcurl has no handle");
  curl_easy_reset(curl);  // options only: the connections stay
  ClientResponse response;
  char error[CURL_ERROR_SIZE] = "";
  const HeaderList headers = MakeHeaders(request);
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kRedirectsMax);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, TakeHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &response);
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  }
  const CURLcode code = otel::instrumentation::Perform(curl, {.method = request.method,
                                                              .url = request.url,
                                                              .url_template = request.url_template,
                                                              .resend_count = request.resend_count,
                                                              .headers = headers.get()});
  if (code != CURLE_OK) return Fail(ErrorType(code), "{}", error[0] != '\0' ? error : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

}  // namespace demo::http
