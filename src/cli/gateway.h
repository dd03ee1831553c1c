// All parts of `sightline gateway` put together, in the order in which they start and the reverse order in which they
// stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "cli/config.h"
#include "cli/idle_trimmer.h"
#include "forward/intake.h"
#include "journal/journal.h"
#include "net/http_server.h"
#include "receive/receiver.h"
#include "serve/self_export.h"

namespace sightline::cli {

// Thread: main.
class Gateway {
 public:
  // Ready to receive when it returns.
  static Result<std::unique_ptr<Gateway>> Start(Config config);

  std::string grpc_address() const { return receiver_->grpc_address(); }
  std::string otlp_http_address() const { return receiver_->http_address(); }
  std::string http_address() const { return health_->address(); }

  // Takes over the policies of tail sampling; all else needs a restart.
  void Reload(const Config& config);

  // Stops receiving, then sends what was kept. False if something is only in the journal: the next start sends it.
  bool Stop();

 private:
  explicit Gateway(Config config);
  Result<void> OpenIntake();
  Result<void> OpenJournals(bool samples);
  Result<void> OpenDoors();

  const Config config_;
  const Clock& clock_;
  enum class Phase : uint8_t { kStarting, kReady, kStopping };
  std::atomic<Phase> phase_ = Phase::kStarting;
  MetricsRegistry metrics_;
  MemoryBudget budget_;
  journal::DiskBudget disk_budget_;
  // In order of construction; each may use those above it.
  std::unique_ptr<journal::Journal> journal_, outbox_;
  std::unique_ptr<forward::Intake> intake_;
  std::unique_ptr<net::HttpServer> health_;
  std::unique_ptr<receive::Receiver> receiver_;
  std::unique_ptr<serve::SelfExporter> self_exporter_;
  std::unique_ptr<IdleTrimmer> trimmer_;
};

}  // namespace sightline::cli
