#include "cli/gateway.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "base/process.h"
#include "base/version.h"
#include "cli/health_server.h"
#include "cli/program.h"

namespace sightline::cli {
namespace {

constexpr std::chrono::seconds kTrimInterval{5};
constexpr uint64_t kTrimBytes = 16 << 20;  // accepted since the last time: less is not worth it
constexpr int kReceiverGraceSeconds = 2;
constexpr int kHealthGraceSeconds = 1;
constexpr int64_t kDrainNanos = 5'000'000'000;
constexpr uint64_t kCountedShare = 16;  // of the journal, for what is counted and not yet sent
// Not serve's: the two may share a data directory, and what waits for the one is nothing for the other.
constexpr std::string_view kJournalFolder = "gateway-journal";

}  // namespace

Gateway::Gateway(Config config)
    : config_(std::move(config)), clock_(Clock::System()), budget_(config_.limits.memory_bytes_max) {}

Result<std::unique_ptr<Gateway>> Gateway::Start(Config config) {
  Result<std::string> directory = MakeDataDirectory(config.data_dir);
  if (!directory) return std::unexpected(directory.error());
  config.data_dir = *std::move(directory);
  std::unique_ptr<Gateway> gateway(new Gateway(std::move(config)));
  SIGHTLINE_TRY(gateway->OpenIntake());
  SIGHTLINE_TRY(gateway->OpenDoors());
  return gateway;
}

Result<void> Gateway::OpenIntake() {
  auto journal = journal::Journal::Open(JournalOptionsOf(config_, kJournalFolder), metrics_);
  if (!journal) return Wrap("open the journal", journal.error());
  journal_ = *std::move(journal);

  Result<forward::ExporterOptions> exporter = ForwardOptions(config_);
  if (!exporter) return std::unexpected(exporter.error());
  forward::IntakeOptions options;
  options.data_directory = config_.data_dir;
  options.disk_free_bytes_min = config_.limits.disk_free_bytes_min;
  options.exporter = *std::move(exporter);
  options.queue.request_bytes_max = config_.forward.request_bytes_max;
  options.queue.retry_nanos_max = config_.forward.retry_interval_max_nanos;
  options.counts.enabled = config_.forward.span_metrics;
  options.counts.interval_nanos = config_.forward.metrics_interval_nanos;
  options.counts.bytes_max = std::min<uint64_t>(options.counts.bytes_max, config_.journal.bytes_max / kCountedShare);
  options.counts.series_max = config_.forward.series_max;
  options.counts.dimensions = config_.span_metrics.dimensions;
  options.counts.instance_id = InstanceId();
  Result<std::shared_ptr<const sample::PolicySet>> policies = CompilePolicies(config_);
  if (!policies) return Wrap("sampling.tail_sampling", policies.error());
  options.policies = *std::move(policies);
  options.sampler = SamplerOptionsOf(config_);
  // Half, because the marks of kept spans come to it: a decided frame should be one request.
  options.sampler.decided_bytes_max = config_.forward.request_bytes_max / 2;
  auto intake = forward::Intake::Start(std::move(options), *journal_, budget_, metrics_, clock_);
  if (!intake) return Wrap("take up what the last run left", intake.error());
  intake_ = *std::move(intake);
  return {};
}

Result<void> Gateway::OpenDoors() {
  PublishProcessGauges(metrics_, budget_);
  auto health = StartHealthServer({.address = config_.http.address,
                                   .allowed_hosts = config_.http.allowed_hosts,
                                   .allowed_origins = config_.http.allowed_origins},
                                  metrics_, [this]() -> std::string {
                                    const Phase phase = phase_.load(std::memory_order_acquire);
                                    if (phase == Phase::kReady) return "";
                                    return phase == Phase::kStarting ? "starting" : "stopping";
                                  });
  if (!health) return Wrap("open the HTTP address", health.error());
  health_ = *std::move(health);

  auto receiver = receive::Receiver::Start(ReceiverOptionsOf(config_), *intake_, budget_, metrics_, clock_);
  if (!receiver) return Wrap("open the OTLP endpoint", receiver.error());
  receiver_ = *std::move(receiver);

  self_exporter_ = std::make_unique<serve::SelfExporter>(
      serve::SelfExporter::Options{.interval_nanos = config_.self_metrics.interval_nanos,
                                   .version = std::string(Version()),
                                   .instance_id = InstanceId()},
      metrics_, *intake_, budget_, clock_);
  trimmer_ = std::make_unique<IdleTrimmer>(
      kTrimInterval, [this] { return intake_->accepted_bytes() / kTrimBytes; }, [] { ReleaseFreeMemory(); });
  phase_.store(Phase::kReady, std::memory_order_release);
  return {};
}

void Gateway::Reload(const Config& config) {
  (void)ReloadPolicies(config, intake_->sampler());  // it is in the log
}

bool Gateway::Stop() {
  phase_.store(Phase::kStopping, std::memory_order_release);
  self_exporter_.reset();
  receiver_->Stop(kReceiverGraceSeconds);
  const bool all_sent = intake_->Drain(kDrainNanos);
  health_->Stop(kHealthGraceSeconds);
  return all_sent;
}

}  // namespace sightline::cli
