// Dashboards that people make, and the links by which they show them to others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "state/dashboard_document.h"
#include "state/database.h"

namespace sightline::state {

inline constexpr size_t kDashboardsMax = 1000;
inline constexpr size_t kDeletedDashboardsMax = 100;
inline constexpr int64_t kDeletedKeptNanos = 30 * 86'400'000'000'000;
inline constexpr size_t kSharesMax = 100;  // of a dashboard
inline constexpr size_t kShareStateBytesMax = 16 << 10;

struct Dashboard {
  int64_t id = 0;
  int64_t version = 0;  // from 1 on, one more with each change
  int64_t created_unix_nanos = 0, updated_unix_nanos = 0;
  DashboardDocument document;
};

struct DashboardShare {
  std::string token;      // 32 hexadecimal digits of 128 random bits
  std::string dashboard;  // the id that the API gives it
  std::string state;      // time range and values of variables, as the UI writes them: the query of a URL
  int64_t created_unix_nanos = 0;
};

// Thread: any.
class Dashboards {
 public:
  // What is borrowed must outlive it.
  explicit Dashboards(Database& database, const Clock& clock = Clock::System()) : database_(database), clock_(clock) {}

  Result<std::vector<Dashboard>> List();  // by title
  Result<Dashboard> Get(int64_t id);      // kNotFound

  // kInvalidArgument: the document is wrong ("panels[3].display: …"); kResourceExhausted: there are kDashboardsMax.
  Result<Dashboard> Create(std::string_view document);
  // As Create, and: kNotFound; kFailedPrecondition: somebody else has changed it since `version`.
  Result<Dashboard> Update(int64_t id, int64_t version, std::string_view document);
  // Its links end with it, and can be restored with it for kDeletedKeptNanos: the last kDeletedDashboardsMax can.
  Result<void> Delete(int64_t id, int64_t version);
  // As it was when it was deleted; one that is there stays. kNotFound; kResourceExhausted.
  Result<Dashboard> Restore(int64_t id);

  // Newest first.
  Result<std::vector<DashboardShare>> Shares(const std::string& dashboard);
  // Whether there is such a dashboard is the caller's to know. kInvalidArgument: too long a state; kResourceExhausted.
  Result<DashboardShare> Share(const std::string& dashboard, const std::string& state);
  Result<DashboardShare> FindShare(const std::string& token);  // kNotFound
  Result<void> Revoke(const std::string& token);               // kNotFound

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace sightline::state
