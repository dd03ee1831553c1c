#include "otel/sampler.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace otel {
namespace {

class Always final : public Sampler {
 public:
  explicit Always(SamplingDecision decision) : decision_(decision) {}

  SamplingResult ShouldSample(const SamplingParameters& parameters) const override {
    return {.decision = decision_, .trace_state = parameters.parent.span_context().state};
  }
  std::string Description() const override {
    return decision_ == SamplingDecision::kDrop ? "AlwaysOffSampler" : "AlwaysOnSampler";
  }

 private:
  const SamplingDecision decision_;
};

class TraceIdRatioBased final : public Sampler {
 public:
  explicit TraceIdRatioBased(double ratio) : ratio_(ratio > 0 ? std::min(ratio, 1.0) : 0) {}

  SamplingResult ShouldSample(const SamplingParameters& parameters) const override {
    uint64_t number = 0;  // the last eight bytes, big endian
    for (size_t i = 8; i < 16; ++i) number = number << 8 | parameters.trace_id.bytes[i];
    const bool sampled = number >> 1 < bound_;
    return {.decision = sampled ? SamplingDecision::kRecordAndSample : SamplingDecision::kDrop,
            .trace_state = parameters.parent.span_context().state};
  }
  std::string Description() const override {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof(digits), ratio_, std::chars_format::fixed, 6).ptr;
    return "TraceIdRatioBased{" + std::string(digits, end) + "}";
  }

 private:
  const double ratio_;
  const uint64_t bound_ = static_cast<uint64_t>(ratio_ * 0x1p63);
};

class ParentBased final : public Sampler {
 public:
  explicit ParentBased(ParentBasedOptions options) : options_(std::move(options)) {}

  SamplingResult ShouldSample(const SamplingParameters& parameters) const override {
    return Delegate(parameters.parent.span_context()).ShouldSample(parameters);
  }
  std::string Description() const override {
    return "ParentBased{root=" + options_.root->Description() +
           ",remoteParentSampled=" + options_.remote_parent_sampled->Description() +
           ",remoteParentNotSampled=" + options_.remote_parent_not_sampled->Description() +
           ",localParentSampled=" + options_.local_parent_sampled->Description() +
           ",localParentNotSampled=" + options_.local_parent_not_sampled->Description() + "}";
  }

 private:
  const Sampler& Delegate(const SpanContext& parent) const {
    if (!parent.IsValid()) return *options_.root;
    if (parent.is_remote) {
      return parent.flags.sampled() ? *options_.remote_parent_sampled : *options_.remote_parent_not_sampled;
    }
    return parent.flags.sampled() ? *options_.local_parent_sampled : *options_.local_parent_not_sampled;
  }

  const ParentBasedOptions options_;
};

}  // namespace

std::shared_ptr<const Sampler> AlwaysOnSampler() {
  static const auto& sampler = *new auto(std::make_shared<const Always>(SamplingDecision::kRecordAndSample));
  return sampler;
}

std::shared_ptr<const Sampler> AlwaysOffSampler() {
  static const auto& sampler = *new auto(std::make_shared<const Always>(SamplingDecision::kDrop));
  return sampler;
}

std::shared_ptr<const Sampler> TraceIdRatioBasedSampler(double ratio) {
  return std::make_shared<const TraceIdRatioBased>(ratio);
}

std::shared_ptr<const Sampler> ParentBasedSampler(ParentBasedOptions options) {
  const ParentBasedOptions defaults;
  const auto fill = [](auto& sampler, const auto& standard) {
    if (sampler == nullptr) sampler = standard;
  };
  fill(options.root, defaults.root);
  fill(options.remote_parent_sampled, defaults.remote_parent_sampled);
  fill(options.remote_parent_not_sampled, defaults.remote_parent_not_sampled);
  fill(options.local_parent_sampled, defaults.local_parent_sampled);
  fill(options.local_parent_not_sampled, defaults.local_parent_not_sampled);
  return std::make_shared<const ParentBased>(std::move(options));
}

}  // namespace otel
