#include "cli/sampling_control.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "cli/program.h"

namespace sightline::cli {
namespace {

using serve::PoliciesInForce;

// sample::DefaultPolicies, for people to copy.
constexpr std::string_view kDefaultDefinitions[] = {
    "{name: errors, type: error}",
    "{name: slow-roots, type: root_latency, root_latency: {threshold_ms: 1000}}",
    "{name: one-percent, type: probabilistic, probabilistic: {sampling_percentage: 1}}",
};

// One policy a line.
PoliciesInForce Describe(std::shared_ptr<const sample::PolicySet> policies, const YamlNode& node) {
  PoliciesInForce described{.policies = std::move(policies)};
  if (const YamlNode* list = node.Find("policies"); list != nullptr) {
    for (const YamlNode& policy : list->children) described.definitions.push_back(YamlFlow(policy));
  } else {
    described.definitions.assign(std::begin(kDefaultDefinitions), std::end(kDefaultDefinitions));
  }
  described.yaml = "tail_sampling:\n";
  for (const YamlNode& child : node.children) {
    if (child.key == "policies") continue;
    described.yaml += "  " + child.key + ": " + YamlFlow(child) + "\n";
  }
  described.yaml += "  policies:\n";
  for (const std::string& policy : described.definitions) described.yaml += "    - " + policy + "\n";
  return described;
}

// A pasted section may have the keys around it, or not.
const YamlNode& SectionIn(const YamlNode& tree) {
  const YamlNode* node = &tree;
  for (const char* key : {"sampling", "processors", "tail_sampling"}) {
    if (const YamlNode* inner = node->kind == YamlNode::Kind::kMap ? node->Find(key) : nullptr; inner != nullptr) {
      node = inner;
    }
  }
  return *node;
}

std::unexpected<Error> At(const YamlFault& fault) {
  return Fail(Code::kInvalidArgument, "{}:{}: {}", fault.line, fault.column, fault.message);
}

// The one that cannot be compiled, as its line is what people look for; 1 if they only fail together.
int LineAtFault(const sample::PolicyConfig& config) {
  for (const sample::PolicySpec& policy : config.policies) {
    sample::PolicyConfig alone;
    alone.policies.push_back(policy);
    if (!sample::PolicySet::Compile(alone)) return policy.line;
  }
  return 1;
}

Result<PoliciesInForce> Compile(std::string_view yaml) {
  const auto tree = ParseYaml(yaml);
  if (!tree) return At(tree.error());
  const YamlNode& node = SectionIn(*tree);
  if (node.kind != YamlNode::Kind::kMap) {
    return At(
        {std::max(1, node.line), std::max(1, node.column), "expected a tail_sampling section, found " + node.Found()});
  }
  const auto config = sample::ParseTailSampling(node);
  if (!config) return At(config.error());
  auto policies = sample::PolicySet::Compile(*config);
  if (!policies) return At({LineAtFault(*config), 1, policies.error().message});
  return Describe(*std::move(policies), node);
}

}  // namespace

SamplingControl::SamplingControl(const Config& config, sample::Sampler* sampler, const journal::Journal& journal,
                                 const sample::DroppedTraces& dropped, const Clock& clock)
    : sampler_(sampler),
      journal_(journal),
      dropped_(dropped),
      clock_(clock),
      memory_bytes_max_(config.sampling.memory_bytes_max),
      journal_bytes_max_(config.journal.bytes_max) {
  if (sampler_ == nullptr) return;
  in_force_ = Describe(sampler_->policies(), *config.sampling.tail_sampling);
  in_force_.place = config.sampling.source;
  in_force_.since_unix_nanos = clock_.UnixNanos();
}

void SamplingControl::Reload(const Config& config) {
  const std::lock_guard lock(mutex_);
  if (const Result<void> taken = ReloadPolicies(config, sampler_); !taken) {
    refused_ = {PoliciesInForce::Origin::kConfiguration, clock_.UnixNanos(), taken.error().message};
    return;
  }
  if (sampler_ == nullptr) return;
  in_force_ = Describe(sampler_->policies(), *config.sampling.tail_sampling);
  in_force_.place = config.sampling.source;
  in_force_.since_unix_nanos = clock_.UnixNanos();
  refused_.reset();
}

void SamplingControl::Refuse(PoliciesInForce::Origin origin, std::string message) {
  const std::lock_guard lock(mutex_);
  refused_ = {origin, clock_.UnixNanos(), std::move(message)};
}

serve::SamplingState SamplingControl::State() const {
  serve::SamplingState state;
  state.memory_bytes_max = memory_bytes_max_;
  state.journal_bytes = journal_.bytes_on_disk();
  state.journal_bytes_max = journal_bytes_max_;
  state.records = dropped_.status();
  if (sampler_ != nullptr) state.sampler = sampler_->status();
  const std::lock_guard lock(mutex_);
  state.in_force = in_force_;
  state.refused = refused_;
  return state;
}

Result<void> SamplingControl::SetPolicies(std::string_view yaml, bool check_only) {
  Result<PoliciesInForce> policies = Compile(yaml);
  if (!policies) {
    if (!check_only) Refuse(PoliciesInForce::Origin::kApi, policies.error().message);
    return std::unexpected(policies.error());
  }
  if (check_only) return {};
  if (sampler_ == nullptr) {
    return Fail(Code::kFailedPrecondition,
                "tail sampling is off, and turning it on takes a restart\nset sampling.tail_sampling in the "
                "configuration file");
  }
  const size_t count = policies->policies->policies().size();
  {
    const std::lock_guard lock(mutex_);
    sampler_->SetPolicies(policies->policies);
    in_force_ = *std::move(policies);
    in_force_.origin = PoliciesInForce::Origin::kApi;
    in_force_.since_unix_nanos = clock_.UnixNanos();
    refused_.reset();
  }
  Log(LogLevel::kInfo, "new policies of tail sampling, from the API", {{"policies", count}});
  return {};
}

std::optional<sample::DroppedTraces::Record> SamplingControl::FindDropped(std::string_view trace_id) const {
  return dropped_.Find(trace_id);
}

}  // namespace sightline::cli
