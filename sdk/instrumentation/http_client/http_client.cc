#include "otel/instrumentation/http_client.h"

#include <otel/metrics.h>
#include <otel/propagation.h>
#include <otel/trace.h>

#include <array>
#include <utility>

#include "../http/http_attributes.h"
#include "url.h"

namespace otel::instrumentation {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kScope = "sightline.http_client";

struct Instruments {
  Tracer tracer = GetTracer(kScope, {}, http::kSchemaUrl);
  Histogram<double> duration = GetMeter(kScope, {}, http::kSchemaUrl)
                                   .CreateHistogram<double>("http.client.request.duration",
                                                            {.unit = "s",
                                                             .description = "Duration of HTTP client requests.",
                                                             .explicit_bucket_boundaries = http::DurationBounds()});
};
const Instruments& TheInstruments() {
  static const auto* const instruments = new Instruments;
  return *instruments;
}

// The names that libcurl has for what goes wrong on the way.
std::string ErrorType(CURLcode code) {
  static constexpr std::pair<CURLcode, const char*> kNames[] = {
      {CURLE_UNSUPPORTED_PROTOCOL, "CURLE_UNSUPPORTED_PROTOCOL"},
      {CURLE_URL_MALFORMAT, "CURLE_URL_MALFORMAT"},
      {CURLE_COULDNT_RESOLVE_PROXY, "CURLE_COULDNT_RESOLVE_PROXY"},
      {CURLE_COULDNT_RESOLVE_HOST, "CURLE_COULDNT_RESOLVE_HOST"},
      {CURLE_COULDNT_CONNECT, "CURLE_COULDNT_CONNECT"},
      {CURLE_HTTP2, "CURLE_HTTP2"},
      {CURLE_PARTIAL_FILE, "CURLE_PARTIAL_FILE"},
      {CURLE_WRITE_ERROR, "CURLE_WRITE_ERROR"},
      {CURLE_OPERATION_TIMEDOUT, "CURLE_OPERATION_TIMEDOUT"},
      {CURLE_SSL_CONNECT_ERROR, "CURLE_SSL_CONNECT_ERROR"},
      {CURLE_ABORTED_BY_CALLBACK, "CURLE_ABORTED_BY_CALLBACK"},
      {CURLE_TOO_MANY_REDIRECTS, "CURLE_TOO_MANY_REDIRECTS"},
      {CURLE_GOT_NOTHING, "CURLE_GOT_NOTHING"},
      {CURLE_SEND_ERROR, "CURLE_SEND_ERROR"},
      {CURLE_RECV_ERROR, "CURLE_RECV_ERROR"},
      {CURLE_PEER_FAILED_VERIFICATION, "CURLE_PEER_FAILED_VERIFICATION"},
      {CURLE_HTTP2_STREAM, "CURLE_HTTP2_STREAM"},
  };
  for (const auto& [known, name] : kNames) {
    if (known == code) return name;
  }
  return "CURLE_" + std::to_string(code);
}

const char* ProtocolVersion(CURL* curl) {
  long version = 0;
  curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
  switch (version) {
    case CURL_HTTP_VERSION_1_0:
      return "1.0";
    case CURL_HTTP_VERSION_1_1:
      return "1.1";
    case CURL_HTTP_VERSION_2_0:
      return "2";
    case CURL_HTTP_VERSION_3:
      return "3";
    default:
      return nullptr;
  }
}

void DescribePeer(const Span& span, CURL* curl) {
  const char* address = nullptr;
  long port = 0;
  curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
  curl_easy_getinfo(curl, CURLINFO_PRIMARY_PORT, &port);
  if (address == nullptr || *address == '\0') return;
  span.SetAttributes({{"network.peer.address", address}, {"network.peer.port", port}});
}

// A few attributes of which some may not be there.
class SomeAttributes {
 public:
  void Add(std::string_view key, const AnyValue& value) { attributes_[size_++] = {key, value}; }
  AttributesView view() const { return std::span<const Attribute>(attributes_.data(), size_); }

 private:
  std::array<Attribute, 8> attributes_;
  size_t size_ = 0;
};

}  // namespace

HttpClientSpan::HttpClientSpan(CURL* curl, const HttpClientRequest& request)
    : curl_(curl), headers_(request.headers), method_(http::KnownMethod(request.method)), begin_(Clock::now()) {
  const Instruments& instruments = TheInstruments();
  if (instruments.tracer.Enabled() || instruments.duration.Enabled()) {
    const UrlParts url = ParseUrl(request.url, request.secret_parameters);
    server_address_ = url.address;
    server_port_ = url.port;
    url_template_ = request.url_template;
    SomeAttributes attributes;
    attributes.Add("http.request.method", method_);
    attributes.Add("url.full", url.redacted);
    attributes.Add("server.address", server_address_);
    if (server_port_ != 0) attributes.Add("server.port", server_port_);
    if (!url_template_.empty()) attributes.Add("url.template", url_template_);
    if (request.resend_count > 0) attributes.Add("http.request.resend_count", request.resend_count);
    if (method_ != request.method) attributes.Add("http.request.method_original", request.method);
    span_ = instruments.tracer.StartSpan(http::SpanName(method_, url_template_),
                                         {.kind = SpanKind::kClient, .attributes = attributes.view()});
    context_ = Context::Current().WithSpan(span_);
  } else {
    context_ = Context::Current();
  }
  SetHeaders(request.headers);
}

// The caller's list stays as it is: nodes that lie here are put before it.
void HttpClientSpan::SetHeaders(curl_slist* headers) {
  GetPropagator().Inject(context_, [this](std::string_view name, std::string_view value) {
    injected_.push_back(std::string(name) + ": " + std::string(value));
  });
  header_nodes_.reserve(injected_.size());
  for (auto& header : injected_) header_nodes_.push_back({header.data(), nullptr});
  for (size_t i = 0; i < header_nodes_.size(); ++i) {
    header_nodes_[i].next = i + 1 < header_nodes_.size() ? &header_nodes_[i + 1] : headers;
  }
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, header_nodes_.empty() ? headers : header_nodes_.data());
}

HttpClientSpan::~HttpClientSpan() {
  if (curl_ != nullptr) End(CURLE_ABORTED_BY_CALLBACK);
}

void HttpClientSpan::End(CURLcode code) {
  if (curl_ == nullptr) return;
  CURL* const curl = std::exchange(curl_, nullptr);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_);
  const auto& duration = TheInstruments().duration;
  if (!span_.IsRecording() && !duration.Enabled()) return;

  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  const char* version = ProtocolVersion(curl);
  std::string error;
  if (code != CURLE_OK) {
    error = ErrorType(code);
  } else if (status >= 400) {
    error = std::to_string(status);
  }
  SomeAttributes outcome;
  if (status > 0) outcome.Add("http.response.status_code", status);
  if (version != nullptr) outcome.Add("network.protocol.version", version);
  if (!error.empty()) outcome.Add("error.type", error);
  if (span_.IsRecording()) {
    span_.SetAttributes(outcome.view());
    DescribePeer(span_, curl);
    if (!error.empty()) span_.SetStatus(StatusCode::kError, code != CURLE_OK ? curl_easy_strerror(code) : "");
  }
  span_.End();
  outcome.Add("http.request.method", method_);
  outcome.Add("server.address", server_address_);
  if (server_port_ != 0) outcome.Add("server.port", server_port_);
  if (!url_template_.empty()) outcome.Add("url.template", url_template_);
  duration.Record(std::chrono::duration<double>(Clock::now() - begin_).count(), outcome.view());
}

CURLcode Perform(CURL* curl, const HttpClientRequest& request) {
  HttpClientSpan span(curl, request);
  const Scope scope(span.context());
  const CURLcode code = curl_easy_perform(curl);
  span.End(code);
  return code;
}

}  // namespace otel::instrumentation
