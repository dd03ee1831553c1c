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
// Not serve's: the two may share a data directory, and what waits for the one is nothing for the other.
constexpr std::string_view kJournalFolder = "gateway-journal", kOutboxFolder = "gateway-outbox";
// Of journal.bytes_max: a segment, as only whole ones can go; and what the journal keeps for counts that are not yet in
// the outbox.
constexpr uint64_t kSegmentShare = 16, kCountedShare = 16;

// Spans that wait for decisions and what waits for the backend share the disk, but neither takes the last quarter from
// the other: so decisions go on while the outbox is full, and what is decided has a place to go.
uint64_t ShareOf(uint64_t bytes_max) {
  return bytes_max / 4 * 3;
}

}  // namespace

Gateway::Gateway(Config config)
    : config_(std::move(config)),
      clock_(Clock::System()),
      budget_(config_.limits.memory_bytes_max),
      disk_budget_(config_.journal.bytes_max) {}

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
  Result<std::shared_ptr<const sample::PolicySet>> policies = CompilePolicies(config_);
  if (!policies) return Wrap("sampling.tail_sampling", policies.error());
  SIGHTLINE_TRY(OpenJournals(*policies != nullptr));
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
  options.policies = *std::move(policies);
  options.sampler = SamplerOptionsOf(config_);
  // Half, because the marks of kept spans come to it: a decided frame should be one request.
  options.sampler.decided_bytes_max = config_.forward.request_bytes_max / 2;
  auto intake = forward::Intake::Start(std::move(options), {*journal_, *outbox_}, budget_, metrics_, clock_);
  if (!intake) return Wrap("take up what the last run left", intake.error());
  intake_ = *std::move(intake);
  return {};
}

Result<void> Gateway::OpenJournals(bool samples) {
  const auto open = [&](std::string_view folder, const char* name, uint64_t bytes_max) {
    journal::Options options = JournalOptionsOf(config_, folder);
    options.segment_bytes_max = std::min(options.segment_bytes_max, config_.journal.bytes_max / kSegmentShare);
    options.journal_bytes_max = bytes_max;
    options.shared_budget = &disk_budget_;
    options.name = name;
    return journal::Journal::Open(std::move(options), metrics_);
  };
  const uint64_t bytes_max = config_.journal.bytes_max;
  auto journal = open(kJournalFolder, "undecided", ShareOf(bytes_max));
  if (!journal) return Wrap("open the journal", journal.error());
  journal_ = *std::move(journal);
  auto outbox = open(kOutboxFolder, "outbox", samples ? ShareOf(bytes_max) : bytes_max);
  if (!outbox) return Wrap("open the outbox", outbox.error());
  outbox_ = *std::move(outbox);
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
