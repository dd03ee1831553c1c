#include <cstring>

#include "common/random.h"
#include "otel/trace.h"
#include "otel/tracer_provider.h"
#include "trace/span_record.h"
#include "trace/trace_pipeline.h"

namespace otel {
namespace {

// Writes whole words: what reads an id as a whole at once would wait for single bytes.
template <size_t kSize>
void MakeRandom(Id<kSize>& id) {
  uint64_t any = 0;
  do {
    for (size_t i = 0; i < kSize; i += sizeof(uint64_t)) {
      const uint64_t number = internal::RandomNumber();
      std::memcpy(&id.bytes[i], &number, sizeof(number));
      any |= number;
    }
  } while (any == 0);
}

void SetIds(SpanContext& context, IdGenerator* generator, const SpanContext& parent) {
  if (parent.IsValid()) {
    context.trace_id = parent.trace_id;
    context.flags.bits = parent.flags.bits & TraceFlags::kRandom;
  } else if (generator == nullptr) {
    MakeRandom(context.trace_id);
    context.flags.bits = TraceFlags::kRandom;
  } else {
    context.trace_id = generator->NewTraceId();
    if (generator->TraceIdsAreRandom()) context.flags.bits = TraceFlags::kRandom;
  }
  if (generator == nullptr) {
    MakeRandom(context.span_id);
  } else {
    context.span_id = generator->NewSpanId();
  }
}

}  // namespace

Span Tracer::Start(const internal::TracePipeline& pipeline, std::string_view name, const StartSpanOptions& options,
                   const Context& parent) const {
  Span span;
  SpanContext& context = span.context_;
  SetIds(context, pipeline.options.id_generator.get(), parent.span_context());
  SamplingResult sampling = pipeline.options.sampler->ShouldSample({.parent = parent,
                                                                    .trace_id = context.trace_id,
                                                                    .name = name,
                                                                    .kind = options.kind,
                                                                    .attributes = options.attributes,
                                                                    .links = options.links});
  // Mostly empty; moving it would wait for the sampler's writes, half of what a span costs that is not recorded.
  if (!sampling.trace_state.empty()) context.state = std::move(sampling.trace_state);
  if (sampling.decision == SamplingDecision::kDrop) return span;

  internal::SpanRecordRef record(internal::SpanRecord::New());
  if (!record) return span;
  if (sampling.decision == SamplingDecision::kRecordAndSample) context.flags.bits |= TraceFlags::kSampled;
  record->Start(pipeline, context, parent.span_context(), *scope_, name, options.kind, options.start);
  if (!options.attributes.empty()) record->SetAttributes(options.attributes);
  if (!sampling.attributes.empty()) record->SetAttributes(sampling.attributes.view());
  for (const Link& link : options.links) record->AddLink(link.context, link.attributes);
  span.record_ = std::move(record);
  for (const auto& processor : pipeline.options.processors) processor->OnStart(span, parent);
  return span;
}

bool Tracer::Enabled() const {
  return provider_ != nullptr && provider_->pipeline() != nullptr;
}

Span Tracer::StartSpan(std::string_view name, const StartSpanOptions& options) const {
  const internal::TracePipeline* const pipeline = provider_ != nullptr ? provider_->pipeline() : nullptr;
  const Context& parent = options.parent != nullptr ? *options.parent : Context::Current();
  if (pipeline == nullptr) return Span(SpanRef(options.root ? SpanContext() : parent.span_context()));
  if (!options.root) return Start(*pipeline, name, options, parent);
  return Start(*pipeline, name, options, parent.WithSpan(SpanRef()));
}

}  // namespace otel
