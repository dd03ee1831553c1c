// One reader's way to the instruments of a provider: what becomes of each of them, and how all are collected.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "metrics/stream.h"
#include "metrics/view_resolution.h"
#include "otel/meter_provider.h"

namespace otel::internal {

class ProviderState;

// Thread: any for what is const; the rest is guarded by the provider.
class Pipeline {
 public:
  Pipeline(const std::shared_ptr<MetricReader>& reader, const MeterProviderOptions& options,
           const std::shared_ptr<ProviderState>& provider);

  const Resource& resource() const { return resource_; }
  ExemplarFilter exemplar_filter() const { return exemplar_filter_; }
  std::chrono::milliseconds callback_timeout() const { return reader_options_.callback_timeout; }
  std::shared_ptr<MetricReader> reader() const { return link_->reader.lock(); }  // none where it is being destroyed
  // Calls the callbacks and takes all points.
  std::vector<ScopeMetrics> Collect() const;

  // The streams that an instrument has here. Reports those that can't be told from another one's.
  std::vector<ResolvedStream> Resolve(const InstrumentDescriptor& instrument, const InstrumentationScope& scope);
  StreamConfig ConfigOf(const ResolvedStream& resolved, const InstrumentDescriptor& instrument) const;

  void OnForkedChild();
  // In the child of a fork, when something is first asked of the reader there.
  void BeginInChild() const { link_->Begin(); }

 private:
  // What tells metrics of a meter apart but for their names.
  struct Identity {
    InstrumentDescriptor instrument;
    std::string description;
  };
  // Streams have it too, and may outlive the reader.
  struct ReaderLink {
    std::weak_ptr<MetricReader> reader;
    std::atomic<bool> first_in_child{false};

    void Begin();
  };

  void CheckIdentity(const ResolvedStream& resolved, const InstrumentDescriptor& instrument,
                     const InstrumentationScope& scope);

  const MetricReaderOptions& reader_options_;  // of a reader that lives as long as instruments are attached
  const TemporalityPreference temporality_;
  const Resource resource_;
  const std::vector<View> views_;
  const ExemplarFilter exemplar_filter_;
  const std::function<UnixNanos()> clock_;
  const std::weak_ptr<ProviderState> provider_;
  const std::shared_ptr<ReaderLink> link_;
  std::unordered_multimap<std::string, Identity> identities_;  // by meter and name in lower case
};

}  // namespace otel::internal
