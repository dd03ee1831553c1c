// The inner side of a MeterProvider and its meters: all instruments, and the pipelines that they feed.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "metrics/instrument.h"
#include "metrics/pipeline.h"
#include "metrics/recursive_lock.h"
#include "otel/meter_provider.h"

namespace otel::internal {

// Only ProviderState looks into it, under its lock.
class MeterState {
 public:
  MeterState(std::shared_ptr<ProviderState> provider, const InstrumentationScope* scope)
      : provider_(std::move(provider)), scope_(scope) {}

  const std::shared_ptr<ProviderState>& provider() const { return provider_; }

 private:
  friend class ProviderState;

  const std::shared_ptr<ProviderState> provider_;
  const InstrumentationScope* const scope_;
  std::vector<std::shared_ptr<Instrument>> instruments_;
};

// Locks are taken in this order: collecting(), changing(), mutex_, those of instruments, those of streams.
// Thread: any.
class ProviderState : public std::enable_shared_from_this<ProviderState> {
 public:
  struct MeterInstruments {
    const InstrumentationScope* scope;
    std::vector<std::shared_ptr<Instrument>> instruments;
  };

  ProviderState();
  ~ProviderState();

  std::shared_ptr<MeterState> GetMeter(InstrumentationScope scope);
  // The one that there is, or a new one. Nothing where the name is invalid.
  std::shared_ptr<Instrument> GetInstrument(MeterState& meter, InstrumentDescriptor descriptor);
  std::vector<MeterInstruments> Meters();

  // Held while callbacks run and points are taken: one collection at a time. The child of a fork can release it.
  RecursiveLock& collecting() { return collecting_; }
  // Held by a collection but while a callback runs, and by what it observes then: a fork waits for this one only.
  std::mutex& changing() { return changing_; }

  void Start(const MeterProviderOptions& options);
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);
  // Meters keep the provider: without this both would stay for ever.
  void ForgetMeters();

  void LockForFork();
  void UnlockAfterFork(bool in_child);

 private:
  RecursiveLock collecting_;
  std::mutex changing_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<MeterState>> meters_;
  std::vector<std::shared_ptr<MetricReader>> readers_;
  std::vector<std::shared_ptr<Pipeline>> pipelines_;
};

// What only the provider may ask of readers.
struct ReaderAccess {
  // False where it has been taken before.
  static bool Take(MetricReader& reader, std::shared_ptr<Pipeline> pipeline);
  static std::shared_ptr<Pipeline> PipelineOf(const MetricReader& reader);
  static void OnStart(MetricReader& reader);
  static void OnForkedChild(MetricReader& reader);
  static void OnFirstMeasurement(MetricReader& reader);
};

}  // namespace otel::internal
