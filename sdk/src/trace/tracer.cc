#include <cstring>

#include "common/random.h"
#include "otel/trace.h"
#include "otel/tracer_provider.h"
#include "trace/span_record.h"
#include "trace/trace_pipeline.h"

namespace otel {
namespace {

template <typename AnyId>
AnyId RandomId() {
  AnyId id;
  do {
    for (size_t i = 0; i < id.bytes.size(); i += sizeof(uint64_t)) {
      const uint64_t number = internal::RandomNumber();
      std::memcpy(&id.bytes[i], &number, sizeof(number));
    }
  } while (!id.IsValid());
  return id;
}

// Whose parts are in the order of the specification: the trace id is known to the sampler, the span id is not.
SpanContext NewContext(const internal::TracePipeline& pipeline, const SpanContext& parent) {
  const auto& generator = pipeline.options.id_generator;
  SpanContext context;
  if (parent.IsValid()) {
    context.trace_id = parent.trace_id;
    context.flags.bits = parent.flags.bits & TraceFlags::kRandom;
  } else if (generator == nullptr) {
    context.trace_id = RandomId<TraceId>();
    context.flags.bits = TraceFlags::kRandom;
  } else {
    context.trace_id = generator->NewTraceId();
    if (generator->TraceIdsAreRandom()) context.flags.bits = TraceFlags::kRandom;
  }
  context.span_id = generator == nullptr ? RandomId<SpanId>() : generator->NewSpanId();
  return context;
}

Span StartIn(const internal::TracePipeline& pipeline, const InstrumentationScope& scope, std::string_view name,
             const StartSpanOptions& options, const Context& parent) {
  SpanContext context = NewContext(pipeline, parent.span_context());
  SamplingResult sampling = pipeline.options.sampler->ShouldSample({.parent = parent,
                                                                    .trace_id = context.trace_id,
                                                                    .name = name,
                                                                    .kind = options.kind,
                                                                    .attributes = options.attributes,
                                                                    .links = options.links});
  context.state = std::move(sampling.trace_state);
  if (sampling.decision == SamplingDecision::kDrop) return Span(SpanRef(std::move(context)));

  internal::SpanRecordRef record(internal::SpanRecord::New());
  if (!record) return Span(SpanRef(std::move(context)));
  if (sampling.decision == SamplingDecision::kRecordAndSample) context.flags.bits |= TraceFlags::kSampled;
  record->Start(pipeline, context, parent.span_context(), scope, name, options.kind, options.start);
  if (!options.attributes.empty()) record->SetAttributes(options.attributes);
  if (!sampling.attributes.empty()) record->SetAttributes(sampling.attributes.view());
  for (const Link& link : options.links) record->AddLink(link.context, link.attributes);
  SpanRef span(std::move(context), std::move(record));
  for (const auto& processor : pipeline.options.processors) processor->OnStart(span, parent);
  return Span(std::move(span));
}

}  // namespace

bool Tracer::Enabled() const {
  return provider_ != nullptr && provider_->pipeline() != nullptr;
}

Span Tracer::StartSpan(std::string_view name, const StartSpanOptions& options) const {
  const internal::TracePipeline* const pipeline = provider_ != nullptr ? provider_->pipeline() : nullptr;
  const Context& parent = options.parent != nullptr ? *options.parent : Context::Current();
  if (pipeline == nullptr) return Span(SpanRef(options.root ? SpanContext() : parent.span_context()));
  if (!options.root) return StartIn(*pipeline, *scope_, name, options, parent);
  return StartIn(*pipeline, *scope_, name, options, parent.WithSpan(SpanRef()));
}

}  // namespace otel
