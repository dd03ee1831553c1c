// What the program says about itself: health, readiness, its metrics, its status, the description of the API.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "serve/router.h"
#include "store/clickhouse.h"

namespace sightline::serve {

// What has come in over the receivers since the start.
struct ReceivedSignal {
  std::string signal;  // "traces", ...
  uint64_t items_accepted = 0, items_refused = 0;
  int64_t last_unix_nanos = 0;  // of the last accepted request; 0: none
};

struct ProgramStatus {
  std::string version;
  int64_t start_unix_nanos = 0;
  std::string otlp_grpc_address, otlp_http_address;
  std::string not_ready_reason;  // "": ready
  std::vector<ReceivedSignal> received;
};

// Called from any thread, and must not block.
using ProgramStatusProvider = std::function<ProgramStatus()>;

// openapi.yaml as it was built in.
std::string_view ApiDescription();

// Thread: any.
class ProgramApi {
 public:
  // What is borrowed must outlive it.
  ProgramApi(store::ClickHouse& clickhouse, std::string database, MetricsRegistry& metrics,
             ProgramStatusProvider program)
      : clickhouse_(clickhouse), database_(std::move(database)), metrics_(metrics), program_(std::move(program)) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Metrics(ApiCall& call);
  Result<void> Ready(ApiCall& call);
  Result<void> Status(ApiCall& call);

  store::ClickHouse& clickhouse_;
  const std::string database_;
  MetricsRegistry& metrics_;
  const ProgramStatusProvider program_;
};

}  // namespace sightline::serve
