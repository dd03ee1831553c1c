#include "config/settings.h"

#include <gmock/gmock.h>

#include "common/testing/given_environment.h"

namespace otel::internal {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

using Variables = std::map<std::string, std::string>;

Settings Read(const Variables& variables) {
  return ReadSettings(GivenEnvironment(variables).environment());
}

TEST(Settings, HasTheSpecificationsDefaults) {
  const GivenEnvironment given({});
  const Settings settings = ReadSettings(given.environment());
  EXPECT_THAT(given.warnings(), IsEmpty());
  EXPECT_FALSE(settings.disabled);
  EXPECT_TRUE(settings.says_errors);
  EXPECT_THAT(settings.propagator->Fields(), ElementsAre("traceparent", "tracestate", "baggage"));
  EXPECT_EQ(settings.sampler->Description(), ParentBasedSampler()->Description());
  for (const auto* const signal : {&settings.traces, &settings.metrics, &settings.logs}) {
    EXPECT_THAT(signal->exporters, ElementsAre(ExporterKind::kOtlp));
  }
  EXPECT_EQ(settings.span_limits.attribute_count, 128);
  EXPECT_EQ(settings.span_limits.attribute_value_length, std::nullopt);
  EXPECT_EQ(settings.span_batches.queue_spans_max, 2048);
  EXPECT_EQ(settings.span_batches.batch_spans_max, 512);
  EXPECT_EQ(settings.span_batches.schedule_delay, milliseconds(5000));
  EXPECT_EQ(settings.span_batches.export_timeout, milliseconds(30'000));
  EXPECT_EQ(settings.log_batches.schedule_delay, milliseconds(1000));
  EXPECT_EQ(settings.metric_reader.interval, milliseconds(60'000));
  EXPECT_EQ(settings.metric_reader.export_timeout, milliseconds(30'000));
  EXPECT_EQ(settings.metric_reader.temporality, TemporalityPreference::kCumulative);
  EXPECT_EQ(settings.metric_reader.aggregation, nullptr);
  EXPECT_EQ(settings.exemplar_filter, ExemplarFilter::kTraceBased);
}

TEST(Settings, ChoosesSamplers) {
  const struct {
    const char* name;
    const char* argument;
    std::shared_ptr<const Sampler> sampler;
    size_t warnings;
  } kCases[] = {
      {"always_on", "", AlwaysOnSampler(), 0},
      {"always_off", "", AlwaysOffSampler(), 0},
      {"traceidratio", "0.25", TraceIdRatioBasedSampler(0.25), 0},
      {"traceidratio", "", TraceIdRatioBasedSampler(1), 0},
      {"traceidratio", "2", TraceIdRatioBasedSampler(1), 1},
      {"parentbased_always_on", "", ParentBasedSampler(), 0},
      {"PARENTBASED_ALWAYS_OFF", "", ParentBasedSampler({.root = AlwaysOffSampler()}), 0},
      {"parentbased_traceidratio", "0.5", ParentBasedSampler({.root = TraceIdRatioBasedSampler(0.5)}), 0},
      {"jaeger_remote", "", ParentBasedSampler(), 1},
  };
  for (const auto& [name, argument, sampler, warnings] : kCases) {
    SCOPED_TRACE(name);
    const GivenEnvironment given({{"OTEL_TRACES_SAMPLER", name}, {"OTEL_TRACES_SAMPLER_ARG", argument}});
    EXPECT_EQ(ReadSettings(given.environment()).sampler->Description(), sampler->Description());
    EXPECT_EQ(given.warnings().size(), warnings);
  }
}

TEST(Settings, ChoosesPropagators) {
  const struct {
    const char* list;
    std::vector<std::string_view> fields;
    size_t warnings;
  } kCases[] = {
      {"baggage", {"baggage"}, 0},
      {"tracecontext", {"traceparent", "tracestate"}, 0},
      {"b3,baggage", {"baggage"}, 1},
      {"b3", {"traceparent", "tracestate", "baggage"}, 1},
      {"none", {}, 0},
  };
  for (const auto& [list, fields, warnings] : kCases) {
    SCOPED_TRACE(list);
    const GivenEnvironment given(std::map<std::string, std::string>{{"OTEL_PROPAGATORS", list}});
    EXPECT_EQ(ReadSettings(given.environment()).propagator->Fields(), fields);
    EXPECT_EQ(given.warnings().size(), warnings);
  }
}

TEST(Settings, ChoosesExportersBySignal) {
  const GivenEnvironment given(
      {{"OTEL_TRACES_EXPORTER", "console,OTLP"}, {"OTEL_METRICS_EXPORTER", "none"}, {"OTEL_LOGS_EXPORTER", "syslog"}});
  const Settings settings = ReadSettings(given.environment());
  EXPECT_THAT(settings.traces.exporters, ElementsAre(ExporterKind::kConsole, ExporterKind::kOtlp));
  EXPECT_THAT(settings.metrics.exporters, IsEmpty());
  EXPECT_THAT(settings.logs.exporters, ElementsAre(ExporterKind::kOtlp));
  EXPECT_THAT(given.warnings(), ElementsAre("OTEL_LOGS_EXPORTER=syslog: is not known"));
}

TEST(Settings, ReadsTheOtlpVariablesOfEachSignal) {
  const Settings settings = Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318"},
                                  {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics/v1/metrics"}});
  EXPECT_EQ(settings.traces.otlp.endpoint, "http://all:4318");
  EXPECT_EQ(settings.metrics.otlp.url, "http://metrics/v1/metrics");
  EXPECT_EQ(settings.logs.otlp.endpoint, "http://all:4318");
}

TEST(Settings, ReadsLimitsWithThoseOfTheSignalFirst) {
  const Variables general = {{"OTEL_ATTRIBUTE_COUNT_LIMIT", "10"}, {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"}};
  EXPECT_EQ(Read(general).span_limits.attribute_count, 10);
  EXPECT_EQ(Read(general).span_limits.attribute_value_length, 100);
  EXPECT_EQ(Read(general).span_limits.event_attribute_count, 128);
  EXPECT_EQ(Read(general).log_record_limits.attribute_count, 10);
  EXPECT_EQ(Read(general).log_record_limits.attribute_value_length, 100);

  Variables own = general;
  own.merge(Variables{{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"},
                      {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"},
                      {"OTEL_SPAN_EVENT_COUNT_LIMIT", "3"},
                      {"OTEL_SPAN_LINK_COUNT_LIMIT", "4"},
                      {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "5"},
                      {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "6"},
                      {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "7"},
                      {"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "8"}});
  const Settings settings = Read(own);
  EXPECT_EQ(settings.span_limits.attribute_count, 1);
  EXPECT_EQ(settings.span_limits.attribute_value_length, 2);
  EXPECT_EQ(settings.span_limits.event_count, 3);
  EXPECT_EQ(settings.span_limits.link_count, 4);
  EXPECT_EQ(settings.span_limits.event_attribute_count, 5);
  EXPECT_EQ(settings.span_limits.link_attribute_count, 6);
  EXPECT_EQ(settings.log_record_limits.attribute_count, 7);
  EXPECT_EQ(settings.log_record_limits.attribute_value_length, 8);
}

TEST(Settings, ReadsBatches) {
  const Settings settings = Read({{"OTEL_BSP_MAX_QUEUE_SIZE", "100"},
                                  {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"},
                                  {"OTEL_BSP_SCHEDULE_DELAY", "250"},
                                  {"OTEL_BSP_EXPORT_TIMEOUT", "0"},
                                  {"OTEL_BLRP_MAX_QUEUE_SIZE", "200"},
                                  {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "20"},
                                  {"OTEL_BLRP_SCHEDULE_DELAY", "350"},
                                  {"OTEL_BLRP_EXPORT_TIMEOUT", "450"}});
  EXPECT_EQ(settings.span_batches.queue_spans_max, 100);
  EXPECT_EQ(settings.span_batches.batch_spans_max, 10);
  EXPECT_EQ(settings.span_batches.schedule_delay, milliseconds(250));
  EXPECT_GT(settings.span_batches.export_timeout, std::chrono::hours(24));  // no limit
  EXPECT_EQ(settings.log_batches.queue_records_max, 200);
  EXPECT_EQ(settings.log_batches.batch_records_max, 20);
  EXPECT_EQ(settings.log_batches.schedule_delay, milliseconds(350));
  EXPECT_EQ(settings.log_batches.export_timeout, milliseconds(450));
}

TEST(Settings, MakesNoBatchLargerThanItsQueue) {
  const GivenEnvironment given(std::map<std::string, std::string>{{"OTEL_BSP_MAX_QUEUE_SIZE", "100"}});
  const Settings settings = ReadSettings(given.environment());
  EXPECT_EQ(settings.span_batches.batch_spans_max, 100);
  EXPECT_EQ(given.warnings().size(), 1);
}

TEST(Settings, ReadsMetrics) {
  const Settings settings =
      Read({{"OTEL_METRIC_EXPORT_INTERVAL", "1000"},
            {"OTEL_METRIC_EXPORT_TIMEOUT", "900"},
            {"OTEL_METRICS_EXEMPLAR_FILTER", "always_off"},
            {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "LowMemory"},
            {"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram"}});
  EXPECT_EQ(settings.metric_reader.interval, milliseconds(1000));
  EXPECT_EQ(settings.metric_reader.export_timeout, milliseconds(900));
  EXPECT_EQ(settings.exemplar_filter, ExemplarFilter::kAlwaysOff);
  EXPECT_EQ(settings.metric_reader.temporality, TemporalityPreference::kLowMemory);
  const auto& aggregation = settings.metric_reader.aggregation;
  EXPECT_TRUE(
      std::holds_alternative<Base2ExponentialBucketHistogramAggregation>(aggregation(InstrumentKind::kHistogram)));
  EXPECT_TRUE(std::holds_alternative<DefaultAggregation>(aggregation(InstrumentKind::kCounter)));
}

TEST(Settings, PrintsMetricsEveryTenSecondsWhateverIsSaidOfOtlp) {
  const Variables otlp = {
      {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"},
      {"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram"}};
  const auto reader = Read(otlp).console_metric_reader;
  EXPECT_EQ(reader.interval, milliseconds(10'000));
  EXPECT_EQ(reader.temporality, TemporalityPreference::kCumulative);
  EXPECT_EQ(reader.aggregation, nullptr);
  const auto told =
      Read({{"OTEL_METRIC_EXPORT_INTERVAL", "1000"}, {"OTEL_METRIC_EXPORT_TIMEOUT", "900"}}).console_metric_reader;
  EXPECT_EQ(told.interval, milliseconds(1000));
  EXPECT_EQ(told.export_timeout, milliseconds(900));
}

TEST(Settings, KeepsTheDefaultForWhatIsMalformed) {
  const GivenEnvironment given({{"OTEL_BSP_MAX_QUEUE_SIZE", "0"},
                                {"OTEL_BSP_SCHEDULE_DELAY", "-5"},
                                {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "many"},
                                {"OTEL_METRIC_EXPORT_INTERVAL", "1m"},
                                {"OTEL_SPAN_EVENT_COUNT_LIMIT", ""},
                                {"OTEL_LOG_LEVEL", "loud"},
                                {"OTEL_METRICS_EXEMPLAR_FILTER", "some"}});
  const Settings settings = ReadSettings(given.environment());
  EXPECT_EQ(settings.span_batches.queue_spans_max, 2048);
  EXPECT_EQ(settings.span_batches.schedule_delay, milliseconds(5000));
  EXPECT_EQ(settings.log_batches.batch_records_max, 512);
  EXPECT_EQ(settings.metric_reader.interval, milliseconds(60'000));
  EXPECT_EQ(settings.span_limits.event_count, 128);
  EXPECT_TRUE(settings.says_errors);
  EXPECT_EQ(given.warnings().size(), 6);
}

TEST(Settings, SwitchesOff) {
  EXPECT_TRUE(Read({{"OTEL_SDK_DISABLED", "TRUE"}}).disabled);
  EXPECT_FALSE(Read({{"OTEL_SDK_DISABLED", "1"}}).disabled);
  EXPECT_FALSE(Read({{"OTEL_LOG_LEVEL", "none"}}).says_errors);
  EXPECT_TRUE(Read({{"OTEL_LOG_LEVEL", "DEBUG"}}).says_errors);
}

}  // namespace
}  // namespace otel::internal
