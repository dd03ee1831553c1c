#include "config/settings.h"

#include <algorithm>
#include <utility>

#include "config/otlp_environment.h"

namespace otel::internal {
namespace {

template <typename Value, typename Found>
void Take(Value& value, std::optional<Found> found) {
  if (found) value = static_cast<Value>(*std::move(found));
}

bool SaysErrors(const Environment& environment) {
  constexpr Environment::Word<bool> kLevels[] = {{"none", false}, {"off", false},  {"error", true}, {"warn", true},
                                                 {"info", true},  {"debug", true}, {"trace", true}};
  return environment.Choice("OTEL_LOG_LEVEL", kLevels).value_or(true);
}

std::shared_ptr<const TextMapPropagator> ReadPropagator(const Environment& environment) {
  constexpr const char* kName = "OTEL_PROPAGATORS";
  const auto names = environment.List(kName).value_or(std::vector<std::string>{"tracecontext", "baggage"});
  std::vector<std::shared_ptr<const TextMapPropagator>> propagators;
  for (const std::string& name : names) {
    if (Environment::EqualsIgnoringCase(name, "none")) return CompositePropagator({});
    if (Environment::EqualsIgnoringCase(name, "tracecontext")) {
      propagators.push_back(TraceContextPropagator());
    } else if (Environment::EqualsIgnoringCase(name, "baggage")) {
      propagators.push_back(BaggagePropagator());
    } else {
      environment.WarnOf(kName, name, "is not known");
    }
  }
  if (propagators.empty()) propagators = {TraceContextPropagator(), BaggagePropagator()};
  return CompositePropagator(std::move(propagators));
}

enum class SamplerKind : uint8_t { kAlwaysOn, kAlwaysOff, kRatio };
struct SamplerChoice {
  SamplerKind kind;
  bool parent_based;
};

std::shared_ptr<const Sampler> ReadSampler(const Environment& environment) {
  constexpr Environment::Word<SamplerChoice> kSamplers[] = {
      {"always_on", {SamplerKind::kAlwaysOn, false}},
      {"always_off", {SamplerKind::kAlwaysOff, false}},
      {"traceidratio", {SamplerKind::kRatio, false}},
      {"parentbased_always_on", {SamplerKind::kAlwaysOn, true}},
      {"parentbased_always_off", {SamplerKind::kAlwaysOff, true}},
      {"parentbased_traceidratio", {SamplerKind::kRatio, true}},
  };
  const auto choice =
      environment.Choice("OTEL_TRACES_SAMPLER", kSamplers).value_or(SamplerChoice{SamplerKind::kAlwaysOn, true});
  auto root = choice.kind == SamplerKind::kAlwaysOff ? AlwaysOffSampler() : AlwaysOnSampler();
  if (choice.kind == SamplerKind::kRatio) {
    root = TraceIdRatioBasedSampler(environment.Ratio("OTEL_TRACES_SAMPLER_ARG").value_or(1.0));
  }
  return choice.parent_based ? ParentBasedSampler({.root = std::move(root)}) : root;
}

std::vector<ExporterKind> ReadExporters(const Environment& environment, const char* name) {
  const auto names = environment.List(name);
  if (!names) return {ExporterKind::kOtlp};
  std::vector<ExporterKind> exporters;
  for (const std::string& exporter : *names) {
    if (Environment::EqualsIgnoringCase(exporter, "none")) return {};
    if (Environment::EqualsIgnoringCase(exporter, "otlp")) {
      exporters.push_back(ExporterKind::kOtlp);
    } else if (Environment::EqualsIgnoringCase(exporter, "console") ||
               Environment::EqualsIgnoringCase(exporter, "logging")) {
      exporters.push_back(ExporterKind::kConsole);
    } else {
      environment.WarnOf(name, exporter, "is not known");
    }
  }
  if (exporters.empty()) exporters = {ExporterKind::kOtlp};
  return exporters;
}

SpanLimits ReadSpanLimits(const Environment& environment) {
  SpanLimits limits;
  Take(limits.attribute_count, environment.Number("OTEL_ATTRIBUTE_COUNT_LIMIT"));
  Take(limits.attribute_count, environment.Number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"));
  Take(limits.attribute_value_length, environment.Number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
  Take(limits.attribute_value_length, environment.Number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
  Take(limits.event_count, environment.Number("OTEL_SPAN_EVENT_COUNT_LIMIT"));
  Take(limits.link_count, environment.Number("OTEL_SPAN_LINK_COUNT_LIMIT"));
  Take(limits.event_attribute_count, environment.Number("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"));
  Take(limits.link_attribute_count, environment.Number("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"));
  return limits;
}

LogRecordLimits ReadLogRecordLimits(const Environment& environment) {
  LogRecordLimits limits;
  Take(limits.attribute_count, environment.Number("OTEL_ATTRIBUTE_COUNT_LIMIT"));
  Take(limits.attribute_count, environment.Number("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"));
  Take(limits.attribute_value_length, environment.Number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
  Take(limits.attribute_value_length, environment.Number("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
  return limits;
}

// Larger queues are a mistake: their memory is the limit of what a dead backend may cost.
constexpr int64_t kQueueRecordsMax = 1'000'000;

struct BatchNames {
  const char* queue;
  const char* batch;
  const char* delay;
  const char* timeout;
};

void ReadBatches(const Environment& environment, const BatchNames& names, size_t& queue, size_t& batch,
                 std::chrono::milliseconds& delay, std::chrono::milliseconds& timeout) {
  Take(queue, environment.Number(names.queue, 1, kQueueRecordsMax));
  Take(batch, environment.Number(names.batch, 1, kQueueRecordsMax));
  if (batch > queue) {
    environment.WarnOf(names.batch, std::to_string(batch), "is more than the queue holds, which is taken instead");
    batch = queue;
  }
  Take(delay, environment.Milliseconds(names.delay));
  Take(timeout, environment.Timeout(names.timeout));
}

void ReadMetricReaders(const Environment& environment, Settings& settings) {
  constexpr Environment::Word<TemporalityPreference> kTemporalities[] = {
      {"cumulative", TemporalityPreference::kCumulative},
      {"delta", TemporalityPreference::kDelta},
      {"lowmemory", TemporalityPreference::kLowMemory},
  };
  constexpr Environment::Word<bool> kAggregations[] = {{"explicit_bucket_histogram", false},
                                                       {"base2_exponential_bucket_histogram", true}};
  PeriodicReaderOptions& otlp = settings.metric_reader;
  PeriodicReaderOptions& console = settings.console_metric_reader;
  const auto interval = environment.Milliseconds("OTEL_METRIC_EXPORT_INTERVAL");
  Take(otlp.interval, interval);
  console.interval = interval.value_or(std::chrono::seconds(10));
  Take(otlp.export_timeout, environment.Timeout("OTEL_METRIC_EXPORT_TIMEOUT"));
  console.export_timeout = otlp.export_timeout;
  Take(otlp.temporality, environment.Choice("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", kTemporalities));
  if (environment.Choice("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", kAggregations).value_or(false)) {
    otlp.aggregation = [](InstrumentKind kind) -> Aggregation {
      if (kind == InstrumentKind::kHistogram) return Base2ExponentialBucketHistogramAggregation{};
      return DefaultAggregation{};
    };
  }
}

}  // namespace

Settings ReadSettings(const Environment& environment) {
  constexpr Environment::Word<ExemplarFilter> kFilters[] = {{"trace_based", ExemplarFilter::kTraceBased},
                                                            {"always_on", ExemplarFilter::kAlwaysOn},
                                                            {"always_off", ExemplarFilter::kAlwaysOff}};
  Settings settings;
  settings.disabled = environment.Flag("OTEL_SDK_DISABLED").value_or(false);
  settings.says_errors = SaysErrors(environment);
  settings.propagator = ReadPropagator(environment);
  settings.sampler = ReadSampler(environment);
  settings.traces = {ReadExporters(environment, "OTEL_TRACES_EXPORTER"), ReadOtlpOptions(environment, Signal::kTraces)};
  settings.metrics = {ReadExporters(environment, "OTEL_METRICS_EXPORTER"),
                      ReadOtlpOptions(environment, Signal::kMetrics)};
  settings.logs = {ReadExporters(environment, "OTEL_LOGS_EXPORTER"), ReadOtlpOptions(environment, Signal::kLogs)};
  settings.span_limits = ReadSpanLimits(environment);
  settings.log_record_limits = ReadLogRecordLimits(environment);
  auto& spans = settings.span_batches;
  ReadBatches(environment,
              {"OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_SCHEDULE_DELAY",
               "OTEL_BSP_EXPORT_TIMEOUT"},
              spans.queue_spans_max, spans.batch_spans_max, spans.schedule_delay, spans.export_timeout);
  auto& logs = settings.log_batches;
  ReadBatches(environment,
              {"OTEL_BLRP_MAX_QUEUE_SIZE", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "OTEL_BLRP_SCHEDULE_DELAY",
               "OTEL_BLRP_EXPORT_TIMEOUT"},
              logs.queue_records_max, logs.batch_records_max, logs.schedule_delay, logs.export_timeout);
  ReadMetricReaders(environment, settings);
  Take(settings.exemplar_filter, environment.Choice("OTEL_METRICS_EXEMPLAR_FILTER", kFilters));
  return settings;
}

}  // namespace otel::internal
