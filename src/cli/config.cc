#include "cli/config.h"

#include <fmt/format.h>

#include "cli/config_apdex.h"
#include "cli/config_dimensions.h"
#include "cli/config_hot_attributes.h"
#include "cli/config_predictions.h"
#include "net/http_server.h"

namespace sightline::cli {
namespace {

Result<void> CheckAddress(const std::string& text) {
  const Result<net::HostPort> parsed = net::ParseHostPort(text);
  if (!parsed) return std::unexpected(parsed.error());
  return {};
}

Result<void> CheckDirectory(const std::string& text) {
  if (text.empty()) return Fail(Code::kInvalidArgument, "must not be empty");
  return {};
}

Result<void> CheckUrl(const std::string& text) {
  if (text.empty() || text.starts_with("http://") || text.starts_with("https://")) return {};
  return Fail(Code::kInvalidArgument, "expected http://... or https://..., or nothing for the embedded ClickHouse");
}

Result<void> CheckPublicUrl(const std::string& text) {
  if (text.empty() || text.starts_with("http://") || text.starts_with("https://")) return {};
  return Fail(Code::kInvalidArgument, "expected http://... or https://..., or nothing for http.address");
}

Result<void> CheckOrigin(const std::string& text) {
  const size_t scheme = text.find("://");
  if (text == "*" || (scheme != std::string::npos && scheme > 0 && text.find('/', scheme + 3) == std::string::npos &&
                      text.size() > scheme + 3)) {
    return {};
  }
  return Fail(Code::kInvalidArgument, "\"{}\" is neither an origin such as https://shop.example nor *", text);
}

Result<void> CheckEndpoint(const std::string& text) {
  if (text.empty()) return {};
  const auto parsed = forward::ParseEndpoint(text);
  if (!parsed) return std::unexpected(parsed.error());
  return {};
}

// The value is not shown: it may be a secret.
Result<void> CheckHeader(const std::string& text) {
  if (text.find('=') != std::string::npos && text.front() != '=') return {};
  return Fail(Code::kInvalidArgument, "a header is not NAME=VALUE");
}

void BindPlaces(ConfigSchema& schema, Config& config) {
  schema.Text("data_dir", config.data_dir,
              "Where all data is kept. Created with mode 0700 if it is missing; one program at a time may use it.",
              {.check = CheckDirectory});
  schema.Choice<journal::Durability>(
      "durability", config.durability,
      "What an accepted export survives: `process` a crash of Sightline, `disk` also a loss of power (it waits for "
      "fsync, which is shared by the exports of a moment).",
      {{"process", journal::Durability::kProcess}, {"disk", journal::Durability::kDisk}});

  schema.Section("otlp", "Where OpenTelemetry data is received.");
  schema.Text("otlp.grpc", config.otlp.grpc, "Address of OTLP over gRPC. Port 0 takes a free one.",
              {.check = CheckAddress});
  schema.Text("otlp.http", config.otlp.http, "Address of OTLP over HTTP. Port 0 takes a free one.",
              {.check = CheckAddress});

  schema.Section("http", "The API, the web pages, and who may call them.");
  schema.Text("http.address", config.http.address, "Address of the API and the web pages. Port 0 takes a free one.",
              {.check = CheckAddress});
  schema.Text("http.public_url", config.http.public_url,
              "Where people reach the web pages, for links in notifications: https://sightline.example. Empty: http:// and "
              "http.address.",
              {.check = CheckPublicUrl});
  schema.Texts("http.allowed_hosts", config.http.allowed_hosts,
               "Host headers that this address and otlp.http serve beside loopback names and the address itself; \"*\" "
               "serves all. Others are refused, so that a web page cannot reach a local Sightline by DNS rebinding.");
  schema.Texts("http.allowed_origins", config.http.allowed_origins,
               "Origins of web pages that may call this address and otlp.http (CORS), such as http://localhost:3000; "
               "\"*\" for any.",
               {.check = CheckOrigin});
}

void BindStorage(ConfigSchema& schema, Config& config) {
  schema.Section("clickhouse", "The store: ClickHouse inside the program, or one that runs elsewhere.");
  schema.Text("clickhouse.url", config.clickhouse.url,
              "A ClickHouse server, http(s)://user:password@host:8123/database. Empty: the embedded one.",
              {.check = CheckUrl, .hides_password = true});
  schema.Text("clickhouse.library", config.clickhouse.library,
              "Path of libchdb.so for the embedded ClickHouse. Empty: beside the program, then the system's.");
  schema.Bytes("clickhouse.memory_bytes_max", config.clickhouse.memory_bytes_max,
               "Memory that the embedded ClickHouse may take for inserts, merges and queries together.", 256 << 20);

  schema.Section("retention",
                 "How long items are kept, by their own time. A change takes effect at the next start; items older "
                 "than this are refused.");
  const ConfigDurationOptions keep = {
      .min_nanos = 3600 * kSecondNanos, .max_nanos = 36'500 * kDayNanos, .may_be_forever = true};
  schema.Duration("retention.traces", config.retention.traces_nanos, "Spans.", keep);
  schema.Duration("retention.logs", config.retention.logs_nanos, "Log records.", keep);
  schema.Duration("retention.metrics", config.retention.metrics_nanos,
                  "Metric points, and calls and durations of spans by minute.", keep);
  schema.Duration("retention.rollups", config.retention.rollups_nanos, "Calls and durations of spans by hour.", keep);
  schema.Duration("retention.predictions", config.retention.predictions_nanos,
                  "Records of what models predicted, which spans tell of.", keep);

  schema.Section("journal", "The log of accepted exports that a crash cannot lose.");
  schema.Bytes("journal.segment_bytes_max", config.journal.segment_bytes_max, "A new file starts beyond this size.",
               1 << 16, 1ULL << 32);
  schema.Bytes(
      "journal.bytes_max", config.journal.bytes_max,
      "Disk that the journal may take (a gateway's two together); beyond it exports are answered as to be tried again.",
      1 << 20);

  schema.Section("store", "How rows are written: in blocks, each inserted at the first of three limits.");
  schema.Number("store.block_rows_max", config.store.block_rows_max,
                "Rows of a block; it is inserted when it has as many.", 1, 10'000'000);
  schema.Bytes("store.block_bytes_max", config.store.block_bytes_max,
               "Bytes of exports in a block; it is inserted when it has as many.", 1 << 10, 1ULL << 30);
  schema.Duration("store.block_age_max", config.store.block_age_max_nanos,
                  "How long the oldest item of a block waits at most before the block is inserted.",
                  {.min_nanos = kSecondNanos / 1000, .max_nanos = 60 * kSecondNanos});
  schema.Add(HotAttributesKey(
      "store.hot_attributes", config.store.hot_attributes,
      "Span attributes with a column of their own, which makes conditions on them fast. `type` is string (the "
      "default), "
      "int, double or bool; `high_cardinality: true` is for keys with very many values. A list given here replaces the "
      "whole default list. It may change between starts; what is stored stays readable. But a key that ever had a "
      "column "
      "keeps its `type` and `high_cardinality`: the start refuses others."));
  schema.Add(PredictionsKey(
      "predictions", config.predictions,
      "Spans in which a model predicted something, and the attributes that say what (docs/predictions.md). Of each a "
      "record is kept, whatever sampling does with the span. A list given here replaces the whole default list; `[]` "
      "keeps none. It applies to what comes after the start."));
}

void BindSpanMetrics(ConfigSchema& schema, otlp::SpanMetricsOptions& options) {
  schema.Section("span_metrics",
                 "Calls, errors and durations of spans, counted before sampling (docs/adr/004-span-metrics.md).");
  schema.Add(DimensionsKey(
      "span_metrics.dimensions", options.dimensions,
      "Attributes by which calls are told apart beside service, span name, kind and status, as in the Collector's "
      "spanmetrics connector: of the span, else of its resource, else `default`. Each value makes a series of its "
      "own."));
  schema.Number("span_metrics.series_per_service_max", options.series_per_service_max,
                "Series of a service in an hour; further ones are counted together, with otel.metric.overflow.", 1,
                1'000'000);
  schema.Number("span_metrics.series_max", options.series_max, "The same for all services together.", 1, 10'000'000);
}

void BindDashboards(ConfigSchema& schema, Config::Dashboards& dashboards) {
  schema.Section("dashboards", "Dashboards that do not come from people.");
  schema.Text("dashboards.directory", dashboards.directory,
              "Each *.json file in it is a dashboard (docs/dashboards.md), which cannot be changed in the UI. Files may "
              "change while the program runs.");
}

void BindAlerts(ConfigSchema& schema, Config::Alerts& alerts) {
  schema.Section("alerts", "Alerts that do not come from people.");
  schema.Text("alerts.directory", alerts.directory,
              "Each *.json, *.yaml and *.yml file in its folder rules/ is a rule (docs/alerts.md), in channels/ a channel, "
              "and routing.json the routing (docs/notifications.md); they cannot be changed in the UI. Files may change "
              "while the program runs.");
}

void BindSlos(ConfigSchema& schema, Config::Slos& slos) {
  schema.Section("slos", "Objectives of services (docs/slos.md).");
  schema.Text("slos.directory", slos.directory,
              "Each *.yaml, *.yml and *.json file in it is an SLO, which cannot be changed in the UI. Files may change "
              "while the program runs.");
  schema.Duration("slos.interval", slos.interval_nanos, "How often what SLOs count is brought up to date.",
                  {.min_nanos = kSecondNanos / 10, .max_nanos = 600 * kSecondNanos});
}

void BindNotifications(ConfigSchema& schema, Config::Notifications& notifications) {
  schema.Section("notifications", "How alerts reach people (docs/notifications.md). Channels are made in the UI or by files.");
  schema.Duration("notifications.timeout", notifications.timeout_nanos, "Of one try to reach a channel.",
                  {.min_nanos = kSecondNanos, .max_nanos = 600 * kSecondNanos});
  schema.Text("notifications.ca_file", notifications.ca_file,
              "PEM file with who may have signed the certificates of receivers. Empty: the system's list.");
  schema.Number("notifications.attempts_max", notifications.attempts_max,
                "Tries of a notification; then it is given up, which the log of deliveries shows.", 1, 100);
  schema.Duration("notifications.retry_first", notifications.retry_first_nanos,
                  "The pause after the first try; pauses double, and half of each is by chance.",
                  {.min_nanos = kSecondNanos / 100, .max_nanos = 3600 * kSecondNanos});
  schema.Duration("notifications.retry_max", notifications.retry_max_nanos,
                  "The longest pause between two tries. A Retry-After of the receiver may ask for more.",
                  {.min_nanos = kSecondNanos / 100, .max_nanos = kDayNanos});
  schema.Duration("notifications.keep", notifications.keep_nanos,
                  "How long the log of deliveries is kept; 10,000 are kept at most.",
                  {.min_nanos = 3600 * kSecondNanos, .max_nanos = 3650 * kDayNanos});
}

void BindServices(ConfigSchema& schema, Config::Services& services) {
  schema.Section("services", "How services are judged.");
  schema.Duration("services.apdex_threshold", services.apdex_threshold_nanos,
                  "How long a request may take to satisfy, for apdex; up to four times as long is tolerated.",
                  {.min_nanos = 1, .max_nanos = kApdexThresholdNanosMax});
  schema.Add(ApdexThresholdsKey("services.apdex_thresholds", services.apdex_thresholds,
                                "Services with a threshold of their own: `[{service: checkout, threshold: 200ms}]`."));
}

void BindForward(ConfigSchema& schema, Config::Forward& forward) {
  schema.Section("forward", "Where `sightline gateway` sends what it keeps. `sightline serve` does not read it.");
  schema.Text("forward.endpoint", forward.endpoint,
              "The backend: grpc://HOST:4317, grpcs:// with TLS, http(s)://HOST:4318 (requests go to /v1/traces and so "
              "on below it), or `none`: what is kept is thrown away.",
              {.check = CheckEndpoint});
  schema.Choice<forward::Protocol>(
      "forward.protocol", forward.protocol,
      "`auto`: as the endpoint's scheme says; `grpc`: gRPC to an http(s):// endpoint too.",
      {{"auto", forward::Protocol::kAuto}, {"grpc", forward::Protocol::kGrpc}, {"http", forward::Protocol::kHttp}});
  schema.Texts("forward.headers", forward.headers,
               "Headers of each request (metadata of gRPC), as NAME=VALUE: [\"authorization=Bearer ...\"].",
               {.check = CheckHeader, .hides_password = true});
  schema.Choice<bool>("forward.compression", forward.gzip, "Of requests.", {{"gzip", true}, {"none", false}});
  schema.Duration("forward.timeout", forward.timeout_nanos, "For the answer to a request; then it is sent again.",
                  {.min_nanos = kSecondNanos, .max_nanos = 600 * kSecondNanos});
  schema.Text("forward.tls.ca_file", forward.tls_ca_file,
              "PEM file with who may have signed the backend's certificate. Empty: the system's list.");
  schema.Text("forward.tls.cert_file", forward.tls_cert_file,
              "PEM file with the certificate that is shown to the backend.");
  schema.Text("forward.tls.key_file", forward.tls_key_file, "PEM file with its private key.");
  schema.Bytes(
      "forward.request_bytes_max", forward.request_bytes_max,
      "A request to the backend, before compression; larger ones are divided. gRPC servers take 4 MiB unless told "
      "otherwise.",
      1 << 10, 64 << 20);
  schema.Duration("forward.retry_interval_max", forward.retry_interval_max_nanos,
                  "The longest pause between two tries; pauses begin at 0.5 s and double.",
                  {.min_nanos = kSecondNanos, .max_nanos = 3600 * kSecondNanos});
  schema.Bool(
      "forward.span_metrics", forward.span_metrics,
      "With tail sampling: count all spans and the calls between services before it, and send them as metrics with "
      "the names of the Collector's spanmetrics and servicegraph connectors.");
  schema.Duration("forward.metrics_interval", forward.metrics_interval_nanos,
                  "How often they are sent. What came in between waits on the disk.",
                  {.min_nanos = kSecondNanos, .max_nanos = 600 * kSecondNanos});
  schema.Number("forward.series_max", forward.series_max,
                "Series of these metrics; further ones are counted together, with otel.metric.overflow.", 1, 1'000'000);
}

void BindReceiveLimits(ConfigSchema& schema, Config::Limits& limits) {
  schema.Section("limits",
                 "Bounds of everything that comes from outside. What is refused or cut is counted by reason in "
                 "Sightline's own metrics.");
  schema.Bytes("limits.recv_message_bytes_max", limits.recv_message_bytes_max,
               "An export as it is sent (compressed); a larger one is refused.", 1 << 10, 1 << 30);
  schema.Bytes("limits.recv_decompressed_bytes_max", limits.recv_decompressed_bytes_max,
               "An export once it is inflated; a larger one is refused.", 1 << 10, 1 << 30);
  schema.Number("limits.connections_max", limits.connections_max, "Connections to each HTTP address.", 1);
  schema.Bytes("limits.memory_bytes_max", limits.memory_bytes_max,
               "Memory for exports on their way to the store; at the limit exports are answered as to be tried again.",
               1 << 20);
  schema.Bytes("limits.disk_free_bytes_min", limits.disk_free_bytes_min,
               "Below this free room on the disk of data_dir nothing is accepted, so that merges can finish.");
  schema.Bytes(
      "limits.refused_bytes_max", limits.refused_bytes_max,
      "Disk for items that ClickHouse refuses for good, in data_dir/refused (docs/refused.md). Beyond it they stay "
      "in the journal.");
  schema.Number("limits.value_depth_max", limits.items.value_depth_max,
                "Nesting of attribute values; a deeper item is refused.", 1, 128);
  schema.Number("limits.attributes_per_item_max", limits.items.attributes_per_item_max,
                "Attributes of a span, log record or data point; further ones are cut and counted as dropped.", 1);
  schema.Bytes("limits.value_bytes_max", limits.items.value_bytes_max,
               "Length of a string, of bytes or of a serialized array; a longer value is cut and marked.", 16);
  schema.Bytes(
      "limits.name_bytes_max", limits.items.name_bytes_max,
      "Length of a name (of a service, span, event, scope, metric), of an attribute's key or a unit; a longer one "
      "is cut and marked.",
      16, 64 << 10);
  schema.Number("limits.events_per_span_max", limits.items.events_per_span_max,
                "Events of a span; further ones are cut and counted as dropped.", 1);
  schema.Number("limits.links_per_span_max", limits.items.links_per_span_max,
                "Links of a span; further ones are cut and counted as dropped.", 1);
  schema.Number("limits.buckets_per_point_max", limits.items.buckets_per_point_max,
                "Buckets of a histogram point; one with more is refused.", 1);
  schema.Duration(
      "limits.future_time_max", limits.future_time_max_nanos,
      "How far ahead of now a time may lie; a later one is stored as now plus this, the original beside it.",
      {.min_nanos = kSecondNanos, .max_nanos = 3'650 * kDayNanos});
  schema.Number("limits.metric_series_max", limits.metric_series_max,
                "Series of a metric of a service in a day of receipt (UTC). Points of further ones are stored in one "
                "series, with otel.metric.overflow (docs/metric_series.md). 0: no limit.",
                0, 10'000'000);
}

void BindQueryLimits(ConfigSchema& schema, Config::Limits& limits) {
  schema.Number("limits.query_seconds_max", limits.query_seconds_max,
                "Run time of a query, and of a question to the API.", 1, 86'400);
  schema.Bytes("limits.query_memory_bytes_max", limits.query_memory_bytes_max, "Memory of a query.", 1 << 20);
  schema.Number("limits.query_result_rows_max", limits.query_result_rows_max, "Rows of an answer.", 1);
}

void BindSelf(ConfigSchema& schema, Config& config) {
  schema.Section("sampling", "Which traces are kept.");
  schema.Tree("sampling.tail_sampling", config.sampling.tail_sampling,
              "Policies of tail sampling, with the fields of the Collector's tail_sampling processor. Not set: every "
              "span is kept. Read again on SIGHUP.");
  schema.Bytes(
      "sampling.memory_bytes_max", config.sampling.memory_bytes_max,
      "Memory for spans that wait for a decision (some dozens of bytes each; their own bytes are in the journal) "
      "and for decisions about earlier traces. At the limit the oldest traces are decided early.",
      1 << 20);

  schema.Bytes("sampling.records_bytes_max", config.sampling.records_bytes_max,
               "Disk for records of traces that were sampled out (8 bytes each), so that whoever asks for one hears "
               "when and by which policy. The oldest go first.",
               1 << 20);

  schema.Section("log", "Sightline's own log, on stderr.");
  schema.Choice<LogFormat>("log.format", config.log.format, "Lines for people or for machines.",
                           {{"text", LogFormat::kText}, {"json", LogFormat::kJson}});
  schema.Choice<LogLevel>("log.level", config.log.level, "Less important events are not written.",
                          {{"debug", LogLevel::kDebug},
                           {"info", LogLevel::kInfo},
                           {"warning", LogLevel::kWarning},
                           {"error", LogLevel::kError}});

  schema.Section("self_metrics", "Sightline's own metrics, stored in itself under service.name=sightline.");
  schema.Duration("self_metrics.interval", config.self_metrics.interval_nanos,
                  "How often they are stored; 0 turns it off (/metrics stays).", {.max_nanos = kDayNanos});
}

void Conflict(const ConfigSchema& schema, std::string_view key, std::string message,
              std::vector<ConfigProblem>& problems) {
  const ConfigKey* found = schema.Find(key);
  SIGHTLINE_CHECK(found != nullptr);
  problems.push_back({found->source.empty() ? "default" : found->source, std::string(key), std::move(message)});
}

}  // namespace

ConfigSchema MakeConfigSchema() {
  return ConfigSchema("SIGHTLINE_");
}

void BindConfig(ConfigSchema& schema, Config& config) {
  BindPlaces(schema, config);
  BindStorage(schema, config);
  BindSpanMetrics(schema, config.span_metrics);
  BindServices(schema, config.services);
  BindDashboards(schema, config.dashboards);
  BindAlerts(schema, config.alerts);
  BindSlos(schema, config.slos);
  BindNotifications(schema, config.notifications);
  BindForward(schema, config.forward);
  BindReceiveLimits(schema, config.limits);
  BindQueryLimits(schema, config.limits);
  BindSelf(schema, config);
}

std::vector<ConfigProblem> CheckConfig(const ConfigSchema& schema, const Config& config) {
  std::vector<ConfigProblem> problems;
  if (const Result<std::shared_ptr<const sample::PolicySet>> policies = CompilePolicies(config); !policies) {
    Conflict(schema, "sampling.tail_sampling", policies.error().message, problems);
  }
  const Config::Forward& forward = config.forward;
  if (const auto options = ForwardOptions(config); !forward.endpoint.empty() && !options) {
    Conflict(schema, "forward.endpoint", options.error().message, problems);
  }
  if (forward.tls_cert_file.empty() != forward.tls_key_file.empty()) {
    Conflict(schema, forward.tls_cert_file.empty() ? "forward.tls.key_file" : "forward.tls.cert_file",
             "forward.tls.cert_file and forward.tls.key_file need each other", problems);
  }
  // The key that was set is named; if neither was, the defaults are at fault, which a test excludes.
  const auto at_most = [&](std::string_view small, uint64_t value, std::string_view large, uint64_t limit) {
    if (value <= limit) return;
    const bool blame_large = schema.Find(small)->source.empty();
    Conflict(schema, blame_large ? large : small,
             fmt::format("{} ({}) must not be more than {} ({})", small, PrintBytes(value), large, PrintBytes(limit)),
             problems);
  };
  at_most("journal.segment_bytes_max", config.journal.segment_bytes_max, "journal.bytes_max", config.journal.bytes_max);
  at_most("limits.recv_message_bytes_max", config.limits.recv_message_bytes_max, "limits.memory_bytes_max",
          config.limits.memory_bytes_max);
  at_most("limits.recv_decompressed_bytes_max", config.limits.recv_decompressed_bytes_max, "limits.memory_bytes_max",
          config.limits.memory_bytes_max);
  if (!config.clickhouse.url.empty()) return problems;  // a server has limits of its own
  at_most("limits.query_memory_bytes_max", config.limits.query_memory_bytes_max, "clickhouse.memory_bytes_max",
          config.clickhouse.memory_bytes_max);
  return problems;
}

Result<std::shared_ptr<const sample::PolicySet>> CompilePolicies(const Config& config) {
  if (!config.sampling.tail_sampling) return nullptr;
  const auto parsed = sample::ParseTailSampling(*config.sampling.tail_sampling);
  if (!parsed) {
    const YamlFault& fault = parsed.error();
    if (fault.line == 0) return Fail(Code::kInvalidArgument, "{}", fault.message);
    return Fail(Code::kInvalidArgument, "line {}: {}", fault.line, fault.message);
  }
  return sample::PolicySet::Compile(*parsed);
}

Result<forward::ExporterOptions> ForwardOptions(const Config& config) {
  const Config::Forward& forward = config.forward;
  if (forward.endpoint.empty()) {
    return Fail(Code::kInvalidArgument, "forward.endpoint is not set: where is what is kept to be sent?");
  }
  Result<forward::Endpoint> endpoint = forward::ParseEndpoint(forward.endpoint, forward.protocol);
  if (!endpoint) return std::unexpected(endpoint.error());
  forward::ExporterOptions options{
      .endpoint = *std::move(endpoint),
      .headers = {},
      .gzip = forward.gzip,
      .timeout_nanos = forward.timeout_nanos,
      .tls_files = {.ca = forward.tls_ca_file, .cert = forward.tls_cert_file, .key = forward.tls_key_file}};
  for (const std::string& header : forward.headers) {
    const size_t equals = header.find('=');
    options.headers.emplace_back(header.substr(0, equals), header.substr(equals + 1));
  }
  return options;
}

std::vector<ConfigProblem> LoadConfig(const ConfigSources& sources, Config& config) {
  ConfigSchema schema = MakeConfigSchema();
  BindConfig(schema, config);
  std::vector<ConfigProblem> problems = schema.Load(sources);
  if (problems.empty()) problems = CheckConfig(schema, config);
  if (config.sampling.tail_sampling) config.sampling.source = schema.Find("sampling.tail_sampling")->source;
  return problems;
}

}  // namespace sightline::cli
