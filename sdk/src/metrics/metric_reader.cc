#include "otel/metric_reader.h"

#include "metrics/pipeline.h"
#include "metrics/provider_state.h"

namespace otel {

std::optional<MetricBatch> MetricReader::Collect() {
  if (state_.load(std::memory_order_acquire) != State::kTaken) return std::nullopt;
  MetricBatch batch{pipeline_->resource(), pipeline_->Collect()};
  for (const auto& producer : options_.producers) producer->Produce(batch.scopes);
  return batch;
}

bool MetricReader::Shutdown(Deadline deadline) {
  if (shutting_down_.exchange(true)) return false;
  const bool done = OnShutdown(deadline);
  state_.store(State::kShutDown);
  return done;
}

namespace internal {

bool ReaderAccess::Take(MetricReader& reader, std::shared_ptr<Pipeline> pipeline) {
  if (reader.pipeline_ != nullptr) return false;
  reader.pipeline_ = std::move(pipeline);
  auto before = MetricReader::State::kNew;
  return reader.state_.compare_exchange_strong(before, MetricReader::State::kTaken);
}

std::shared_ptr<Pipeline> ReaderAccess::PipelineOf(const MetricReader& reader) {
  return reader.pipeline_;
}
void ReaderAccess::OnStart(MetricReader& reader) {
  reader.OnStart();
}
void ReaderAccess::OnForkedChild(MetricReader& reader) {
  reader.OnForkedChild();
}
void ReaderAccess::OnFirstMeasurement(MetricReader& reader) {
  reader.OnFirstMeasurement();
}

}  // namespace internal
}  // namespace otel
