#include "cli/server.h"

#include <chrono>
#include <map>
#include <memory>

#include "base/process.h"
#include "base/version.h"
#include "cli/program.h"
#include "store/remote_url.h"
#include "store/schema.h"

namespace sightline::cli {
namespace {

constexpr std::chrono::seconds kRegressionInterval{60};
constexpr std::chrono::seconds kTrimInterval{5};
constexpr std::chrono::seconds kLateTrimInterval{30};  // when the merges that a burst caused are done too
constexpr uint64_t kLargeCodeBytes = 64 << 20;
// Accepted and answered since the last time: less is not worth it, and a page that asks now and then keeps no memory.
constexpr uint64_t kTrimBytes = 16 << 20;
constexpr uint64_t kTrimQuestions = 16;
constexpr int kReceiverGraceSeconds = 2;
constexpr int kApiGraceSeconds = 1;
constexpr int64_t kDrainNanos = 6'000'000'000;
constexpr std::string_view kDatabaseDefault = "sightline";

// The one that the address of a remote ClickHouse names.
std::string DatabaseOf(const Config& config) {
  const Result<store::RemoteUrl> url = store::ParseRemoteUrl(config.clickhouse.url);
  return url && !url->database.empty() ? url->database : std::string(kDatabaseDefault);
}

Config WithAbsoluteDataDirectory(Config config, std::string directory) {
  config.data_dir = std::move(directory);
  return config;
}

int64_t SecondsOrForever(int64_t nanos) {
  return nanos == kForeverNanos ? store::kForever : nanos / kSecondNanos;
}

int64_t NanosOrForever(int64_t nanos) {
  return nanos == kForeverNanos ? 0 : nanos;
}

std::shared_ptr<otlp::MetricSeriesLimit> SeriesLimitOf(const Config& config) {
  const uint32_t series_max = config.limits.metric_series_max;
  return series_max == 0 ? nullptr : std::make_shared<otlp::MetricSeriesLimit>(series_max);
}

notify::DispatchOptions DispatchOptionsOf(const Config& config) {
  const Config::Notifications& from = config.notifications;
  notify::DispatchOptions options;
  options.send.public_url = config.http.public_url.empty() ? "http://" + config.http.address : config.http.public_url;
  while (options.send.public_url.ends_with('/')) options.send.public_url.pop_back();
  options.send.timeout_seconds = static_cast<int>(from.timeout_nanos / kSecondNanos);
  options.send.ca_file = from.ca_file;
  options.attempts_max = from.attempts_max;
  options.retry_first_nanos = from.retry_first_nanos;
  options.retry_max_nanos = from.retry_max_nanos;
  options.keep_nanos = from.keep_nanos;
  return options;
}

}  // namespace

Server::Server(Config config)
    : config_(std::move(config)),
      clock_(Clock::System()),
      start_unix_nanos_(clock_.UnixNanos()),
      budget_(config_.limits.memory_bytes_max) {}

Result<std::unique_ptr<Server>> Server::Start(Config config) {
  Result<std::string> directory = MakeDataDirectory(config.data_dir);
  if (!directory) return std::unexpected(directory.error());
  std::unique_ptr<Server> server(new Server(WithAbsoluteDataDirectory(std::move(config), *std::move(directory))));
  // The journal comes first: its lock is what keeps a second program out of the directory before anything is touched.
  SIGHTLINE_TRY(server->OpenStore());
  SIGHTLINE_TRY(server->OpenIngest());
  SIGHTLINE_TRY(server->OpenDoors());
  return server;
}

Result<void> Server::OpenStore() {
  auto journal = journal::Journal::Open(JournalOptionsOf(config_, "journal"), metrics_);
  if (!journal) return Wrap("open the journal", journal.error());
  journal_ = *std::move(journal);

  auto state = state::Database::Open(config_.data_dir + "/state.sqlite");
  if (!state) return Wrap("open the state", state.error());
  state_ = *std::move(state);
  views_ = std::make_unique<state::SavedViews>(*state_, clock_);
  dashboards_ = std::make_unique<state::Dashboards>(*state_, clock_);
  dashboard_files_ = std::make_unique<state::DashboardFiles>(config_.dashboards.directory);
  exception_decisions_ = std::make_unique<state::ExceptionDecisions>(*state_, clock_);

  notify_files_ = std::make_unique<notify::NotifyFiles>(config_.alerts.directory);
  notify_store_ = std::make_unique<notify::NotifyStore>(*state_, *notify_files_, clock_);
  dispatcher_ = std::make_unique<notify::Dispatcher>(DispatchOptionsOf(config_), *state_, *notify_store_, metrics_, clock_);

  Result<std::unique_ptr<store::ClickHouse>> clickhouse =
      config_.clickhouse.url.empty()
          ? store::OpenEmbedded({.data_directory = config_.data_dir + "/clickhouse",
                                 .library = config_.clickhouse.library,
                                 .server_memory_bytes_max = config_.clickhouse.memory_bytes_max})
          : store::OpenRemote({.url = config_.clickhouse.url});
  if (!clickhouse) return Wrap("open ClickHouse", clickhouse.error());
  clickhouse_ = *std::move(clickhouse);
  const Result<void> schema = store::OpenSchema(
      *clickhouse_, {.database = DatabaseOf(config_),
                     .retention_seconds = {SecondsOrForever(config_.retention.traces_nanos),
                                           SecondsOrForever(config_.retention.metrics_nanos),
                                           SecondsOrForever(config_.retention.logs_nanos)},
                     .rollup_retention_seconds = SecondsOrForever(config_.retention.rollups_nanos),
                     .prediction_retention_seconds = SecondsOrForever(config_.retention.predictions_nanos),
                     .future_seconds_max = config_.limits.future_time_max_nanos / kSecondNanos + 1,
                     .hot_attributes = config_.store.hot_attributes,
                     .fsync_inserts = config_.durability == journal::Durability::kDisk});
  if (!schema) return Wrap("open the schema", schema.error());
  return {};
}

Result<void> Server::OpenIngest() {
  store::IngestOptions options;
  options.database = DatabaseOf(config_);
  options.data_directory = config_.data_dir;
  options.disk_free_bytes_min = config_.limits.disk_free_bytes_min;
  options.refused_bytes_max = config_.limits.refused_bytes_max;
  options.retention_nanos = {NanosOrForever(config_.retention.traces_nanos),
                             NanosOrForever(config_.retention.metrics_nanos),
                             NanosOrForever(config_.retention.logs_nanos)};
  options.writer.block_rows_max = config_.store.block_rows_max;
  options.writer.block_bytes_max = config_.store.block_bytes_max;
  options.writer.block_age_nanos_max = config_.store.block_age_max_nanos;
  options.writer.builder = {.limits = config_.limits.items,
                            .future_nanos_max = config_.limits.future_time_max_nanos,
                            .hot_attributes = config_.store.hot_attributes,
                            .predictions = config_.predictions,
                            .span_metrics = config_.span_metrics,
                            .series_limit = SeriesLimitOf(config_)};
  Result<std::shared_ptr<const sample::PolicySet>> policies = CompilePolicies(config_);
  if (!policies) return Wrap("sampling.tail_sampling", policies.error());
  options.policies = *std::move(policies);
  options.sampler = SamplerOptionsOf(config_);
  Result<std::unique_ptr<sample::DroppedTraces>> dropped =
      sample::DroppedTraces::Open({config_.data_dir + "/dropped", config_.sampling.records_bytes_max}, metrics_);
  if (!dropped) return std::unexpected(dropped.error());
  dropped_traces_ = *std::move(dropped);
  options.sampler.dropped_traces = dropped_traces_.get();
  Result<std::unique_ptr<store::Ingest>> ingest =
      store::Ingest::Start(std::move(options), *journal_, *clickhouse_, budget_, metrics_, clock_);
  if (!ingest) return Wrap("finish what the last run left", ingest.error());
  ingest_ = *std::move(ingest);
  sampling_ = std::make_unique<SamplingControl>(config_, ingest_->sampler(), *journal_, *dropped_traces_, clock_);
  return {};
}

void Server::OpenSlos(serve::ApiOptions& api) {
  slo::ServiceOptions options;
  options.directory = config_.slos.directory;
  options.counter = {.database = api.database,
                     .hot_attributes = api.hot_attributes,
                     .minutes_kept_seconds = api.metrics_retention_seconds,
                     .sql = api.sql};
  slos_ = std::make_unique<slo::Service>(*state_, *clickhouse_, std::move(options), metrics_, clock_);
  burns_ = std::make_unique<BurnRates>(slos_->reader());
  api.slos = slos_.get();
}

Result<void> Server::OpenAlerting(serve::ApiOptions& api) {
  Alerting::Options alerts{.directory = config_.alerts.directory,
                           .query_nanos_max = config_.limits.query_seconds_max * kSecondNanos};
  alerts.queries = {.database = api.database,
                    .hot_attributes = api.hot_attributes,
                    .sql = api.sql,
                    .rollup_minute_seconds = api.metrics_retention_seconds};
  alerts.burns = burns_.get();
  alerts.sink = dispatcher_.get();
  alert_marks_ = std::make_unique<serve::NotificationMarks>(*notify_store_, clock_);
  alerts.marks = alert_marks_.get();
  Result<std::unique_ptr<Alerting>> alerting =
      Alerting::Open(std::move(alerts), *clickhouse_, *state_, metrics_, clock_);
  if (!alerting) return Wrap("read the states of alerts", alerting.error());
  alerting_ = *std::move(alerting);
  api.alerts.emplace(alerting_->parts());
  api.notify_store = notify_store_.get();
  api.dispatcher = dispatcher_.get();
  return {};
}

Result<void> Server::OpenDoors() {
  PublishProcessGauges(metrics_, budget_);
  serve::ApiOptions api;
  api.address = config_.http.address;
  api.sql = {.seconds_max = config_.limits.query_seconds_max,
             .memory_bytes_max = config_.limits.query_memory_bytes_max,
             .result_rows_max = config_.limits.query_result_rows_max};
  api.database = DatabaseOf(config_);
  api.metrics_retention_seconds = SecondsOrForever(config_.retention.metrics_nanos);
  Result<std::vector<otlp::HotAttribute>> hot_attributes = store::StoredHotAttributes(*clickhouse_, api.database);
  if (!hot_attributes) return Wrap("read the columns of hot attributes", hot_attributes.error());
  api.hot_attributes = *std::move(hot_attributes);
  api.apdex.default_nanos = config_.services.apdex_threshold_nanos;
  for (const ServiceThreshold& one : config_.services.apdex_thresholds) api.apdex.by_service[one.key] = one.nanos;
  api.sampling = sampling_.get();
  api.views = views_.get();
  api.dashboards = dashboards_.get();
  api.dashboard_files = dashboard_files_.get();
  api.exception_decisions = exception_decisions_.get();
  OpenSlos(api);
  SIGHTLINE_TRY(OpenAlerting(api));
  api.allowed_hosts = config_.http.allowed_hosts;
  api.allowed_origins = config_.http.allowed_origins;
  Result<std::unique_ptr<serve::ApiServer>> api_server =
      serve::ApiServer::Start(std::move(api), *clickhouse_, metrics_, [this] { return Status(); }, clock_);
  if (!api_server) return Wrap("open the HTTP API", api_server.error());
  api_ = *std::move(api_server);

  Result<std::unique_ptr<receive::Receiver>> receiver =
      receive::Receiver::Start(ReceiverOptionsOf(config_), *ingest_, budget_, metrics_, clock_);
  if (!receiver) return Wrap("open the OTLP endpoint", receiver.error());
  receiver_ = *std::move(receiver);

  self_exporter_ = std::make_unique<serve::SelfExporter>(
      serve::SelfExporter::Options{.interval_nanos = config_.self_metrics.interval_nanos,
                                   .version = std::string(Version()),
                                   .instance_id = InstanceId()},
      metrics_, *ingest_, budget_, clock_);
  watched_exceptions_ =
      std::make_unique<query::ExceptionReader>(*clickhouse_, exception_decisions_.get(), DatabaseOf(config_));
  regression_watch_ = std::make_unique<query::RegressionWatch>(*watched_exceptions_, *exception_decisions_, clock_,
                                                               kRegressionInterval);
  // The program's own metrics are work too, but too little of it to keep memory for.
  const auto activity = [this] { return ingest_->accepted_bytes() / kTrimBytes + api_->questions() / kTrimQuestions; };
  trimmer_ = std::make_unique<IdleTrimmer>(kTrimInterval, activity, [] { ReleaseFreeMemory(); });
  late_trimmer_ = std::make_unique<IdleTrimmer>(kLateTrimInterval, activity, [] {
    ReleaseFreeMemory();
    ReleaseCode(kLargeCodeBytes);
  });
  slos_->recorder().Start(config_.slos.interval_nanos);
  dispatcher_->Start(&alerting_->enricher());
  alerting_->Start();
  phase_.store(Phase::kReady, std::memory_order_release);
  return {};
}

// Called from the API's threads. The parts that it reads stay as they are while `phase_` is kReady.
serve::ProgramStatus Server::Status() const {
  serve::ProgramStatus status{.version = std::string(Version()), .start_unix_nanos = start_unix_nanos_};
  switch (phase_.load(std::memory_order_acquire)) {
    case Phase::kStarting:
      status.not_ready_reason = "starting";
      return status;
    case Phase::kStopping:
      status.not_ready_reason = "stopping";
      return status;
    case Phase::kReady:
      break;
  }
  status.otlp_grpc_address = receiver_->grpc_address();
  status.otlp_http_address = receiver_->http_address();
  std::map<std::string, uint64_t> refused;  // by signal
  for (const MetricsRegistry::Sample& sample : metrics_.Snapshot()) {
    if (sample.name != "sightline.receive.refused_items") continue;
    for (const auto& [key, value] : sample.labels) {
      if (key == "signal") refused[value] += static_cast<uint64_t>(sample.value);
    }
  }
  for (otlp::Signal signal : otlp::kSignals) {
    const store::Ingest::SignalStatus arrived = ingest_->status(signal);
    const std::string name(otlp::SignalName(signal));
    status.received.push_back({.signal = name,
                               .items_accepted = arrived.accepted_items,
                               .items_refused = refused[name],
                               .last_unix_nanos = arrived.last_received_unix_nanos});
  }
  return status;
}

void Server::Reload(const Config& config) {
  sampling_->Reload(config);
}

void Server::RefuseReload(std::string problem) {
  sampling_->Refuse(serve::PoliciesInForce::Origin::kConfiguration, std::move(problem));
}

bool Server::Stop() {
  phase_.store(Phase::kStopping, std::memory_order_release);
  alerting_->Stop();
  dispatcher_->Stop();
  self_exporter_.reset();
  regression_watch_.reset();
  slos_->recorder().Stop();
  receiver_->Stop(kReceiverGraceSeconds);
  const bool all_stored = ingest_->Drain(kDrainNanos);
  api_->Stop(kApiGraceSeconds);
  return all_stored;
}

}  // namespace sightline::cli
