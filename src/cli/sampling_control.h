// The policies of tail sampling in force: which, since when, from where, and what was refused since. Data: the
// configuration (at the start and on SIGHUP) or the API -> compiled policies -> the sampler.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/yaml.h"
#include "cli/config.h"
#include "journal/journal.h"
#include "sample/dropped_traces.h"
#include "sample/sampler.h"
#include "serve/sampling_api.h"

namespace sightline::cli {

// The configuration is the truth: what the API sets holds until the next SIGHUP or start. Thread: any.
class SamplingControl final : public serve::SamplingControl {
 public:
  // `sampler` null: every span is kept. What is borrowed must outlive it. `config` was checked.
  SamplingControl(const Config& config, sample::Sampler* sampler, const journal::Journal& journal,
                  const sample::DroppedTraces& dropped, const Clock& clock);

  // From a checked configuration that was read again.
  void Reload(const Config& config);
  // One that was not taken over.
  void Refuse(serve::PoliciesInForce::Origin origin, std::string message);

  serve::SamplingState State() const override;
  Result<void> SetPolicies(std::string_view yaml, bool check_only) override;
  std::optional<sample::DroppedTraces::Record> FindDropped(std::string_view trace_id) const override;

 private:
  sample::Sampler* const sampler_;
  const journal::Journal& journal_;
  const sample::DroppedTraces& dropped_;
  const Clock& clock_;
  const uint64_t memory_bytes_max_, journal_bytes_max_;

  mutable std::mutex mutex_;
  serve::PoliciesInForce in_force_;                // guarded by mutex_
  std::optional<serve::RefusedPolicies> refused_;  // guarded by mutex_
};

}  // namespace sightline::cli
