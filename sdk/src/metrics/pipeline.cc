#include "metrics/pipeline.h"

#include <algorithm>

#include "common/clock.h"
#include "common/report.h"
#include "metrics/provider_state.h"

namespace otel::internal {
namespace {

std::string KeyOf(std::string_view name, const InstrumentationScope& scope) {
  std::string key = std::to_string(reinterpret_cast<uintptr_t>(&scope)) + ' ';
  std::ranges::transform(name, std::back_inserter(key), LowerCase);
  return key;
}

}  // namespace

Pipeline::Pipeline(const std::shared_ptr<MetricReader>& reader, const MeterProviderOptions& options,
                   const std::shared_ptr<ProviderState>& provider)
    : reader_options_(reader->options()),
      temporality_(reader->options().temporality),
      resource_(options.resource),
      views_(options.views),
      exemplar_filter_(options.exemplar_filter),
      clock_(options.clock ? options.clock : NowNanos),
      provider_(provider),
      link_(std::make_shared<ReaderLink>()) {
  link_->reader = reader;
}

std::vector<ScopeMetrics> Pipeline::Collect() const {
  std::vector<ScopeMetrics> scopes;
  if (IsInCallback()) return scopes;
  const auto provider = provider_.lock();
  if (provider == nullptr) return scopes;
  const std::lock_guard one_at_a_time(provider->collecting());
  const std::lock_guard changing(provider->changing());
  const UnixNanos now = clock_();
  for (const auto& meter : provider->Meters()) {
    ScopeMetrics scope{meter.scope, {}};
    for (const auto& instrument : meter.instruments)
      instrument->Collect(*this, now, provider->changing(), scope.metrics);
    if (!scope.metrics.empty()) scopes.push_back(std::move(scope));
  }
  return scopes;
}

std::vector<ResolvedStream> Pipeline::Resolve(const InstrumentDescriptor& instrument,
                                              const InstrumentationScope& scope) {
  auto streams = ResolveStreams(views_, reader_options_, instrument, scope);
  for (const ResolvedStream& stream : streams) CheckIdentity(stream, instrument, scope);
  return streams;
}

void Pipeline::CheckIdentity(const ResolvedStream& resolved, const InstrumentDescriptor& instrument,
                             const InstrumentationScope& scope) {
  std::string key = KeyOf(resolved.name, scope);
  const auto others = identities_.equal_range(key);
  if (others.first != others.second) {
    const Identity& other = others.first->second;
    std::string message =
        "two metrics of meter " + scope.name + " are named " + resolved.name + "; both are exported. ";
    if (other.instrument.kind != instrument.kind) {
      message.append("One is a ").append(NameOf(other.instrument.kind)).append(", the other one a ");
      message.append(NameOf(instrument.kind)).append(": a view that selects one by its kind can rename it.");
    } else if (other.instrument.unit != instrument.unit) {
      message.append("Their units are \"" + other.instrument.unit + "\" and \"" + instrument.unit);
      message.append("\": a view that selects one by its unit can rename it.");
    } else if (other.description != resolved.description) {
      message.append("A view that sets their description makes them one kind of metric.");
    } else {
      message.append("Views or types of numbers are all that differs: a view can rename one.");
    }
    Report("metrics", message);
  }
  identities_.emplace(std::move(key), Identity{instrument, resolved.description});
}

StreamConfig Pipeline::ConfigOf(const ResolvedStream& resolved, const InstrumentDescriptor& instrument) const {
  return {.name = resolved.name,
          .description = resolved.description,
          .unit = instrument.unit,
          .filter = resolved.filter,
          .temporality = TemporalityOf(temporality_, instrument.kind),
          .cardinality_limit = resolved.cardinality_limit,
          .exemplar_filter = exemplar_filter_,
          .exemplar_reservoir = resolved.exemplar_reservoir,
          .clock = clock_,
          .on_new_cell = [link = link_] { link->Begin(); }};
}

void Pipeline::ReaderLink::Begin() {
  if (!first_in_child.load(std::memory_order_relaxed)) return;
  if (!first_in_child.exchange(false)) return;
  if (const auto alive = reader.lock()) ReaderAccess::OnFirstMeasurement(*alive);
}

void Pipeline::OnForkedChild() {
  const auto reader = link_->reader.lock();
  if (reader == nullptr) return;
  ReaderAccess::OnForkedChild(*reader);
  link_->first_in_child.store(true);
}

}  // namespace otel::internal
