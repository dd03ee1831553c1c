// Dashboards that are part of the program, for what the data has. Data: documents of src/serve/dashboards/ with what
// they need, and the names of what is stored -> which of them have something to show.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "query/fields.h"
#include "query/metrics.h"
#include "state/dashboard_document.h"
#include "store/clickhouse.h"

namespace sightline::serve {

// Name and text of each file, by name. Made by embed_dashboards.cmake.
std::vector<std::pair<std::string_view, std::string_view>> ReadyDashboardFiles();

struct ReadyDashboard {
  std::string name;
  state::DashboardDocument document;
  bool has_data = false;
};

// Thread: any.
class ReadyDashboards {
 public:
  // Both must outlive it.
  ReadyDashboards(query::MetricReader& metrics, query::FieldReader& fields, const Clock& clock);

  // In the order in which they are offered; that of the metrics that no other one shows is made of those that are
  // stored.
  Result<std::vector<ReadyDashboard>> List(store::Cancellation* cancellation);
  Result<state::DashboardDocument> Get(const std::string& name, store::Cancellation* cancellation);  // kNotFound

 private:
  // What is stored, by name. Asked for again after some seconds.
  struct Stored {
    std::vector<query::MetricInfo> metrics;
    std::vector<std::string> fields;  // of the newest spans, as TraceQL writes them
    bool spans = false, logs = false;
  };
  struct Entry {
    std::string name;
    state::DashboardDocument document;
    std::vector<std::string> metrics;  // any of them; "jvm.*": all that begin so
    std::vector<std::string> fields;   // any of them
    bool spans = false, logs = false;  // any of them is enough
  };
  Result<Stored> ReadStored(store::Cancellation* cancellation);
  static bool HasData(const Entry& entry, const Stored& stored);
  // No panels: there are no such metrics.
  Result<state::DashboardDocument> Custom(const Stored& stored) const;

  query::MetricReader& metrics_;
  query::FieldReader& fields_;
  const Clock& clock_;
  std::vector<Entry> entries_;
  std::mutex mutex_;
  Stored stored_;             // guarded by mutex_
  int64_t stored_until_ = 0;  // Unix nanoseconds; guarded by mutex_
};

}  // namespace sightline::serve
