#include "sample/policy_set.h"

#include <algorithm>

#include "sample/policy_program.h"

namespace sightline::sample {
namespace {

// The smaller of two times of which 0 means that nobody knows.
uint64_t Earlier(uint64_t a, uint64_t b) {
  return std::min(a - 1, b - 1) + 1;
}

}  // namespace

PolicySet::PolicySet(std::unique_ptr<const internal::PolicyProgram> program) : program_(std::move(program)) {}
PolicySet::~PolicySet() = default;

Result<std::shared_ptr<const PolicySet>> PolicySet::Compile(const PolicyConfig& config) {
  auto program = internal::CompilePolicies(config);
  if (!program) return std::unexpected(program.error());
  return std::shared_ptr<const PolicySet>(new PolicySet(*std::move(program)));
}

const std::vector<PolicySet::Policy>& PolicySet::policies() const {
  return program_->policies;
}

const PolicyConfig& PolicySet::config() const {
  return program_->config;
}

const PolicyNeeds& PolicySet::Needs() const {
  return program_->needs;
}

ResourceMatch PolicySet::MatchResource(std::string_view resource) const {
  ResourceMatch match;
  program_->MatchResource(resource, match);
  return match;
}

SpanMatch PolicySet::MatchSpan(const SpanFacts& facts, const ResourceMatch& resource) const {
  const internal::PolicyProgram& program = *program_;
  SpanMatch match;
  match.bits = resource.bits;
  if (facts.status < 3) match.bits |= program.status_bits[facts.status];
  if ((facts.flags & 1) != 0) match.bits |= program.sampled_flag_bits;
  if (facts.http_status >= 500) match.bits |= program.error_bits;
  if (facts.is_root) {
    for (const internal::RootLatencyPredicate& predicate : program.root_latencies) {
      if (facts.end_unix_nanos > facts.start_unix_nanos && facts.start_unix_nanos != 0 &&
          static_cast<int64_t>((facts.end_unix_nanos - facts.start_unix_nanos) / 1'000'000) > predicate.threshold_ms) {
        program.SetBit(match, predicate.bit);
      }
    }
  }
  if (!program.trace_states.empty() && !facts.trace_state.empty()) program.MatchTraceState(facts.trace_state, match);
  if (!resource.words.empty()) {
    match.more = std::make_unique<MatchMore>();
    match.more->words = resource.words;
  }
  const bool reads_http_status =
      facts.http_status == SpanFacts::kHttpStatusUnread && (program.error_bits & ~match.bits) != 0;
  if (program.needs.span_bytes || (reads_http_status && !facts.span.empty())) {
    program.MatchBytes(facts, resource, match);
  }
  return match;
}

void PolicySet::AddSpan(TraceState& state, const SpanTimes& span, const SpanMatch& match) const {
  if (state.spans++ == 0) state.trace_id = span.trace_id;
  state.bits |= match.bits;
  state.start_unix_nanos = Earlier(state.start_unix_nanos, span.start_unix_nanos);
  state.end_unix_nanos = std::max(state.end_unix_nanos, span.end_unix_nanos);
  state.bytes += span.bytes;
  if (match.more) program_->FoldMore(state, *match.more);
}

void PolicySet::AddSpan(TraceState& state, const SpanFacts& facts, const ResourceMatch& resource) const {
  AddSpan(state, {facts.trace_id, facts.start_unix_nanos, facts.end_unix_nanos, facts.bytes},
          MatchSpan(facts, resource));
}

Decision PolicySet::Decide(const TraceState& state, const DecisionContext& context) const {
  return internal::Evaluation(*program_, state, context).Run();
}

}  // namespace sightline::sample
