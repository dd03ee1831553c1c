// What `sightline serve` and `sightline gateway` have in common: the options of shared parts, the data directory, what
// the process says about itself.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "cli/config.h"
#include "journal/journal.h"
#include "receive/receiver.h"
#include "sample/sampler.h"

namespace sightline::cli {

// Creates it if it is missing; its absolute path.
Result<std::string> MakeDataDirectory(const std::string& path);

// A restart is a new stream of cumulative counters, so the process is part of the name.
std::string InstanceId();

// `folder`: below the data directory.
journal::Options JournalOptionsOf(const Config& config, std::string_view folder);
sample::SamplerOptions SamplerOptionsOf(const Config& config);
receive::Receiver::Options ReceiverOptionsOf(const Config& config);

// `budget` must outlive the registry's readers.
void PublishProcessGauges(MetricsRegistry& metrics, const MemoryBudget& budget);

// Takes over the policies of a new configuration; what is invalid changes nothing, is logged and returned. `sampler` is
// null if nothing is sampled.
Result<void> ReloadPolicies(const Config& config, sample::Sampler* sampler);

}  // namespace sightline::cli
