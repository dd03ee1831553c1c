#include "otel/telemetry.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>

#include "otel/console_exporter.h"
#include "otel/errors.h"
#include "otel/in_memory_log_exporter.h"
#include "otel/in_memory_span_exporter.h"

namespace otel {
namespace {

// Sets variables of this process until it is destroyed.
class ProcessEnvironment {
 public:
  explicit ProcessEnvironment(std::map<std::string, std::string> variables) : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) setenv(name.c_str(), value.c_str(), 1);
  }
  ProcessEnvironment(const ProcessEnvironment&) = delete;
  ProcessEnvironment& operator=(const ProcessEnvironment&) = delete;
  ~ProcessEnvironment() {
    for (const auto& [name, value] : variables_) unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::string> variables_;
};

// Keeps the names and the resource of what is exported.
class NamesExporter final : public MetricExporter {
 public:
  struct Kept {
    std::mutex mutex;
    std::vector<std::string> names;
    Resource resource;
  };
  explicit NamesExporter(std::shared_ptr<Kept> kept) : kept_(std::move(kept)) {}

  ExportResult Export(const MetricBatch& batch, Deadline) override {
    const std::lock_guard lock(kept_->mutex);
    kept_->resource = batch.resource;
    for (const auto& scope : batch.scopes) {
      for (const auto& metric : scope.metrics) kept_->names.push_back(metric.name);
    }
    return ExportResult::kSuccess;
  }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override { return true; }

 private:
  const std::shared_ptr<Kept> kept_;
};

struct Kept {
  TelemetryOptions Options() {
    TelemetryOptions options;
    options.span_exporter = spans.Exporter();
    options.log_exporter = logs.Exporter();
    options.metric_exporter = std::make_unique<NamesExporter>(metrics);
    return options;
  }

  InMemorySpans spans;
  InMemoryLogs logs;
  std::shared_ptr<NamesExporter::Kept> metrics = std::make_shared<NamesExporter::Kept>();
};

std::string ServiceName(const Resource& resource) {
  const auto name = resource.attributes.Find("service.name");
  return name ? std::string(name->as_string()) : std::string();
}

TEST(Telemetry, CarriesAllSignalsOfHandlesThatWereThereBefore) {
  const Tracer tracer = GetTracer("lib");
  const Logger logger = GetLogger("lib");
  const auto counter = GetMeter("lib").CreateCounter<int64_t>("work.done");
  Kept kept;
  {
    auto options = kept.Options();
    options.service_name = "shop";
    options.resource.attributes = {{"service.version", "7"}};
    const Telemetry telemetry = Configure(std::move(options));
    {
      const auto span = tracer.StartSpan("work");
      const Scope scope(span);
      logger.Emit({.body = "working"});
      counter.Add(1);
    }
    EXPECT_TRUE(telemetry.ForceFlush());
    EXPECT_EQ(kept.spans.size(), 1);
    EXPECT_EQ(kept.logs.size(), 1);
    logger.Emit({.body = "last words"});
  }
  ASSERT_EQ(kept.logs.size(), 2);  // the end has flushed
  EXPECT_EQ(kept.logs.records()[0].span_id, kept.spans.spans()[0].context.span_id);
  EXPECT_THAT(kept.metrics->names, testing::Contains("work.done"));
  for (const auto& resource : {kept.spans.resource(), kept.logs.resource(), kept.metrics->resource}) {
    EXPECT_EQ(ServiceName(resource), "shop");
    EXPECT_EQ(resource.attributes.Find("service.version")->as_string(), "7");
    EXPECT_EQ(resource.attributes.Find("telemetry.sdk.language")->as_string(), "cpp");
  }
  logger.Emit({.body = "nobody hears it"});
  EXPECT_EQ(kept.logs.size(), 2);
}

TEST(Telemetry, TakesTheEnvironmentWhereTheCodeSaysNothing) {
  const ProcessEnvironment environment({{"OTEL_SERVICE_NAME", "from-environment"},
                                        {"OTEL_TRACES_SAMPLER", "always_off"},
                                        {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1"}});
  Kept kept;
  {
    const Telemetry telemetry = Configure(kept.Options());
    EXPECT_FALSE(GetTracer("lib").StartSpan("dropped").context().flags.sampled());
    GetLogger("lib").Emit({.attributes = {{"a", 1}, {"b", 2}}});
  }
  EXPECT_EQ(kept.spans.size(), 0);
  ASSERT_EQ(kept.logs.size(), 1);
  EXPECT_EQ(kept.logs.records()[0].dropped_attributes, 1);
  EXPECT_EQ(ServiceName(kept.logs.resource()), "from-environment");
}

TEST(Telemetry, TakesTheCodeBeforeTheEnvironment) {
  const ProcessEnvironment environment({{"OTEL_SERVICE_NAME", "from-environment"},
                                        {"OTEL_TRACES_SAMPLER", "always_off"},
                                        {"OTEL_TRACES_EXPORTER", "none"},
                                        {"OTEL_PROPAGATORS", "none"}});
  Kept kept;
  {
    auto options = kept.Options();
    options.service_name = "from-code";
    options.sampler = AlwaysOnSampler();
    options.propagator = BaggagePropagator();
    const Telemetry telemetry = Configure(std::move(options));
    GetTracer("lib").StartSpan("recorded");
    EXPECT_THAT(GetPropagator().Fields(), testing::ElementsAre("baggage"));
  }
  EXPECT_EQ(kept.spans.size(), 1);
  EXPECT_EQ(ServiceName(kept.spans.resource()), "from-code");
}

TEST(Telemetry, ObservesUntilItsLastCollectionAndNotWhereAnInstrumentationFails) {
  const auto observe = [] {
    return std::make_shared<ObservableRegistration>(GetMeter("lib").CreateObservableGauge<int64_t>(
        "observed", {}, [](Observer<int64_t>& observer) { observer.Observe(1); }));
  };
  Kept kept;
  std::weak_ptr<ObservableRegistration> observing;
  const uint64_t errors_before = ErrorCount("configuration");
  {
    auto options = kept.Options();
    options.instrumentations = {[]() -> std::shared_ptr<void> { throw std::runtime_error("no such thing"); },
                                [&] {
                                  auto registration = observe();
                                  observing = registration;
                                  return registration;
                                }};
    Telemetry telemetry = Configure(std::move(options));
    const Telemetry moved = std::move(telemetry);
    EXPECT_FALSE(observing.expired());
  }
  EXPECT_TRUE(observing.expired());
  EXPECT_THAT(kept.metrics->names, testing::Contains("observed"));
  EXPECT_EQ(ErrorCount("configuration"), errors_before + 1);
}

TEST(Telemetry, OnlyPropagatesWhereItIsDisabled) {
  const ProcessEnvironment environment(std::map<std::string, std::string>{{"OTEL_SDK_DISABLED", "true"}});
  Kept kept;
  {
    const Telemetry telemetry = Configure(kept.Options());
    EXPECT_FALSE(GetTracer("lib").Enabled());
    EXPECT_FALSE(GetLogger("lib").Enabled());
    GetTracer("lib").StartSpan("dropped");
    EXPECT_THAT(GetPropagator().Fields(), testing::ElementsAre("traceparent", "tracestate", "baggage"));
  }
  EXPECT_EQ(kept.spans.size(), 0);
}

TEST(Telemetry, SwitchesSignalsOff) {
  const ProcessEnvironment environment(
      {{"OTEL_TRACES_EXPORTER", "none"}, {"OTEL_METRICS_EXPORTER", "none"}, {"OTEL_LOGS_EXPORTER", "none"}});
  const Telemetry telemetry = Configure();
  EXPECT_FALSE(GetTracer("lib").Enabled());
  EXPECT_FALSE(GetLogger("lib").Enabled());
  EXPECT_FALSE(GetMeter("lib").CreateCounter<int64_t>("switched.off").Enabled());
}

TEST(Telemetry, IsConfiguredOnceAtATime) {
  Kept first, second;
  const uint64_t before = ErrorCount("configuration");
  {
    const Telemetry telemetry = Configure(first.Options());
    {
      Telemetry ignored = Configure(second.Options());
      EXPECT_TRUE(ignored.Shutdown());
    }
    GetLogger("lib").Emit({.body = "to the first one"});
  }
  EXPECT_EQ(ErrorCount("configuration"), before + 1);
  EXPECT_EQ(first.logs.size(), 1);
  EXPECT_EQ(second.logs.size(), 0);
  {
    Telemetry moved = Configure(second.Options());
    const Telemetry telemetry = std::move(moved);
    GetLogger("lib").Emit({.body = "to the second one"});
  }
  EXPECT_EQ(second.logs.size(), 1);
}

TEST(Telemetry, ReportsWhatItCannotSend) {
  // Nothing listens on port 1.
  const ProcessEnvironment environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"},
                                        {"OTEL_EXPORTER_OTLP_TIMEOUT", "50"},
                                        {"OTEL_LOG_LEVEL", "none"}});
  Telemetry telemetry = Configure();
  GetLogger("lib").Emit({.body = "lost"});
  EXPECT_FALSE(telemetry.Shutdown());
  EXPECT_GE(ErrorCount("log processor"), 1);
}

// What static objects do whose destructors run after main: one before and one after that of the Telemetry.
struct UsesTelemetryAtTheEnd {
  explicit UsesTelemetryAtTheEnd(const char* words) : words(words) {}
  ~UsesTelemetryAtTheEnd() {
    counter.Add(1);
    const auto late = GetTracer("late").StartSpan(words);
    const Scope scope(late);
    GetLogger("late").Emit({.body = words});
    GetMeter("late").CreateHistogram<double>("late").Record(0.5);
    span.End();
  }
  const char* words;
  Counter<int64_t> counter = GetMeter("lib").CreateCounter<int64_t>("work.done");
  Span span = {};
};

TEST(StaticDestruction, AllSignalsMayBeUsedBeforeAndAfterTheEndOfTelemetry) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // in a process that begins anew
  EXPECT_EXIT(
      {
        static UsesTelemetryAtTheEnd after("is not heard");
        TelemetryOptions options;
        options.span_exporter = std::make_unique<ConsoleSpanExporter>(stderr);
        options.log_exporter = std::make_unique<ConsoleLogExporter>(stderr);
        options.metric_exporter = std::make_unique<ConsoleMetricExporter>(stderr);
        static const Telemetry telemetry = Configure(std::move(options));
        static UsesTelemetryAtTheEnd before("last words");
        before.span = GetTracer("lib").StartSpan("ends last");
        after.span = GetTracer("lib").StartSpan("ends too late");
        std::exit(0);
      },
      testing::ExitedWithCode(0),
      testing::AllOf(testing::HasSubstr("last words"), testing::HasSubstr("ends last"), testing::HasSubstr("work.done"),
                     testing::Not(testing::HasSubstr("is not heard")),
                     testing::Not(testing::HasSubstr("ends too late"))));
}

}  // namespace
}  // namespace otel
