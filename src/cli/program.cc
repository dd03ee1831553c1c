#include "cli/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "base/process.h"

namespace sightline::cli {
namespace {

// 0700: telemetry holds what users typed. One that is there and empty gets that mode too; of one that holds something
// it is only said, as others may be meant to read it.
void MakePrivate(const std::string& path) {
  struct stat status{};
  std::error_code error;
  if (stat(path.c_str(), &status) != 0 || (status.st_mode & 077) == 0) return;
  if (std::filesystem::is_empty(path, error) && !error && chmod(path.c_str(), 0700) == 0) return;
  Log(LogLevel::kWarning, "others may enter the data directory, which holds what users typed; chmod 700 keeps them out",
      {{"directory", path}, {"mode", fmt::format("{:04o}", status.st_mode & 07777)}});
}

}  // namespace

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
  MakePrivate(absolute.string());
  return absolute.lexically_normal().string();
}

std::string InstanceId() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return fmt::format("{}:{}", host.data(), getpid());
}

journal::Options JournalOptionsOf(const Config& config, std::string_view folder) {
  return {.directory = fmt::format("{}/{}", config.data_dir, folder),
          .durability = config.durability,
          .segment_bytes_max = config.journal.segment_bytes_max,
          .journal_bytes_max = config.journal.bytes_max};
}

sample::SamplerOptions SamplerOptionsOf(const Config& config) {
  return {.memory_bytes_max = config.sampling.memory_bytes_max,
          .shards = std::max(1U, std::thread::hardware_concurrency() / 2)};
}

receive::Receiver::Options ReceiverOptionsOf(const Config& config) {
  receive::Receiver::Options receive;
  receive.grpc_address = config.otlp.grpc;
  receive.http_address = config.otlp.http;
  receive.recv_message_bytes_max = config.limits.recv_message_bytes_max;
  receive.recv_decompressed_bytes_max = config.limits.recv_decompressed_bytes_max;
  receive.arriving_bytes_max = config.limits.memory_bytes_max;
  receive.connections_max = config.limits.connections_max;
  receive.allowed_hosts = config.http.allowed_hosts;
  receive.allowed_origins = config.http.allowed_origins;
  receive.limits = config.limits.items;
  receive.future_nanos_max = config.limits.future_time_max_nanos;
  return receive;
}

void PublishProcessGauges(MetricsRegistry& metrics, const MemoryBudget& budget) {
  metrics.SetGauge("process.memory.usage", "By", "Resident memory.", {},
                   [] { return static_cast<double>(ReadMemoryUse().rss_bytes); });
  metrics.SetGauge("process.memory.anonymous", "By", "Resident memory that no file backs.", {},
                   [] { return static_cast<double>(ReadMemoryUse().anonymous_bytes); });
  metrics.SetCounter("process.cpu.time", "s", "CPU time of all threads.", {}, [] { return CpuSeconds(); });
  metrics.SetGauge("sightline.memory_budget.used", "By", "Reserved by requests that are not yet stored.", {},
                   [&budget] { return static_cast<double>(budget.used()); });
  metrics.SetGauge("sightline.memory_budget.limit", "By", "limits.memory_bytes_max.", {},
                   [&budget] { return static_cast<double>(budget.bytes_max()); });
}

Result<void> ReloadPolicies(const Config& config, sample::Sampler* sampler) {
  if ((sampler != nullptr) != config.sampling.tail_sampling.has_value()) {
    constexpr std::string_view kMessage = "turning tail sampling on or off takes a restart; nothing has changed";
    Log(LogLevel::kWarning, kMessage);
    return Fail(Code::kFailedPrecondition, "{}", kMessage);
  }
  if (sampler == nullptr) return {};
  Result<std::shared_ptr<const sample::PolicySet>> policies = CompilePolicies(config);
  if (!policies) {
    Log(LogLevel::kError, "the policies of before stay", {{"error", policies.error().message}});
    return std::unexpected(policies.error());
  }
  const size_t count = (*policies)->policies().size();
  sampler->SetPolicies(*std::move(policies));
  Log(LogLevel::kInfo, "new policies of tail sampling", {{"policies", count}});
  return {};
}

}  // namespace sightline::cli
