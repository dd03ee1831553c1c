// The inner side of instruments: who they are, and the streams that they feed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "metrics/observable_stream.h"
#include "metrics/recursive_lock.h"
#include "metrics/stream.h"
#include "metrics/view_resolution.h"
#include "otel/metrics.h"

namespace otel::internal {

class Pipeline;

// What metric of which pipeline.
struct AttachedStream {
  std::shared_ptr<const Pipeline> pipeline;
  std::unique_ptr<Stream> stream;
};

// Whether this thread runs a callback for a collection, which therefore can't be waited for; reports it then.
bool IsInCallback();

// Streams live as long as their instrument, even when their reader is gone: a thread may just be measuring.
// Thread: any.
class Instrument {
 public:
  Instrument(InstrumentDescriptor descriptor, const InstrumentationScope* scope)
      : descriptor_(std::move(descriptor)), scope_(scope) {}
  virtual ~Instrument() = default;
  Instrument(const Instrument&) = delete;
  Instrument& operator=(const Instrument&) = delete;

  const InstrumentDescriptor& descriptor() const { return descriptor_; }

  // Makes the streams for all pipelines, and sends measurements to them from now on.
  virtual void Attach(const std::vector<std::shared_ptr<Pipeline>>& pipelines) = 0;
  // Nothing is measured from now on.
  virtual void Detach() = 0;
  // Appends its metrics for the pipeline. Called by one thread at a time, which holds `changing`.
  virtual void Collect(const Pipeline& pipeline, UnixNanos now, std::mutex& changing, std::vector<MetricData>& metrics);

  void LockForFork();
  virtual void UnlockAfterFork(bool in_child);

 protected:
  std::vector<Stream*> StreamsOf(const Pipeline& pipeline);
  // For each pipeline and each view: make(config, aggregation) returns a stream.
  template <typename Make>
  void MakeStreams(const std::vector<std::shared_ptr<Pipeline>>& pipelines, Make make);

  const InstrumentDescriptor descriptor_;
  const InstrumentationScope* const scope_;
  std::mutex mutex_;
  std::vector<AttachedStream> attached_;  // guarded by mutex_
};

// Immutable.
template <MetricNumber T>
struct Targets {
  const InstrumentDescriptor& instrument;
  ExemplarFilter exemplar_filter = ExemplarFilter::kTraceBased;
  std::vector<SyncStream<T>*> streams;
};

template <MetricNumber T>
struct BoundTargets {
  struct Target {
    SyncStream<T>* stream;
    SeriesKey* series;
  };
  const Targets<T>& of;
  AttributesView attributes;
  std::vector<Target> targets;

  ~BoundTargets() {
    for (const Target& target : targets) target.stream->Unbind(target.series);
  }
};

template <MetricNumber T>
class SyncInstrumentState;

template <MetricNumber T>
class BoundState final : public BoundCore<T> {
 public:
  BoundState(std::shared_ptr<SyncInstrumentState<T>> instrument, AttributesView attributes)
      : instrument_(std::move(instrument)), attributes_(attributes) {}

  // Under the instrument's lock.
  void Resolve(const Targets<T>& targets);

 private:
  const std::shared_ptr<SyncInstrumentState<T>> instrument_;
  const Attributes attributes_;
  std::vector<std::unique_ptr<BoundTargets<T>>> resolved_;  // the last one counts; the others may be in use
};

template <MetricNumber T>
class SyncInstrumentState final : public Instrument, public InstrumentCore<T> {
 public:
  using Instrument::Instrument;

  void Attach(const std::vector<std::shared_ptr<Pipeline>>& pipelines) override;
  void Detach() override;
  // `self` is this one.
  std::shared_ptr<BoundCore<T>> Bind(const std::shared_ptr<SyncInstrumentState>& self, AttributesView attributes);

 private:
  std::vector<std::unique_ptr<Targets<T>>> generations_;  // of each Attach: an old one may be in use
  std::vector<std::weak_ptr<BoundState<T>>> bound_;
};

// One callback of an observable instrument. It is registered as long as this lives.
class CallbackRegistration {
 public:
  explicit CallbackRegistration(std::function<void()> unregister) : unregister_(std::move(unregister)) {}
  ~CallbackRegistration() {
    if (unregister_) unregister_();
  }
  CallbackRegistration(const CallbackRegistration&) = delete;
  CallbackRegistration& operator=(const CallbackRegistration&) = delete;

  void Detach() { unregister_ = nullptr; }

 private:
  std::function<void()> unregister_;
};

template <MetricNumber T>
class ObservableState final : public Instrument {
 public:
  struct Callback {
    ObservableCallback<T> function;
    std::atomic<bool> registered{true};
    RecursiveLock running;             // held while it runs; it may end its own registration then
    std::atomic<bool> in_call{false};  // also when the collection has given up waiting
  };

  using Instrument::Instrument;

  void Attach(const std::vector<std::shared_ptr<Pipeline>>& pipelines) override;
  void Detach() override {}
  void Collect(const Pipeline& pipeline, UnixNanos now, std::mutex& changing,
               std::vector<MetricData>& metrics) override;
  void UnlockAfterFork(bool in_child) override;

  void Add(std::shared_ptr<Callback> callback);
  // It may still be running.
  void Remove(const std::shared_ptr<Callback>& callback);

 private:
  // False where it did not return within the limit, now or in an earlier collection.
  bool Call(const std::shared_ptr<Callback>& callback, const std::vector<Stream*>& streams, std::mutex& changing,
            std::chrono::milliseconds limit);

  std::vector<std::shared_ptr<Callback>> callbacks_;  // guarded by mutex_
};

}  // namespace otel::internal
