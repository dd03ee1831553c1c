// Which spans are recorded. https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampling
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "otel/attributes.h"
#include "otel/context.h"
#include "otel/trace.h"

namespace otel {

enum class SamplingDecision : uint8_t { kDrop, kRecordOnly, kRecordAndSample };

// Borrowed for the call.
struct SamplingParameters {
  const Context& parent;  // its span is not valid for a root
  const TraceId& trace_id;
  std::string_view name;
  SpanKind kind;
  AttributesView attributes;
  LinksView links;
};

struct SamplingResult {
  SamplingDecision decision = SamplingDecision::kDrop;
  Attributes attributes = {};  // are added to the span
  TraceState trace_state = {};
};

// Thread: any, several at once.
class Sampler {
 public:
  virtual ~Sampler() = default;

  virtual SamplingResult ShouldSample(const SamplingParameters& parameters) const = 0;
  virtual std::string Description() const = 0;
};

std::shared_ptr<const Sampler> AlwaysOnSampler();
std::shared_ptr<const Sampler> AlwaysOffSampler();
// The part `ratio` of all traces, between 0 and 1, chosen by the trace id as the SDKs for Go and Python choose.
std::shared_ptr<const Sampler> TraceIdRatioBasedSampler(double ratio);

// Decides as the parent was decided; the root decides itself.
struct ParentBasedOptions {
  std::shared_ptr<const Sampler> root = AlwaysOnSampler();
  std::shared_ptr<const Sampler> remote_parent_sampled = AlwaysOnSampler();
  std::shared_ptr<const Sampler> remote_parent_not_sampled = AlwaysOffSampler();
  std::shared_ptr<const Sampler> local_parent_sampled = AlwaysOnSampler();
  std::shared_ptr<const Sampler> local_parent_not_sampled = AlwaysOffSampler();
};
std::shared_ptr<const Sampler> ParentBasedSampler(ParentBasedOptions options = {});

}  // namespace otel
