// All parts of `sightline serve` put together, in the order in which they start and the reverse order in which they
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
#include "cli/alerting.h"
#include "cli/burn_rates.h"
#include "cli/config.h"
#include "cli/idle_trimmer.h"
#include "cli/sampling_control.h"
#include "journal/journal.h"
#include "query/exceptions.h"
#include "query/regression_watch.h"
#include "notify/dispatcher.h"
#include "notify/notify_files.h"
#include "notify/store.h"
#include "receive/receiver.h"
#include "serve/api_server.h"
#include "serve/notification_marks.h"
#include "serve/self_export.h"
#include "slo/service.h"
#include "state/dashboard_files.h"
#include "state/dashboards.h"
#include "state/exception_decisions.h"
#include "state/saved_views.h"
#include "store/clickhouse.h"
#include "store/ingest.h"

namespace sightline::cli {

// Thread: main.
class Server {
 public:
  // Ready to receive when it returns: the store is open, what a crash left is stored, all ports listen.
  static Result<std::unique_ptr<Server>> Start(Config config);

  const receive::Receiver& receiver() const { return *receiver_; }
  const serve::ApiServer& api() const { return *api_; }

  // Takes over the policies of tail sampling; all else needs a restart.
  void Reload(const Config& config);
  // The configuration that was read again is wrong.
  void RefuseReload(std::string problem);

  // Stops receiving, then stores what was accepted. False if something is only in the journal: the next start stores
  // it.
  bool Stop();

 private:
  explicit Server(Config config);
  Result<void> OpenStore();
  Result<void> OpenIngest();
  void OpenSlos(serve::ApiOptions& api);
  Result<void> OpenAlerting(serve::ApiOptions& api);
  Result<void> OpenDoors();
  serve::ProgramStatus Status() const;

  const Config config_;
  const Clock& clock_;
  const int64_t start_unix_nanos_;
  enum class Phase : uint8_t { kStarting, kReady, kStopping };
  std::atomic<Phase> phase_ = Phase::kStarting;
  MetricsRegistry metrics_;
  MemoryBudget budget_;
  // In order of construction; each may use those above it.
  std::unique_ptr<store::ClickHouse> clickhouse_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<state::Database> state_;
  std::unique_ptr<state::SavedViews> views_;
  std::unique_ptr<state::Dashboards> dashboards_;
  std::unique_ptr<state::DashboardFiles> dashboard_files_;
  std::unique_ptr<state::ExceptionDecisions> exception_decisions_;
  std::unique_ptr<slo::Service> slos_;
  std::unique_ptr<BurnRates> burns_;
  std::unique_ptr<notify::NotifyFiles> notify_files_;
  std::unique_ptr<notify::NotifyStore> notify_store_;
  std::unique_ptr<notify::Dispatcher> dispatcher_;
  std::unique_ptr<serve::NotificationMarks> alert_marks_;
  std::unique_ptr<sample::DroppedTraces> dropped_traces_;
  std::unique_ptr<store::Ingest> ingest_;
  std::unique_ptr<SamplingControl> sampling_;
  std::unique_ptr<Alerting> alerting_;
  std::unique_ptr<serve::ApiServer> api_;
  std::unique_ptr<receive::Receiver> receiver_;
  std::unique_ptr<serve::SelfExporter> self_exporter_;
  std::unique_ptr<query::ExceptionReader> watched_exceptions_;
  std::unique_ptr<query::RegressionWatch> regression_watch_;
  std::unique_ptr<IdleTrimmer> trimmer_, late_trimmer_;
};

}  // namespace sightline::cli
