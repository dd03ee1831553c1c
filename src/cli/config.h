// What `sightline serve` and `sightline gateway` can be told: one struct, and its keys bound to it (names, types,
// defaults and docs of all keys stand in config.cc and nowhere else; docs/configuration.md and `sightline config show`
// are made from them). Data: file, environment, flags -> Config, or a list of problems with their places.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/log.h"
#include "cli/config_apdex.h"
#include "forward/exporter.h"
#include "journal/journal.h"
#include "otlp/block_builder.h"
#include "otlp/limits.h"
#include "otlp/span_metrics_options.h"
#include "sample/dropped_traces.h"
#include "sample/policy_set.h"
#include "store/clickhouse.h"

namespace sightline::cli {

inline constexpr int64_t kSecondNanos = 1'000'000'000;
inline constexpr int64_t kDayNanos = 86'400 * kSecondNanos;

// Durations are nanoseconds and may be kForeverNanos where the key allows it. Addresses are "host:port" and were
// checked.
struct Config {
  std::string data_dir = "./data";
  journal::Durability durability = journal::Durability::kProcess;

  struct Otlp {
    std::string grpc = "127.0.0.1:4317";
    std::string http = "127.0.0.1:4318";
  } otlp;

  struct Http {
    std::string address = "127.0.0.1:8080";
    std::string public_url;                                   // empty: of the address
    std::vector<std::string> allowed_hosts, allowed_origins;  // of otlp.http too
  } http;

  struct ClickHouse {
    std::string url;  // empty: embedded
    std::string library;
    uint64_t memory_bytes_max = store::EmbeddedOptions{}.server_memory_bytes_max;
  } clickhouse;

  struct Retention {
    int64_t traces_nanos = 30 * kDayNanos;
    int64_t logs_nanos = 30 * kDayNanos;
    int64_t metrics_nanos = 90 * kDayNanos;
    int64_t rollups_nanos = 400 * kDayNanos;
    int64_t predictions_nanos = 90 * kDayNanos;
  } retention;

  struct Journal {
    uint64_t segment_bytes_max = journal::Options{}.segment_bytes_max;
    uint64_t bytes_max = journal::Options{}.journal_bytes_max;
  } journal;

  struct Limits {
    uint32_t recv_message_bytes_max = 64 << 20;
    uint64_t recv_decompressed_bytes_max = 64 << 20;
    uint32_t connections_max = 1024;
    uint64_t memory_bytes_max = 80 << 20;
    uint64_t disk_free_bytes_min = 1ULL << 30;
    uint64_t refused_bytes_max = 1ULL << 30;
    otlp::Limits items;
    int64_t future_time_max_nanos = kDayNanos;
    uint32_t metric_series_max = 10'000;  // 0: no limit
    uint32_t query_seconds_max = 30;
    uint64_t query_memory_bytes_max = 512 << 20;
    uint64_t query_result_rows_max = 1'000'000;
  } limits;

  struct Store {
    uint64_t block_rows_max = 50'000;
    uint64_t block_bytes_max = 25'000'000;
    int64_t block_age_max_nanos = kSecondNanos;
    std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes();
  } store;

  std::vector<otlp::PredictionRule> predictions = otlp::DefaultPredictionRules();
  otlp::SpanMetricsOptions span_metrics;

  struct Services {
    int64_t apdex_threshold_nanos = kSecondNanos / 2;
    std::vector<ServiceThreshold> apdex_thresholds;  // of services that have their own
  } services;

  struct Dashboards {
    std::string directory;  // empty: there are none from files
  } dashboards;

  struct Alerts {
    std::string directory;  // empty: there are none from files
  } alerts;

  struct Slos {
    std::string directory;  // empty: there are none from files
    int64_t interval_nanos = 60 * kSecondNanos;
  } slos;
  struct Notifications {
    int64_t timeout_nanos = 15 * kSecondNanos;
    std::string ca_file;
    uint32_t attempts_max = 12;
    int64_t retry_first_nanos = 5 * kSecondNanos, retry_max_nanos = 600 * kSecondNanos;
    int64_t keep_nanos = 30 * kDayNanos;
  } notifications;

  struct Forward {
    std::string endpoint;  // as forward::ParseEndpoint takes it; empty: not set
    forward::Protocol protocol = forward::Protocol::kAuto;
    std::vector<std::string> headers;  // "name=value"
    bool gzip = true;
    int64_t timeout_nanos = 10 * kSecondNanos;
    std::string tls_ca_file, tls_cert_file, tls_key_file;
    uint64_t request_bytes_max = 2 << 20;
    int64_t retry_interval_max_nanos = 30 * kSecondNanos;
    bool span_metrics = true;
    int64_t metrics_interval_nanos = 10 * kSecondNanos;
    uint32_t series_max = 10'000;
  } forward;  // of `sightline gateway`

  struct Log {
    LogFormat format = LogFormat::kText;
    LogLevel level = LogLevel::kInfo;
  } log;

  struct SelfMetrics {
    int64_t interval_nanos = 10 * kSecondNanos;  // 0: off
  } self_metrics;

  struct Sampling {
    std::optional<YamlNode> tail_sampling;  // as sample::ParseTailSampling takes it; not set: all spans are kept
    std::string source;                     // where it was set, as ConfigProblem::where: "sightline.yaml:3"; "" if not
    uint64_t memory_bytes_max = 256 << 20;
    uint64_t records_bytes_max = sample::DroppedTraces::Options{}.bytes_max;
  } sampling;
};

// Declares all keys; `config` must outlive the schema.
void BindConfig(ConfigSchema& schema, Config& config);

// A schema for Config, with the prefix of its variables.
ConfigSchema MakeConfigSchema();

// Values that cannot be together, and policies that do not compile. After a Load without problems.
std::vector<ConfigProblem> CheckConfig(const ConfigSchema& schema, const Config& config);

// The policies that the configuration names; null: all spans are kept.
Result<std::shared_ptr<const sample::PolicySet>> CompilePolicies(const Config& config);

// Where a gateway sends to; kInvalidArgument if that is not set or cannot be.
Result<forward::ExporterOptions> ForwardOptions(const Config& config);

// Fills `config`; empty when the program can start with it.
std::vector<ConfigProblem> LoadConfig(const ConfigSources& sources, Config& config);

}  // namespace sightline::cli
