#include "otel/logs.h"

#include <gmock/gmock.h>

#include <chrono>
#include <map>
#include <thread>

#include "otel/context.h"
#include "otel/errors.h"
#include "otel/in_memory_log_exporter.h"
#include "otel/logger_provider.h"

namespace otel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr UnixNanos kNow = 1'700'000'000'000'000'000;

Deadline Soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(10);
}

SpanContext SomeSpan() {
  SpanContext span;
  span.trace_id = *TraceId::FromHex("0af7651916cd43dd8448eb211c80319c");
  span.span_id = *SpanId::FromHex("b7ad6b7169203331");
  span.flags.bits = TraceFlags::kSampled;
  return span;
}

// A provider whose records end up in `kept`.
struct Logs {
  explicit Logs(LoggerProviderOptions options = {}) {
    options.processors.push_back(std::make_shared<SimpleLogRecordProcessor>(kept.Exporter()));
    options.clock = [] { return kNow; };
    provider.Start(std::move(options));
  }
  LogData only() const {
    EXPECT_EQ(kept.size(), 1);
    return kept.records().at(0);
  }

  InMemoryLogs kept;
  LoggerProvider provider;
};

std::map<std::string, int64_t> Ints(AttributesView attributes) {
  std::map<std::string, int64_t> ints;
  for (const auto& [key, value] : attributes) ints[std::string(key)] = value.as_int();
  return ints;
}

TEST(Logger, EmitsAllThatItIsTold) {
  Logs logs({.resource = {{{"service.name", "shop"}}, ""}});
  const Logger logger = logs.provider.GetLogger("lib", "1.2", "https://schema", {{"scope.attribute", true}});
  const Context context = Context().WithSpanContext(SomeSpan());
  logger.Emit({.severity = Severity::kWarn,
               .severity_text = "warning",
               .body = AnyValue::Map({{"user", 7}, {"plan", "free"}}),
               .attributes = {{"n", 3}, {"m", 4}},
               .event_name = "plan.changed",
               .time = kNow - 5,
               .observed_time = kNow - 1,
               .context = &context});
  const LogData record = logs.only();
  EXPECT_EQ(record.severity, Severity::kWarn);
  EXPECT_EQ(record.severity_text, "warning");
  EXPECT_EQ(record.body.as_map()[1].value.as_string(), "free");
  EXPECT_EQ(Ints(record.attributes), (std::map<std::string, int64_t>{{"n", 3}, {"m", 4}}));
  EXPECT_EQ(record.event_name, "plan.changed");
  EXPECT_EQ(record.time, kNow - 5);
  EXPECT_EQ(record.observed_time, kNow - 1);
  EXPECT_EQ(record.trace_id, SomeSpan().trace_id);
  EXPECT_EQ(record.span_id, SomeSpan().span_id);
  EXPECT_TRUE(record.flags.sampled());
  EXPECT_EQ(*record.scope, (InstrumentationScope{"lib", "1.2", "https://schema", {{"scope.attribute", true}}}));
  EXPECT_EQ(logs.kept.resource().attributes, (Attributes{{"service.name", "shop"}}));
}

TEST(Logger, TakesTheCurrentContextAndTime) {
  Logs logs;
  {
    const Scope scope(Context::Current().WithSpanContext(SomeSpan()));
    logs.provider.GetLogger("lib").Emit({.body = "within"});
  }
  logs.provider.GetLogger("lib").Emit({.body = "outside"});
  const auto records = logs.kept.records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].span_id, SomeSpan().span_id);
  EXPECT_EQ(records[0].observed_time, kNow);
  EXPECT_EQ(records[0].time, 0);
  EXPECT_FALSE(records[1].trace_id.IsValid());
}

TEST(Logger, KeepsTheLastOfAttributesWithTheSameKeyAndNoneWithout) {
  Logs logs;
  logs.provider.GetLogger("lib").Emit({.attributes = {{"a", 1}, {"", 2}, {"b", 3}, {"a", 4}}});
  EXPECT_EQ(Ints(logs.only().attributes), (std::map<std::string, int64_t>{{"a", 4}, {"b", 3}}));
  EXPECT_EQ(logs.only().dropped_attributes, 0);
}

TEST(Logger, LimitsAttributes) {
  Logs logs({.limits = {.attribute_count = 2, .attribute_value_length = 3}});
  logs.provider.GetLogger("lib").Emit(
      {.body = "whole body", .attributes = {{"a", "long text"}, {"b", 1}, {"c", 2}, {"b", 3}, {"d", 4}}});
  const LogData record = logs.only();
  ASSERT_THAT(record.attributes, SizeIs(2));
  EXPECT_EQ(record.attributes[0].value.as_string(), "lon");
  EXPECT_EQ(record.attributes[1].value.as_int(), 3);
  EXPECT_EQ(record.dropped_attributes, 2);
  EXPECT_EQ(record.body.as_string(), "whole body");
}

TEST(Logger, DropsWhatIsBelowTheMinimumSeverity) {
  Logs logs({.minimum_severity = Severity::kWarn});
  const Logger logger = logs.provider.GetLogger("lib");
  EXPECT_FALSE(logger.Enabled(Severity::kInfo));
  EXPECT_TRUE(logger.Enabled(Severity::kWarn));
  EXPECT_TRUE(logger.Enabled());  // a record without severity
  logger.Emit({.severity = Severity::kInfo, .body = "low"});
  logger.Emit({.body = "none"});
  EXPECT_EQ(logs.only().body.as_string(), "none");
}

TEST(Logger, WorksBeforeStartAndAfterShutdown) {
  LoggerProvider provider;
  const Logger logger = provider.GetLogger("early");
  EXPECT_FALSE(logger.Enabled());
  logger.Emit({.body = "nobody hears it"});
  EXPECT_FALSE(Logger().Enabled());
  Logger().Emit({});

  InMemoryLogs kept;
  provider.Start({.processors = {std::make_shared<SimpleLogRecordProcessor>(kept.Exporter())}});
  EXPECT_TRUE(logger.Enabled());
  logger.Emit({.body = "heard"});
  EXPECT_TRUE(provider.ForceFlush(Soon()));
  EXPECT_TRUE(provider.Shutdown(Soon()));
  EXPECT_FALSE(logger.Enabled());
  logger.Emit({.body = "late"});
  EXPECT_EQ(kept.size(), 1);
  EXPECT_GT(kept.records()[0].observed_time, kNow);  // of the system's clock
}

TEST(Logger, OutlivesItsProvider) {
  auto provider = std::make_unique<LoggerProvider>();
  const Logger logger = provider->GetLogger("long-lived");
  provider.reset();
  EXPECT_FALSE(logger.Enabled());
  logger.Emit({});
}

TEST(LoggerProvider, ReturnsTheSameLoggerForTheSameScope) {
  Logs logs;
  logs.provider.GetLogger("lib", "1").Emit({});
  logs.provider.GetLogger("lib", "1").Emit({});
  logs.provider.GetLogger("lib", "2").Emit({});
  const auto records = logs.kept.records();
  EXPECT_EQ(records[0].scope, records[1].scope);
  EXPECT_NE(records[0].scope, records[2].scope);
}

TEST(LoggerProvider, IsStartedOnceAtATime) {
  Logs logs;
  const uint64_t before = ErrorCount("logger provider");
  logs.provider.Start({.processors = {std::make_shared<SimpleLogRecordProcessor>(InMemoryLogs().Exporter())}});
  EXPECT_EQ(ErrorCount("logger provider"), before + 1);
  logs.provider.GetLogger("lib").Emit({});
  EXPECT_THAT(logs.kept.records(), SizeIs(1));
}

// Hides what looks like a secret, and what nobody wants.
class Redaction final : public LogRecordProcessor {
 public:
  bool Enabled(const InstrumentationScope& scope, Severity, std::string_view, const Context&) const override {
    return scope.name != "noisy";
  }
  void OnEmit(EmittedLog& record, const Context&) override {
    record.SetAttribute("password", std::string("*").append("**"));
    record.SetAttribute("redacted", true);
    record.RemoveAttribute("internal");
    record.SetBody(std::string("body of ") + std::string(record.data().scope->name));
    record.SetSeverity(Severity::kInfo, "INFO");
  }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override { return true; }
};

TEST(LogRecordProcessor, ChangesWhatLaterOnesSee) {
  Logs logs({.processors = {std::make_shared<Redaction>()}});
  logs.provider.GetLogger("lib").Emit({.attributes = {{"password", "secret"}, {"kept", 1}, {"internal", 2}}});
  const LogData record = logs.only();
  EXPECT_EQ(record.body.as_string(), "body of lib");
  EXPECT_EQ(record.severity, Severity::kInfo);
  const Attributes attributes(record.attributes);
  EXPECT_EQ(attributes, (Attributes{{"password", "***"}, {"kept", 1}, {"redacted", true}}));
}

TEST(LogRecordProcessor, IsAskedWhetherALoggerIsEnabled) {
  LoggerProvider provider({.processors = {std::make_shared<Redaction>()}});
  EXPECT_FALSE(provider.GetLogger("noisy").Enabled(Severity::kFatal));
  EXPECT_TRUE(provider.GetLogger("lib").Enabled(Severity::kTrace));
}

TEST(SimpleLogRecordProcessor, TakesRecordsOfManyThreads) {
  Logs logs;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const Logger logger = logs.provider.GetLogger("lib");
      for (int j = 0; j < 250; ++j) logger.Emit({.attributes = {{"j", j}}});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(logs.kept.records(), SizeIs(1000));
}

// Logs about its own exports.
class ChattyExporter final : public LogExporter {
 public:
  explicit ChattyExporter(LoggerProvider& provider) : provider_(provider) {}
  ExportResult Export(const LogBatch&, Deadline) override {
    ++exports;
    provider_.GetLogger("exporter").Emit({.body = "exporting"});
    return ExportResult::kFailure;
  }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override { return true; }

  int exports = 0;

 private:
  LoggerProvider& provider_;
};

TEST(SimpleLogRecordProcessor, DropsWhatItsExporterLogsAndReportsFailures) {
  LoggerProvider provider;
  auto owned = std::make_unique<ChattyExporter>(provider);
  auto* const exporter = owned.get();
  provider.Start({.processors = {std::make_shared<SimpleLogRecordProcessor>(std::move(owned))}});
  const uint64_t before = ErrorCount("log processor");
  provider.GetLogger("lib").Emit({});
  EXPECT_EQ(exporter->exports, 1);
  EXPECT_EQ(ErrorCount("log processor"), before + 2);
}

}  // namespace
}  // namespace otel
