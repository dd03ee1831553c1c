#include "otel/instrumentation/http_server.h"

#include <otel/metrics.h>
#include <otel/trace.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "../http/http_attributes.h"

namespace otel::instrumentation {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kScope = "sightline.http_server";

struct Instruments {
  Tracer tracer = GetTracer(kScope, {}, http::kSchemaUrl);
  Histogram<double> duration;
  UpDownCounter<int64_t> active;
  // The usual ones, as attributes that are bound once cost less.
  BoundCounter<int64_t> active_gets = {}, active_posts = {};

  Instruments() {
    const Meter meter = GetMeter(kScope, {}, http::kSchemaUrl);
    duration = meter.CreateHistogram<double>("http.server.request.duration",
                                             {.unit = "s",
                                              .description = "Duration of HTTP server requests.",
                                              .explicit_bucket_boundaries = http::DurationBounds()});
    active = meter.CreateUpDownCounter<int64_t>(
        "http.server.active_requests", {.unit = "{request}", .description = "Number of active HTTP server requests."});
    active_gets = active.Bind({{"http.request.method", "GET"}, {"url.scheme", "http"}});
    active_posts = active.Bind({{"http.request.method", "POST"}, {"url.scheme", "http"}});
  }
};
const Instruments& TheInstruments() {
  static const auto* const instruments = new Instruments;
  return *instruments;
}

void CountActive(int64_t change, std::string_view method, std::string_view scheme) {
  const Instruments& instruments = TheInstruments();
  if (scheme == "http" && method == "GET") return instruments.active_gets.Add(change);
  if (scheme == "http" && method == "POST") return instruments.active_posts.Add(change);
  instruments.active.Add(change, {{"http.request.method", method}, {"url.scheme", scheme}});
}

class SomeAttributes {
 public:
  void Add(std::string_view key, const AnyValue& value) { attributes_[size_++] = {key, value}; }
  void AddText(std::string_view key, std::string_view value) {
    if (!value.empty()) Add(key, value);
  }
  AttributesView view() const { return std::span<const Attribute>(attributes_.data(), size_); }

 private:
  std::array<Attribute, 16> attributes_;
  size_t size_ = 0;
};

struct HostAndPort {
  std::string_view host;
  int port = 0;
};
HostAndPort ParseHost(std::string_view header, std::string_view scheme) {
  HostAndPort parsed{.host = header, .port = scheme == "https" ? 443 : scheme == "http" ? 80 : 0};
  const size_t bracket = header.starts_with('[') ? header.find(']') : std::string_view::npos;
  const size_t colon = header.find(':', bracket == std::string_view::npos ? 0 : bracket);
  parsed.host = bracket == std::string_view::npos ? header.substr(0, colon) : header.substr(1, bracket - 1);
  if (colon != std::string_view::npos) {
    std::from_chars(header.data() + colon + 1, header.data() + header.size(), parsed.port);
  }
  return parsed;
}

// The client, as the first proxy saw it.
std::string FirstOf(std::string_view list) {
  list = list.substr(0, list.find(','));
  while (list.starts_with(' ')) list.remove_prefix(1);
  while (list.ends_with(' ')) list.remove_suffix(1);
  return std::string(list);
}

UnixNanos StartTime(const HttpServerOptions& options) {
  if (!options.received) return 0;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch() -
                                                              (Clock::now() - *options.received))
      .count();
}

}  // namespace

HttpServerSpan::HttpServerSpan(const HttpServerRequest& request, TextMapGetter header, const HttpServerOptions& options)
    : context_(GetPropagator().Extract({}, header)),
      method_(http::KnownMethod(request.method)),
      scheme_(options.scheme),
      protocol_version_(request.protocol_version),
      route_(options.route),
      begin_(options.received.value_or(Clock::now())) {
  CountActive(1, method_, scheme_);
  const Instruments& instruments = TheInstruments();
  if (!instruments.tracer.Enabled()) return;

  // Each is copied at once: a header is valid until the next is asked for.
  const std::string user_agent(header("user-agent").value_or(""));
  std::string client = FirstOf(header("x-forwarded-for").value_or(""));
  if (client.empty()) client = options.peer_address;
  const HostAndPort server = ParseHost(header("host").value_or(""), scheme_);
  const size_t mark = std::min(request.target.find('?'), request.target.size());
  std::string query;
  if (mark < request.target.size()) query = http::RedactQuery(request.target.substr(mark + 1));

  SomeAttributes attributes;
  attributes.Add("http.request.method", method_);
  if (method_ != request.method) attributes.Add("http.request.method_original", request.method);
  attributes.Add("url.scheme", scheme_);
  attributes.Add("url.path", request.target.substr(0, mark));
  attributes.AddText("url.query", query);
  attributes.AddText("http.route", route_);
  attributes.AddText("server.address", server.host);
  if (!server.host.empty() && server.port != 0) attributes.Add("server.port", server.port);
  attributes.AddText("client.address", client);
  attributes.AddText("network.peer.address", options.peer_address);
  if (options.peer_port != 0) attributes.Add("network.peer.port", options.peer_port);
  attributes.AddText("network.protocol.version", protocol_version_);
  attributes.AddText("user_agent.original", user_agent);
  span_ = instruments.tracer.StartSpan(
      http::SpanName(method_, route_),
      {.kind = SpanKind::kServer, .attributes = attributes.view(), .start = StartTime(options), .parent = &context_});
  context_ = context_.WithSpan(span_);
}

HttpServerSpan::HttpServerSpan(HttpServerSpan&& other) noexcept
    : has_ended_(std::exchange(other.has_ended_, true)),
      context_(std::move(other.context_)),
      span_(std::move(other.span_)),
      method_(other.method_),
      scheme_(std::move(other.scheme_)),
      protocol_version_(std::move(other.protocol_version_)),
      route_(std::move(other.route_)),
      begin_(other.begin_) {}

HttpServerSpan::~HttpServerSpan() {
  if (!has_ended_) Fail("_OTHER");
}

void HttpServerSpan::SetRoute(std::string_view route) {
  if (has_ended_ || route == route_) return;
  route_ = route;
  if (!span_.IsRecording()) return;
  span_.SetAttribute("http.route", route_);
  span_.UpdateName(http::SpanName(method_, route_));
}

void HttpServerSpan::End(int status) {
  if (has_ended_) return;
  Finish(status, status >= 500 ? std::string_view(std::to_string(status)) : std::string_view());
}

void HttpServerSpan::Fail(std::string_view error_type) {
  if (!has_ended_) Finish(0, error_type);
}

void HttpServerSpan::Finish(int status, std::string_view error_type) {
  has_ended_ = true;
  if (span_.IsRecording()) {
    SomeAttributes outcome;
    if (status != 0) outcome.Add("http.response.status_code", status);
    outcome.AddText("error.type", error_type);
    span_.SetAttributes(outcome.view());
    if (!error_type.empty()) span_.SetStatus(StatusCode::kError);
  }
  span_.End();
  SomeAttributes attributes;
  attributes.Add("http.request.method", method_);
  attributes.Add("url.scheme", scheme_);
  if (status != 0) attributes.Add("http.response.status_code", status);
  attributes.AddText("error.type", error_type);
  attributes.AddText("http.route", route_);
  attributes.AddText("network.protocol.version", protocol_version_);
  TheInstruments().duration.Record(std::chrono::duration<double>(Clock::now() - begin_).count(), attributes.view());
  CountActive(-1, method_, scheme_);
}

}  // namespace otel::instrumentation
