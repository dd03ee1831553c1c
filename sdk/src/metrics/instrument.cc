#include "metrics/instrument.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <type_traits>

#include "common/background_thread.h"
#include "common/report.h"
#include "metrics/attribute_set.h"
#include "metrics/pipeline.h"
#include "metrics/striped_stream.h"
#include "otel/context.h"

namespace otel::internal {
namespace {

// ---- streams --------------------------------------------------------------------------------------------------------

template <MetricNumber T>
std::unique_ptr<SyncStream<T>> MakeSyncStream(StreamConfig config, const Aggregation& aggregation,
                                              InstrumentKind kind) {
  if (const auto* const buckets = std::get_if<ExplicitBucketHistogramAggregation>(&aggregation)) {
    return std::make_unique<StripedStream<ExplicitBucketHistogram<T>>>(
        std::move(config), typename ExplicitBucketHistogram<T>::Config{{buckets->record_min_max, IsNonNegative(kind)},
                                                                       buckets->boundaries});
  }
  if (const auto* const buckets = std::get_if<Base2ExponentialBucketHistogramAggregation>(&aggregation)) {
    return std::make_unique<StripedStream<Base2ExponentialHistogram<T>>>(
        std::move(config), typename Base2ExponentialHistogram<T>::Config{
                               {buckets->record_min_max, IsNonNegative(kind)}, buckets->max_size, buckets->max_scale});
  }
  if (std::holds_alternative<LastValueAggregation>(aggregation)) {
    return std::make_unique<StripedStream<LastValue<T>>>(std::move(config), typename LastValue<T>::Config{});
  }
  return std::make_unique<StripedStream<Sum<T>>>(std::move(config), typename Sum<T>::Config{IsMonotonic(kind)});
}

template <MetricNumber T>
std::unique_ptr<ObservableStream<T>> MakeObservableStream(StreamConfig config, const Aggregation& aggregation,
                                                          InstrumentKind kind) {
  const bool is_sum = std::holds_alternative<SumAggregation>(aggregation);
  return std::make_unique<ObservableStream<T>>(
      std::move(config), typename ObservableStream<T>::Kind{.is_sum = is_sum, .monotonic = IsMonotonic(kind)});
}

// ---- measuring ------------------------------------------------------------------------------------------------------

void ReportValue(const InstrumentDescriptor& instrument) {
  Report("metrics", "dropped a measurement of " + instrument.name + " that is negative or not finite");
}

template <MetricNumber T>
bool IsAccepted(const InstrumentDescriptor& instrument, T value) {
  if constexpr (std::same_as<T, double>) {
    if (!std::isfinite(value)) return false;
  }
  return value >= 0 || !IsNonNegative(instrument.kind);
}

// The current span where its measurements may become exemplars; nothing where not.
const SpanContext* ExemplarSpan(ExemplarFilter filter) {
  if (filter == ExemplarFilter::kAlwaysOff) return nullptr;
  const SpanContext& span = Context::Current().span_context();
  return span.flags.sampled() || filter == ExemplarFilter::kAlwaysOn ? &span : nullptr;
}

}  // namespace

template <typename T>
void Record(const Targets<T>& targets, T value, AttributesView attributes) noexcept try {
  if (!IsAccepted(targets.instrument, value)) return ReportValue(targets.instrument);
  const SpanContext* const span = ExemplarSpan(targets.exemplar_filter);
  const uint64_t hash = HashOf(attributes);
  for (SyncStream<T>* const stream : targets.streams) stream->Record(value, attributes, hash, span);
} catch (const std::exception& error) {
  Report("metrics", error.what());
}

template <typename T>
void RecordBound(const BoundTargets<T>& bound, T value) noexcept try {
  if (!IsAccepted(bound.of.instrument, value)) return ReportValue(bound.of.instrument);
  const SpanContext* const span = ExemplarSpan(bound.of.exemplar_filter);
  for (const auto& [stream, series] : bound.targets) stream->RecordBound(series, value, bound.attributes, span);
} catch (const std::exception& error) {
  Report("metrics", error.what());
}

template <typename T>
std::shared_ptr<BoundCore<T>> Bind(const std::shared_ptr<InstrumentCore<T>>& core, AttributesView attributes) {
  if (core == nullptr) return nullptr;
  const auto state = std::static_pointer_cast<SyncInstrumentState<T>>(core);
  return state->Bind(state, attributes);
}

// ---- callbacks
// ---------------------------------------------------------------------------------------------------------

namespace {

thread_local bool is_in_callback = false;

// In a thread that nothing may leave but by its end.
void ReportThrown(const std::string& threw, const char* what) noexcept try {
  Report("metrics", threw + what);
} catch (...) {
  // An application's handler, or no memory: it is counted.
}

}  // namespace

bool IsInCallback() {
  if (is_in_callback)
    Report("metrics", "a callback collects or flushes metrics: it waits for itself, and gets nothing");
  return is_in_callback;
}

// ---- instruments ----------------------------------------------------------------------------------------------------

std::vector<Stream*> Instrument::StreamsOf(const Pipeline& pipeline) {
  const std::lock_guard lock(mutex_);
  std::vector<Stream*> streams;
  for (const AttachedStream& attached : attached_) {
    if (attached.pipeline.get() == &pipeline) streams.push_back(attached.stream.get());
  }
  return streams;
}

void Instrument::Collect(const Pipeline& pipeline, UnixNanos now, std::mutex&, std::vector<MetricData>& metrics) {
  for (Stream* const stream : StreamsOf(pipeline)) stream->Collect(now, metrics);
}

void Instrument::LockForFork() {
  mutex_.lock();
  for (const AttachedStream& attached : attached_) attached.stream->LockForFork();
}

void Instrument::UnlockAfterFork(bool in_child) {
  for (const AttachedStream& attached : attached_) attached.stream->UnlockAfterFork(in_child);
  mutex_.unlock();
}

template <typename Make>
void Instrument::MakeStreams(const std::vector<std::shared_ptr<Pipeline>>& pipelines, Make make) {
  for (const auto& pipeline : pipelines) {
    for (const ResolvedStream& resolved : pipeline->Resolve(descriptor_, *scope_)) {
      attached_.push_back({pipeline, make(pipeline->ConfigOf(resolved, descriptor_), resolved.aggregation)});
    }
  }
}

template <MetricNumber T>
void SyncInstrumentState<T>::Attach(const std::vector<std::shared_ptr<Pipeline>>& pipelines) {
  const std::lock_guard lock(mutex_);
  auto targets = std::make_unique<Targets<T>>(Targets<T>{descriptor_, pipelines.front()->exemplar_filter(), {}});
  MakeStreams(pipelines, [&](StreamConfig config, const Aggregation& aggregation) {
    auto stream = MakeSyncStream<T>(std::move(config), aggregation, descriptor_.kind);
    targets->streams.push_back(stream.get());
    return stream;
  });
  if (targets->streams.empty()) return;
  for (const auto& weak : bound_) {
    if (const auto bound = weak.lock()) bound->Resolve(*targets);
  }
  this->targets.store(targets.get(), std::memory_order_release);
  generations_.push_back(std::move(targets));
}

template <MetricNumber T>
void SyncInstrumentState<T>::Detach() {
  const std::lock_guard lock(mutex_);
  this->targets.store(nullptr, std::memory_order_release);
  for (const auto& weak : bound_) {
    if (const auto bound = weak.lock()) bound->targets.store(nullptr, std::memory_order_release);
  }
}

template <MetricNumber T>
std::shared_ptr<BoundCore<T>> SyncInstrumentState<T>::Bind(const std::shared_ptr<SyncInstrumentState>& self,
                                                           AttributesView attributes) {
  auto bound = std::make_shared<BoundState<T>>(self, attributes);
  const std::lock_guard lock(mutex_);
  std::erase_if(bound_, [](const auto& weak) { return weak.expired(); });
  bound_.push_back(bound);
  if (const auto* const current = this->targets.load(std::memory_order_relaxed)) bound->Resolve(*current);
  return bound;
}

template <MetricNumber T>
void BoundState<T>::Resolve(const Targets<T>& targets) {
  auto resolved = std::make_unique<BoundTargets<T>>(targets, attributes_.view());
  for (SyncStream<T>* const stream : targets.streams) {
    resolved->targets.push_back({stream, stream->Bind(attributes_.view())});
  }
  this->targets.store(resolved.get(), std::memory_order_release);
  resolved_.push_back(std::move(resolved));
}

template <MetricNumber T>
void ObservableState<T>::Attach(const std::vector<std::shared_ptr<Pipeline>>& pipelines) {
  const std::lock_guard lock(mutex_);
  MakeStreams(pipelines, [&](StreamConfig config, const Aggregation& aggregation) {
    return MakeObservableStream<T>(std::move(config), aggregation, descriptor_.kind);
  });
}

template <MetricNumber T>
void ObservableState<T>::Add(std::shared_ptr<Callback> callback) {
  const std::lock_guard lock(mutex_);
  callbacks_.push_back(std::move(callback));
}

template <MetricNumber T>
void ObservableState<T>::UnlockAfterFork(bool in_child) {
  if (in_child) {
    for (const auto& callback : callbacks_) {
      callback->running.ReleaseInChild();
      callback->in_call = false;
    }
  }
  Instrument::UnlockAfterFork(in_child);
}

template <MetricNumber T>
void ObservableState<T>::Remove(const std::shared_ptr<Callback>& callback) {
  callback->registered = false;
  const std::lock_guard lock(mutex_);
  std::erase(callbacks_, callback);
}

namespace {

// What a callback has for one call. One that is left behind may keep it: then nothing it says counts any more.
template <MetricNumber T>
class StreamObserver final : public Observer<T> {
 public:
  StreamObserver(const InstrumentDescriptor& instrument, const std::vector<Stream*>& streams, std::mutex& changing)
      : instrument_(&instrument), streams_(streams), changing_(&changing) {}

  void Observe(T value, AttributesView attributes) noexcept override try {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (!IsAccepted(*instrument_, value)) return ReportValue(*instrument_);
    const std::lock_guard changing(*changing_);
    for (Stream* const stream : streams_) static_cast<ObservableStream<T>*>(stream)->Observe(value, attributes);
  } catch (const std::exception& error) {
    Report("metrics", error.what());
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  std::mutex mutex_;
  bool closed_ = false;  // guarded by mutex_: then what the others point to may be gone
  const InstrumentDescriptor* const instrument_;
  const std::vector<Stream*> streams_;
  std::mutex* const changing_;
};

class Unlocked {
 public:
  explicit Unlocked(std::mutex& mutex) : mutex_(mutex) { mutex_.unlock(); }
  ~Unlocked() { mutex_.lock(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  std::mutex& mutex_;
};

}  // namespace

template <MetricNumber T>
bool ObservableState<T>::Call(const std::shared_ptr<Callback>& callback, const std::vector<Stream*>& streams,
                              std::mutex& changing, std::chrono::milliseconds limit) {
  const auto observer = std::make_shared<StreamObserver<T>>(descriptor_, streams, changing);
  std::function<void()> run = [callback, observer, threw = "a callback of " + descriptor_.name + " threw "] {
    {
      const std::lock_guard running(callback->running);
      is_in_callback = true;
      try {
        if (callback->registered) callback->function(*observer);
      } catch (const std::exception& error) {
        ReportThrown(threw, error.what());
      } catch (...) {
        ReportThrown(threw, "");
      }
      is_in_callback = false;
    }
    callback->in_call = false;
  };
  if (callback->in_call.exchange(true)) return false;  // still the one of an earlier collection
  bool returned = false;
  try {
    returned = RunWithin(limit, std::move(run));
  } catch (...) {  // it has not begun
    callback->in_call = false;
    throw;
  }
  observer->Close();
  return returned;
}

template <MetricNumber T>
void ObservableState<T>::Collect(const Pipeline& pipeline, UnixNanos now, std::mutex& changing,
                                 std::vector<MetricData>& metrics) {
  const auto streams = StreamsOf(pipeline);
  if (streams.empty()) return;
  std::unique_lock lock(mutex_);
  const auto callbacks = callbacks_;
  lock.unlock();
  for (const auto& callback : callbacks) {
    const Unlocked unlocked(changing);
    if (!Call(callback, streams, changing, pipeline.callback_timeout())) {
      Report("metrics", "a callback of " + descriptor_.name + " has not returned, the others go on without it");
    }
  }
  for (Stream* const stream : streams) stream->Collect(now, metrics);
}

template class SyncInstrumentState<int64_t>;
template class SyncInstrumentState<double>;
template class ObservableState<int64_t>;
template class ObservableState<double>;
template void Record(const Targets<int64_t>&, int64_t, AttributesView) noexcept;
template void Record(const Targets<double>&, double, AttributesView) noexcept;
template void RecordBound(const BoundTargets<int64_t>&, int64_t) noexcept;
template void RecordBound(const BoundTargets<double>&, double) noexcept;
template std::shared_ptr<BoundCore<int64_t>> Bind(const std::shared_ptr<InstrumentCore<int64_t>>&, AttributesView);
template std::shared_ptr<BoundCore<double>> Bind(const std::shared_ptr<InstrumentCore<double>>&, AttributesView);

}  // namespace otel::internal
