#include "cli/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/log.h"
#include "base/process.h"
#include "base/version.h"
#include "store/schema.h"

namespace sightline::cli {
namespace {

constexpr int kReceiverGraceSeconds = 2;
constexpr int64_t kDrainNanos = 6'000'000'000;
constexpr std::string_view kDatabase = "sightline";

// 0700: telemetry holds what users typed. An existing directory keeps its mode.
Result<std::string> MakeDataDirectory(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (!error && absolute.has_parent_path()) std::filesystem::create_directories(absolute.parent_path(), error);
  if (error) return Fail(Code::kFailedPrecondition, "data directory {}: {}", path, error.message());
  if (mkdir(absolute.c_str(), 0700) != 0 && errno != EEXIST) {
    return Fail(Code::kFailedPrecondition, "data directory {}: {}", path, std::strerror(errno));
  }
  if (access(absolute.c_str(), R_OK | W_OK | X_OK) != 0) {
    return Fail(Code::kFailedPrecondition, "data directory {}: {}", path, std::strerror(errno));
  }
  return absolute.lexically_normal().string();
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

}  // namespace

Server::Server(Config config)
    : config_(std::move(config)), clock_(Clock::System()), budget_(config_.limits.memory_bytes_max) {}

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
  Result<std::unique_ptr<journal::Journal>> journal =
      journal::Journal::Open({.directory = config_.data_dir + "/journal",
                              .durability = config_.durability,
                              .segment_bytes_max = config_.journal.segment_bytes_max,
                              .journal_bytes_max = config_.journal.bytes_max},
                             metrics_);
  if (!journal) return Wrap("open the journal", journal.error());
  journal_ = *std::move(journal);

  Result<std::unique_ptr<store::ClickHouse>> clickhouse =
      config_.clickhouse.url.empty()
          ? store::OpenEmbedded({.data_directory = config_.data_dir + "/clickhouse",
                                 .library = config_.clickhouse.library,
                                 .server_memory_bytes_max = config_.clickhouse.memory_bytes_max})
          : store::OpenRemote({.url = config_.clickhouse.url});
  if (!clickhouse) return Wrap("open ClickHouse", clickhouse.error());
  clickhouse_ = *std::move(clickhouse);
  const Result<void> schema =
      store::OpenSchema(*clickhouse_, {.database = std::string(kDatabase),
                                       .retention_seconds = {SecondsOrForever(config_.retention.traces_nanos),
                                                             SecondsOrForever(config_.retention.metrics_nanos),
                                                             SecondsOrForever(config_.retention.logs_nanos)},
                                       .hot_attributes = config_.store.hot_attributes,
                                       .fsync_inserts = config_.durability == journal::Durability::kDisk});
  if (!schema) return Wrap("open the schema", schema.error());
  return {};
}

Result<void> Server::OpenIngest() {
  store::IngestOptions options;
  options.database = kDatabase;
  options.data_directory = config_.data_dir;
  options.disk_free_bytes_min = config_.limits.disk_free_bytes_min;
  options.retention_nanos = {NanosOrForever(config_.retention.traces_nanos),
                             NanosOrForever(config_.retention.metrics_nanos),
                             NanosOrForever(config_.retention.logs_nanos)};
  options.writer.block_rows_max = config_.store.block_rows_max;
  options.writer.block_bytes_max = config_.store.block_bytes_max;
  options.writer.block_age_nanos_max = config_.store.block_age_max_nanos;
  options.writer.builder = {.limits = config_.limits.items,
                            .future_nanos_max = config_.limits.future_time_max_nanos,
                            .hot_attributes = config_.store.hot_attributes};
  Result<std::unique_ptr<store::Ingest>> ingest =
      store::Ingest::Start(std::move(options), *journal_, *clickhouse_, budget_, metrics_, clock_);
  if (!ingest) return Wrap("finish what the last run left", ingest.error());
  ingest_ = *std::move(ingest);
  return {};
}

void Server::PublishProcessGauges() {
  metrics_.SetGauge("process.memory.usage", "By", "Resident memory.", {},
                    [] { return static_cast<double>(ReadMemoryUse().rss_bytes); });
  metrics_.SetGauge("process.memory.anonymous", "By", "Resident memory that no file backs.", {},
                    [] { return static_cast<double>(ReadMemoryUse().anonymous_bytes); });
  metrics_.SetGauge("process.cpu.time", "s", "CPU time of all threads.", {}, [] { return CpuSeconds(); });
  metrics_.SetGauge("sightline.memory_budget.used", "By", "Reserved by requests that are not yet stored.", {},
                    [this] { return static_cast<double>(budget_.used()); });
  metrics_.SetGauge("sightline.memory_budget.limit", "By", "limits.memory_bytes_max.", {},
                    [this] { return static_cast<double>(budget_.bytes_max()); });
}

bool Server::Stop() {
  self_exporter_.reset();
  receiver_->Stop(kReceiverGraceSeconds);
  const bool all_stored = ingest_->Drain(kDrainNanos);
  api_->Stop();
  return all_stored;
}

}  // namespace sightline::cli
