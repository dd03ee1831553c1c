#include "otel/meter_provider.h"

#include <chrono>

#include "metrics/instrument.h"
#include "metrics/provider_state.h"
#include "otel/metrics.h"

namespace otel {
namespace {

template <MetricNumber T>
internal::InstrumentDescriptor Describe(InstrumentKind kind, std::string_view name, const InstrumentOptions& options) {
  return {kind,
          std::same_as<T, double>,
          std::string(name),
          std::string(options.unit),
          std::string(options.description),
          kind == InstrumentKind::kHistogram ? options.explicit_bucket_boundaries : std::nullopt};
}

}  // namespace

MeterProvider::MeterProvider() : state_(std::make_shared<internal::ProviderState>()) {}

MeterProvider::~MeterProvider() {
  Shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(5));
  state_->ForgetMeters();
}

MeterProvider& MeterProvider::Global() {
  static MeterProvider& global = *new MeterProvider;
  return global;
}

Meter MeterProvider::GetMeter(std::string_view name, std::string_view version, std::string_view schema_url,
                              AttributesView attributes) {
  return Meter(
      state_->GetMeter({std::string(name), std::string(version), std::string(schema_url), Attributes(attributes)}));
}

void MeterProvider::Start(const MeterProviderOptions& options) {
  state_->Start(options);
}
bool MeterProvider::ForceFlush(Deadline deadline) {
  return state_->ForceFlush(deadline);
}
bool MeterProvider::Shutdown(Deadline deadline) {
  return state_->Shutdown(deadline);
}

Meter GetMeter(std::string_view name, std::string_view version, std::string_view schema_url,
               AttributesView attributes) {
  return MeterProvider::Global().GetMeter(name, version, schema_url, attributes);
}

template <typename T>
std::shared_ptr<internal::InstrumentCore<T>> Meter::Create(InstrumentKind kind, std::string_view name,
                                                           const InstrumentOptions& options) const {
  if (state_ == nullptr) return nullptr;
  return std::static_pointer_cast<internal::SyncInstrumentState<T>>(
      state_->provider()->GetInstrument(*state_, Describe<T>(kind, name, options)));
}

template <typename T>
ObservableRegistration Meter::Register(InstrumentKind kind, std::string_view name, const InstrumentOptions& options,
                                       ObservableCallback<T> callback) const {
  if (state_ == nullptr || callback == nullptr) return {};
  const auto& provider = state_->provider();
  const auto instrument = std::static_pointer_cast<internal::ObservableState<T>>(
      provider->GetInstrument(*state_, Describe<T>(kind, name, options)));
  if (instrument == nullptr) return {};
  auto added = std::make_shared<typename internal::ObservableState<T>::Callback>();
  added->function = std::move(callback);
  instrument->Add(added);
  return ObservableRegistration(std::make_shared<internal::CallbackRegistration>([instrument, added] {
    instrument->Remove(added);
    const std::lock_guard until_it_has_ended(added->running);
  }));
}

void ObservableRegistration::Detach() {
  if (registration_ != nullptr) registration_->Detach();
  registration_.reset();
}

template std::shared_ptr<internal::InstrumentCore<int64_t>> Meter::Create(InstrumentKind, std::string_view,
                                                                          const InstrumentOptions&) const;
template std::shared_ptr<internal::InstrumentCore<double>> Meter::Create(InstrumentKind, std::string_view,
                                                                         const InstrumentOptions&) const;
template ObservableRegistration Meter::Register(InstrumentKind, std::string_view, const InstrumentOptions&,
                                                ObservableCallback<int64_t>) const;
template ObservableRegistration Meter::Register(InstrumentKind, std::string_view, const InstrumentOptions&,
                                                ObservableCallback<double>) const;

}  // namespace otel
