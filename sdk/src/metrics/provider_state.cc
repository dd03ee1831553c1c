#include "metrics/provider_state.h"

#include <pthread.h>

#include <algorithm>

#include "common/interned_scope.h"
#include "common/report.h"
#include "common/thread_slot.h"

namespace otel::internal {
namespace {

// All providers, for forks. Never destroyed: providers may be, later than this would.
struct Providers {
  std::mutex mutex;
  std::vector<ProviderState*> all;
};

Providers& AllProviders() {
  static Providers& providers = *new Providers;
  return providers;
}

void BeforeFork() {
  AllProviders().mutex.lock();
  for (ProviderState* const provider : AllProviders().all) provider->LockForFork();
}

void AfterFork(bool in_child) {
  for (ProviderState* const provider : AllProviders().all) provider->UnlockAfterFork(in_child);
  AllProviders().mutex.unlock();
}

void HandleForks() {
  ThreadSlot();  // has the SDK's other handlers registered: their lock is to be taken after ours
  static const int registered = pthread_atfork(BeforeFork, [] { AfterFork(false); }, [] { AfterFork(true); });
  static_cast<void>(registered);
}

std::shared_ptr<Instrument> MakeInstrument(InstrumentDescriptor descriptor, const InstrumentationScope* scope) {
  const bool is_double = descriptor.is_double;
  if (IsObservable(descriptor.kind)) {
    if (is_double) return std::make_shared<ObservableState<double>>(std::move(descriptor), scope);
    return std::make_shared<ObservableState<int64_t>>(std::move(descriptor), scope);
  }
  if (is_double) return std::make_shared<SyncInstrumentState<double>>(std::move(descriptor), scope);
  return std::make_shared<SyncInstrumentState<int64_t>>(std::move(descriptor), scope);
}

}  // namespace

ProviderState::ProviderState() {
  HandleForks();
  const std::lock_guard lock(AllProviders().mutex);
  AllProviders().all.push_back(this);
}

ProviderState::~ProviderState() {
  const std::lock_guard lock(AllProviders().mutex);
  std::erase(AllProviders().all, this);
}

// ---- meters ---------------------------------------------------------------------------------------------------------

std::shared_ptr<MeterState> ProviderState::GetMeter(InstrumentationScope scope) {
  if (scope.name.empty()) Report("metrics", "a meter has no name");
  const InstrumentationScope* const interned = InternScope(std::move(scope));
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(meters_, interned, [](const auto& meter) { return meter->scope_; });
  if (found != meters_.end()) return *found;
  return meters_.emplace_back(std::make_shared<MeterState>(shared_from_this(), interned));
}

std::shared_ptr<Instrument> ProviderState::GetInstrument(MeterState& meter, InstrumentDescriptor descriptor) {
  if (!IsValidName(descriptor.name)) {
    Report("metrics", "\"" + descriptor.name + "\" is no name of an instrument: it does nothing");
    return nullptr;
  }
  if (descriptor.boundaries && !AreValidBoundaries(*descriptor.boundaries)) {
    Report("metrics", "the bucket boundaries that " + descriptor.name + " advises are not finite and increasing");
    descriptor.boundaries.reset();
  }
  const std::lock_guard lock(mutex_);
  for (const auto& other : meter.instruments_) {
    if (!IsSameName(other->descriptor().name, descriptor.name)) continue;
    const bool other_case = other->descriptor().name != descriptor.name;
    if (other_case) {
      Report("metrics", descriptor.name + " is named " + other->descriptor().name + ", as it was called first");
      descriptor.name = other->descriptor().name;
    }
    if (!other->descriptor().IsIdenticalTo(descriptor)) continue;
    if (other->descriptor().boundaries != descriptor.boundaries) {
      Report("metrics", descriptor.name + " is made again with other advice: the first one counts");
    }
    return other;
  }
  const auto& made = meter.instruments_.emplace_back(MakeInstrument(std::move(descriptor), meter.scope_));
  if (!pipelines_.empty()) made->Attach(pipelines_);
  return made;
}

std::vector<ProviderState::MeterInstruments> ProviderState::Meters() {
  const std::lock_guard lock(mutex_);
  std::vector<MeterInstruments> meters;
  meters.reserve(meters_.size());
  for (const auto& meter : meters_) meters.push_back({meter->scope_, meter->instruments_});
  return meters;
}

void ProviderState::ForgetMeters() {
  std::vector<std::shared_ptr<MeterState>> meters;
  const std::lock_guard lock(mutex_);
  meters.swap(meters_);
}

// ---- readers --------------------------------------------------------------------------------------------------------

void ProviderState::Start(const MeterProviderOptions& options) {
  std::vector<std::shared_ptr<MetricReader>> started;
  {
    const std::lock_guard lock(mutex_);
    if (!readers_.empty()) {
      Report("metrics", "the provider has readers already");
      return;
    }
    for (const auto& reader : options.readers) {
      auto pipeline = std::make_shared<Pipeline>(reader, options, shared_from_this());
      if (!ReaderAccess::Take(*reader, pipeline)) {
        Report("metrics", "a reader belongs to a provider already");
        continue;
      }
      readers_.push_back(reader);
      pipelines_.push_back(std::move(pipeline));
    }
    if (pipelines_.empty()) return;
    for (const auto& meter : meters_) {
      for (const auto& instrument : meter->instruments_) instrument->Attach(pipelines_);
    }
    started = readers_;
  }
  for (const auto& reader : started) ReaderAccess::OnStart(*reader);
}

bool ProviderState::ForceFlush(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto readers = readers_;
  lock.unlock();
  bool flushed = true;
  for (const auto& reader : readers) flushed = reader->ForceFlush(deadline) && flushed;
  return flushed;
}

bool ProviderState::Shutdown(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto readers = readers_;
  lock.unlock();
  bool done = true;
  for (const auto& reader : readers) done = reader->Shutdown(deadline) && done;
  lock.lock();
  if (readers_ != readers) return done;  // another thread was faster
  for (const auto& meter : meters_) {
    for (const auto& instrument : meter->instruments_) instrument->Detach();
  }
  pipelines_.clear();
  readers_.clear();
  return done;
}

// ---- forking --------------------------------------------------------------------------------------------------------

void ProviderState::LockForFork() {
  changing_.lock();
  mutex_.lock();
  for (const auto& meter : meters_) {
    for (const auto& instrument : meter->instruments_) instrument->LockForFork();
  }
}

void ProviderState::UnlockAfterFork(bool in_child) {
  for (const auto& meter : meters_) {
    for (const auto& instrument : meter->instruments_) instrument->UnlockAfterFork(in_child);
  }
  if (in_child) {
    collecting_.ReleaseInChild();
    for (const auto& pipeline : pipelines_) pipeline->OnForkedChild();
  }
  mutex_.unlock();
  changing_.unlock();
}

}  // namespace otel::internal
