// Versions of a service: which ran when, how each did, and when another one was deployed. Data: stored spans by
// resource -> ClickHouse -> versions, changes of version.
//
// A version is deployed when it is first seen after others, or comes back after others ran without it. While instances
// roll, both are seen: that is one deployment. A pause without any traffic is none, nor is one of a version that has
// little traffic: the same process that goes on says so by its resource.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kActivitySlots = 400;             // of a range and the time before it
inline constexpr uint32_t kVersionedResourcesMax = 20'000;  // that were seen last
inline constexpr uint32_t kInstancesMax = 200;
inline constexpr int64_t kVersionGoneNanos = 600'000'000'000;  // unseen for as long, it may have been replaced

// When one resource of a service sent spans.
struct ResourceActivity {
  std::string version, instance;  // "": not named
  std::string resource_id;
  int64_t first_unix_nanos = 0;
  std::vector<uint32_t> slots;  // of the time that was looked at, ascending
};

struct Deployment {
  std::string version, previous;  // previous: which was seen last before
  int64_t unix_nanos = 0;
};

// By time. `begin_unix_nanos` and `slot_nanos` say what the slots are.
std::vector<Deployment> FindDeployments(std::vector<ResourceActivity> activities, int64_t begin_unix_nanos,
                                        int64_t slot_nanos);

struct DeploymentSearch {
  std::string service;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to)
};

struct ServiceFigures {
  int64_t first_unix_nanos = 0, last_unix_nanos = 0;  // within the range
  double calls = 0, errors = 0;                       // entry spans, by their AdjustedCount
  double p50_nanos = 0, p90_nanos = 0, p95_nanos = 0, p99_nanos = 0;
};

struct ServiceVersion : ServiceFigures {
  std::string version;  // "": spans that name none
  uint64_t instances = 0;
};

// Processes, pods or hosts, as resources name them.
struct ServiceInstance : ServiceFigures {
  std::string instance, version;
};

struct ServiceVersions {
  std::vector<ServiceVersion> versions;    // the one seen last first
  std::vector<ServiceInstance> instances;  // that are named, most calls first, at most kInstancesMax
  std::vector<Deployment> deployments;     // within the range, by time
  bool is_estimate = false;                // some of the spans stand for others
  store::QueryStats scanned;
};

// Thread: any.
class DeploymentReader {
 public:
  // `source` must outlive it.
  explicit DeploymentReader(ItemSource& source) : source_(source) {}

  // kInvalidArgument: an empty range.
  Result<ServiceVersions> Read(const DeploymentSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
