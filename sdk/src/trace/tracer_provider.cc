#include "otel/tracer_provider.h"

#include <utility>

#include "common/interned_scope.h"
#include "common/report.h"
#include "trace/trace_pipeline.h"

namespace otel {
namespace internal {

TracerProviderState* TracerProviderState::New() {
  static auto& mutex = *new std::mutex;
  static auto& all = *new std::vector<TracerProviderState*>;
  const std::lock_guard lock(mutex);
  return all.emplace_back(new TracerProviderState);
}

void TracerProviderState::Start(TracerProviderOptions options) {
  std::erase(options.processors, nullptr);
  if (options.sampler == nullptr) options.sampler = ParentBasedSampler();
  auto pipeline = std::make_unique<TracePipeline>(TracePipeline{.options = std::move(options)});
  pipeline->value_length_max = pipeline->options.limits.attribute_value_length.value_or(Arena::kNoLimit);

  const std::lock_guard lock(mutex_);
  if (this->pipeline() != nullptr) {
    Report("tracer provider", "was started already; what is asked of it now is ignored");
    return;
  }
  // Without processors nobody would see a span.
  if (!pipeline->options.processors.empty()) pipeline_.store(pipeline.get(), std::memory_order_release);
  all_.push_back(std::move(pipeline));
}

bool TracerProviderState::ForceFlush(Deadline deadline) {
  const TracePipeline* const pipeline = this->pipeline();
  bool good = true;
  if (pipeline == nullptr) return good;
  for (const auto& processor : pipeline->options.processors) good = processor->ForceFlush(deadline) && good;
  return good;
}

bool TracerProviderState::Shutdown(Deadline deadline) {
  const TracePipeline* const pipeline = pipeline_.exchange(nullptr, std::memory_order_acq_rel);
  bool good = true;
  if (pipeline == nullptr) return good;
  for (const auto& processor : pipeline->options.processors) good = processor->Shutdown(deadline) && good;
  return good;
}

}  // namespace internal

TracerProvider::TracerProvider() : state_(internal::TracerProviderState::New()) {}

TracerProvider::~TracerProvider() {
  Shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(5));
}

TracerProvider& TracerProvider::Global() {
  static auto& provider = *new TracerProvider;
  return provider;
}

Tracer TracerProvider::GetTracer(std::string_view name, std::string_view version, std::string_view schema_url,
                                 AttributesView attributes) {
  if (name.empty()) internal::Report("tracer provider", "a tracer was asked for without a name");
  return {state_, internal::InternScope(
                      {std::string(name), std::string(version), std::string(schema_url), Attributes(attributes)})};
}

void TracerProvider::Start(TracerProviderOptions options) {
  state_->Start(std::move(options));
}

bool TracerProvider::ForceFlush(Deadline deadline) {
  return state_->ForceFlush(deadline);
}

bool TracerProvider::Shutdown(Deadline deadline) {
  return state_->Shutdown(deadline);
}

Tracer GetTracer(std::string_view name, std::string_view version, std::string_view schema_url,
                 AttributesView attributes) {
  return TracerProvider::Global().GetTracer(name, version, schema_url, attributes);
}

}  // namespace otel
