// What code that is to be measured uses: meters, and the instruments they make.
// https://opentelemetry.io/docs/specs/otel/metrics/api/
//
//   const auto requests = otel::GetMeter("shop").CreateCounter<int64_t>("http.requests.total", {.unit = "{request}"});
//   requests.Add(1, {{"http.route", "/search"}, {"http.response.status_code", 200}});
//
// Instruments are cheap to copy, and any number of threads may use one. Those that are made before metrics are
// collected (otel::Configure) cost next to nothing until then, and work afterwards.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "otel/any_value.h"

namespace otel {

enum class InstrumentKind : uint8_t {
  kCounter,
  kUpDownCounter,
  kHistogram,
  kGauge,
  kObservableCounter,
  kObservableUpDownCounter,
  kObservableGauge,
};

template <typename T>
concept MetricNumber = std::same_as<T, int64_t> || std::same_as<T, double>;

// What a meter is told about a new instrument. Instruments of a meter with the same name, kind, unit, description and
// type are one instrument. The name begins with a letter, then come at most 254 letters, digits and "_.-/"; an
// instrument with another name does nothing. The case of names does not count.
struct InstrumentOptions {
  std::string_view unit = {};  // as in https://ucum.org: "s", "By", "{request}"
  std::string_view description = {};
  // The specification's advice, for histograms: upper bounds, increasing. Views have the last word.
  std::optional<std::vector<double>> explicit_bucket_boundaries = {};
};

namespace internal {

template <MetricNumber T>
struct Targets;
template <MetricNumber T>
struct BoundTargets;

// The part of an instrument that each call reads: where measurements go, nothing where nobody collects them.
template <MetricNumber T>
struct InstrumentCore {
  std::atomic<const Targets<T>*> targets{nullptr};
};
template <MetricNumber T>
struct BoundCore {
  std::atomic<const BoundTargets<T>*> targets{nullptr};
};

// Defined in the library. No concept stands here: GCC 12 and clang 19 give functions with one different symbols.
template <typename T>
void Record(const Targets<T>& targets, T value, AttributesView attributes) noexcept;
template <typename T>
void RecordBound(const BoundTargets<T>& targets, T value) noexcept;
template <typename T>
std::shared_ptr<BoundCore<T>> Bind(const std::shared_ptr<InstrumentCore<T>>& core, AttributesView attributes);

// What synchronous instruments have in common. One that is made by no meter does nothing.
template <MetricNumber T>
class SyncInstrument {
 public:
  SyncInstrument() = default;
  explicit SyncInstrument(std::shared_ptr<InstrumentCore<T>> core) : core_(std::move(core)) {}

  // False where nobody would see a measurement. It may change: ask each time before making one that is dear.
  bool Enabled() const { return core_ != nullptr && core_->targets.load(std::memory_order_acquire) != nullptr; }

 protected:
  void Measure(T value, AttributesView attributes) const {
    if (core_ == nullptr) return;
    if (const auto* targets = core_->targets.load(std::memory_order_acquire)) Record(*targets, value, attributes);
  }

  std::shared_ptr<InstrumentCore<T>> core_;
};

template <MetricNumber T>
class BoundInstrument {
 public:
  BoundInstrument() = default;
  explicit BoundInstrument(std::shared_ptr<BoundCore<T>> core) : core_(std::move(core)) {}

 protected:
  void Measure(T value) const {
    if (core_ == nullptr) return;
    if (const auto* targets = core_->targets.load(std::memory_order_acquire)) RecordBound(*targets, value);
  }

 private:
  std::shared_ptr<BoundCore<T>> core_;
};

}  // namespace internal

// Counters and histograms with the attributes of all their measurements given once: the fastest way to measure. As long
// as one lives, it keeps its place among the attribute sets that the cardinality limit allows.
template <MetricNumber T>
class BoundCounter : public internal::BoundInstrument<T> {
 public:
  using internal::BoundInstrument<T>::BoundInstrument;
  void Add(T value) const { this->Measure(value); }
};

template <MetricNumber T>
class BoundRecorder : public internal::BoundInstrument<T> {
 public:
  using internal::BoundInstrument<T>::BoundInstrument;
  void Record(T value) const { this->Measure(value); }
};

// Measurements that are not finite are dropped and reported, by all instruments.

// A sum that only grows: a negative value is dropped and reported.
template <MetricNumber T>
class Counter : public internal::SyncInstrument<T> {
 public:
  using internal::SyncInstrument<T>::SyncInstrument;
  void Add(T value, AttributesView attributes = {}) const { this->Measure(value, attributes); }
  BoundCounter<T> Bind(AttributesView attributes) const {
    return BoundCounter<T>(internal::Bind(this->core_, attributes));
  }
};

// A sum that grows and shrinks.
template <MetricNumber T>
class UpDownCounter : public internal::SyncInstrument<T> {
 public:
  using internal::SyncInstrument<T>::SyncInstrument;
  void Add(T value, AttributesView attributes = {}) const { this->Measure(value, attributes); }
  BoundCounter<T> Bind(AttributesView attributes) const {
    return BoundCounter<T>(internal::Bind(this->core_, attributes));
  }
};

// Values whose distribution matters, none of them negative: such ones are dropped and reported.
template <MetricNumber T>
class Histogram : public internal::SyncInstrument<T> {
 public:
  using internal::SyncInstrument<T>::SyncInstrument;
  void Record(T value, AttributesView attributes = {}) const { this->Measure(value, attributes); }
  BoundRecorder<T> Bind(AttributesView attributes) const {
    return BoundRecorder<T>(internal::Bind(this->core_, attributes));
  }
};

// A value of which only the last one counts.
template <MetricNumber T>
class Gauge : public internal::SyncInstrument<T> {
 public:
  using internal::SyncInstrument<T>::SyncInstrument;
  void Record(T value, AttributesView attributes = {}) const { this->Measure(value, attributes); }
  BoundRecorder<T> Bind(AttributesView attributes) const {
    return BoundRecorder<T>(internal::Bind(this->core_, attributes));
  }
};

// What a callback tells its values to. Only for the time of its call.
template <MetricNumber T>
class Observer {
 public:
  virtual void Observe(T value, AttributesView attributes = {}) noexcept = 0;

 protected:
  ~Observer() = default;
};

// Called for each collection of each reader, from that reader's thread, one call at a time. It should be quick, and
// observe a set of attributes once. Counters observe their value so far, not what was added. What it throws is caught
// and reported. It may not collect or flush metrics itself: it gets nothing, and that is reported.
template <MetricNumber T>
using ObservableCallback = std::function<void(Observer<T>&)>;

namespace internal {
class CallbackRegistration;
class MeterState;
}  // namespace internal

// Ends the calls of a callback when it is destroyed: none runs afterwards, unless the callback itself destroys it.
class ObservableRegistration {
 public:
  ObservableRegistration() = default;
  explicit ObservableRegistration(std::shared_ptr<internal::CallbackRegistration> registration)
      : registration_(std::move(registration)) {}
  ObservableRegistration(ObservableRegistration&&) = default;
  ObservableRegistration& operator=(ObservableRegistration&&) = default;

  // The callback is called as long as its meter lives.
  void Detach();

 private:
  std::shared_ptr<internal::CallbackRegistration> registration_;
};

// Makes instruments. Asked for one that it already has it returns that one; observable ones then get one more callback.
class Meter {
 public:
  Meter() = default;  // its instruments do nothing
  explicit Meter(std::shared_ptr<internal::MeterState> state) : state_(std::move(state)) {}

  template <MetricNumber T>
  Counter<T> CreateCounter(std::string_view name, const InstrumentOptions& options = {}) const {
    return Counter<T>(Create<T>(InstrumentKind::kCounter, name, options));
  }
  template <MetricNumber T>
  UpDownCounter<T> CreateUpDownCounter(std::string_view name, const InstrumentOptions& options = {}) const {
    return UpDownCounter<T>(Create<T>(InstrumentKind::kUpDownCounter, name, options));
  }
  template <MetricNumber T>
  Histogram<T> CreateHistogram(std::string_view name, const InstrumentOptions& options = {}) const {
    return Histogram<T>(Create<T>(InstrumentKind::kHistogram, name, options));
  }
  template <MetricNumber T>
  Gauge<T> CreateGauge(std::string_view name, const InstrumentOptions& options = {}) const {
    return Gauge<T>(Create<T>(InstrumentKind::kGauge, name, options));
  }

  template <MetricNumber T>
  [[nodiscard]] ObservableRegistration CreateObservableCounter(std::string_view name, const InstrumentOptions& options,
                                                               ObservableCallback<T> callback) const {
    return Register<T>(InstrumentKind::kObservableCounter, name, options, std::move(callback));
  }
  template <MetricNumber T>
  [[nodiscard]] ObservableRegistration CreateObservableUpDownCounter(std::string_view name,
                                                                     const InstrumentOptions& options,
                                                                     ObservableCallback<T> callback) const {
    return Register<T>(InstrumentKind::kObservableUpDownCounter, name, options, std::move(callback));
  }
  template <MetricNumber T>
  [[nodiscard]] ObservableRegistration CreateObservableGauge(std::string_view name, const InstrumentOptions& options,
                                                             ObservableCallback<T> callback) const {
    return Register<T>(InstrumentKind::kObservableGauge, name, options, std::move(callback));
  }

 private:
  // As above, without a concept.
  template <typename T>
  std::shared_ptr<internal::InstrumentCore<T>> Create(InstrumentKind kind, std::string_view name,
                                                      const InstrumentOptions& options) const;
  template <typename T>
  ObservableRegistration Register(InstrumentKind kind, std::string_view name, const InstrumentOptions& options,
                                  ObservableCallback<T> callback) const;

  std::shared_ptr<internal::MeterState> state_;
};

// Of the global provider. Asked for the same again it returns the same.
Meter GetMeter(std::string_view name, std::string_view version = {}, std::string_view schema_url = {},
               AttributesView attributes = {});

}  // namespace otel
