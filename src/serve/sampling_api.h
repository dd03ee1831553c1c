// Tail sampling: what is in force and how it does now, what it kept, how that went over time; and new policies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "query/sampling.h"
#include "sample/dropped_traces.h"
#include "sample/policy_set.h"
#include "sample/sampler.h"
#include "serve/router.h"

namespace sightline::serve {

// Policies as they were given. Null `policies`: every span is kept.
struct PoliciesInForce {
  enum class Origin : uint8_t { kConfiguration, kApi };

  std::shared_ptr<const sample::PolicySet> policies;
  std::string yaml;                      // the tail_sampling section, with the default policies written out
  std::vector<std::string> definitions;  // of each of policies->config().policies, as YAML on one line
  Origin origin = Origin::kConfiguration;
  std::string place;  // of the configuration: "sightline.yaml:3", "" for none; of the API: ""
  int64_t since_unix_nanos = 0;
};

// New policies that were refused, so that the old ones stayed.
struct RefusedPolicies {
  PoliciesInForce::Origin origin = PoliciesInForce::Origin::kConfiguration;
  int64_t unix_nanos = 0;
  std::string message;
};

struct SamplingState {
  PoliciesInForce in_force;
  std::optional<RefusedPolicies> refused;  // since the last change
  sample::Sampler::Status sampler;
  uint64_t memory_bytes_max = 0;
  uint64_t journal_bytes = 0, journal_bytes_max = 0;
  sample::DroppedTraces::Status records;
};

// What the program lets the API do with its sampler. Thread: any.
class SamplingControl {
 public:
  virtual ~SamplingControl() = default;
  virtual SamplingState State() const = 0;
  // `yaml`: a tail_sampling section, with or without the keys around it. Takes effect for what comes and for what waits
  // unless `check_only`. kInvalidArgument, "line:column: …": nothing has changed; kFailedPrecondition: sampling is off.
  virtual Result<void> SetPolicies(std::string_view yaml, bool check_only) = 0;
  virtual std::optional<sample::DroppedTraces::Record> FindDropped(std::string_view trace_id) const = 0;
};

// Thread: any.
class SamplingApi {
 public:
  // Both must outlive it; `control` may be null while there is none (tests): then everything is kept.
  SamplingApi(query::SamplingReader& reader, SamplingControl* control, MetricsRegistry& metrics)
      : reader_(reader), control_(control), metrics_(metrics) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> State(ApiCall& call);
  Result<void> Totals(ApiCall& call);
  Result<void> History(ApiCall& call);
  Result<void> SetPolicies(ApiCall& call);

  query::SamplingReader& reader_;
  SamplingControl* const control_;
  MetricsRegistry& metrics_;
};

}  // namespace sightline::serve
