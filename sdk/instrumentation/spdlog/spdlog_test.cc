#include "otel/instrumentation/spdlog.h"

#include <gmock/gmock.h>
#include <spdlog/async.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include "otel/in_memory_log_exporter.h"
#include "otel/in_memory_span_exporter.h"
#include "otel/span_processor.h"
#include "otel/trace.h"
#include "otel/tracer_provider.h"

namespace otel::instrumentation {
namespace {

class SpdlogSinkTest : public ::testing::Test {
 protected:
  spdlog::logger Log(std::string name = "shop") {
    spdlog::logger logger(std::move(name), sink_);
    logger.set_level(spdlog::level::trace);
    return logger;
  }

  InMemoryLogs logs_;
  LoggerProvider provider_{{.processors = {std::make_shared<SimpleLogRecordProcessor>(logs_.Exporter())}}};
  std::shared_ptr<SpdlogSink> sink_ = std::make_shared<SpdlogSink>(provider_);
};

std::map<std::string, std::string> Texts(const LogData& record) {
  std::map<std::string, std::string> texts;
  for (const Attribute& attribute : record.attributes) {
    texts[std::string(attribute.key)] = attribute.value.type() == AnyValue::Type::kString
                                            ? std::string(attribute.value.as_string())
                                            : std::to_string(attribute.value.as_int());
  }
  return texts;
}

TEST_F(SpdlogSinkTest, MakesARecordOfEachMessage) {
  const auto before = std::chrono::system_clock::now();
  Log().warn("{} orders of {}", 3, "books");
  ASSERT_EQ(logs_.size(), 1);
  const LogData record = logs_.records()[0];
  EXPECT_EQ(record.body.as_string(), "3 orders of books");
  EXPECT_EQ(record.severity, Severity::kWarn);
  EXPECT_EQ(record.severity_text, "warning");
  EXPECT_EQ(record.scope->name, "shop");
  EXPECT_GE(record.time, static_cast<UnixNanos>(before.time_since_epoch().count()));
  EXPECT_THAT(Texts(record), ::testing::ElementsAre(::testing::Key("thread.id")));
}

TEST_F(SpdlogSinkTest, MapsAllLevels) {
  auto log = Log();
  log.trace("1");
  log.debug("2");
  log.info("3");
  log.warn("4");
  log.error("5");
  log.critical("6");
  std::vector<Severity> severities;
  for (const LogData& record : logs_.records()) severities.push_back(record.severity);
  EXPECT_THAT(severities, ::testing::ElementsAre(Severity::kTrace, Severity::kDebug, Severity::kInfo, Severity::kWarn,
                                                 Severity::kError, Severity::kFatal));
}

TEST_F(SpdlogSinkTest, TellsWhereInTheCodeAMessageComesFrom) {
  auto log = Log();
  SPDLOG_LOGGER_INFO(&log, "here");
  const int line = __LINE__ - 1;
  ASSERT_EQ(logs_.size(), 1);
  const auto texts = Texts(logs_.records()[0]);
  EXPECT_THAT(texts.at("code.file.path"), ::testing::HasSubstr("spdlog_test.cc"));
  EXPECT_EQ(texts.at("code.line.number"), std::to_string(line));
  EXPECT_EQ(texts.at("code.function.name"), "TestBody");
}

TEST_F(SpdlogSinkTest, GivesARecordTheTraceContextOfItsThread) {
  InMemorySpans spans;
  TracerProvider tracers({.processors = {std::make_shared<SimpleSpanProcessor>(spans.Exporter())}});
  const auto span = tracers.GetTracer("test").StartSpan("order");
  auto log = Log();
  {
    const Scope scope(span);
    log.info("inside");
    std::thread([&] { log.info("of another thread"); }).join();
  }
  log.info("outside");
  const auto records = logs_.records();
  ASSERT_EQ(records.size(), 3);
  EXPECT_EQ(records[0].trace_id, span.context().trace_id);
  EXPECT_EQ(records[0].span_id, span.context().span_id);
  EXPECT_FALSE(records[1].trace_id.IsValid());
  EXPECT_FALSE(records[2].trace_id.IsValid());
}

TEST_F(SpdlogSinkTest, KeepsLoggersApartHoweverManyThereAre) {
  for (int round = 0; round < 2; ++round) {
    for (int logger = 0; logger < 40; ++logger) Log("logger " + std::to_string(logger)).info("hello");
  }
  const auto records = logs_.records();
  ASSERT_EQ(records.size(), 80);
  for (int record = 0; record < 80; ++record) {
    EXPECT_EQ(records[record].scope->name, "logger " + std::to_string(record % 40));
  }
}

TEST_F(SpdlogSinkTest, TakesMessagesOfManyThreads) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (int message = 0; message < 200; ++message) Log("logger " + std::to_string(message % 20)).info("{}", thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(logs_.size(), 800);
}

TEST_F(SpdlogSinkTest, KnowsTheThreadButNoTraceWhereSpdlogHandsMessagesOver) {
  InMemorySpans spans;
  TracerProvider tracers({.processors = {std::make_shared<SimpleSpanProcessor>(spans.Exporter())}});
  {
    const Scope scope(tracers.GetTracer("test").StartSpan("order"));
    auto pool = std::make_shared<spdlog::details::thread_pool>(16, 1);
    auto log = std::make_shared<spdlog::async_logger>("async", sink_, pool);
    log->info("handed over");
    log.reset();
    pool.reset();  // after all that was handed over
  }
  ASSERT_EQ(logs_.size(), 1);
  EXPECT_FALSE(logs_.records()[0].trace_id.IsValid());
  EXPECT_EQ(Texts(logs_.records()[0]).at("thread.id"), std::to_string(spdlog::details::os::thread_id()));
}

TEST_F(SpdlogSinkTest, RespectsTheLevelOfTheSinkAndTheProvidersMinimum) {
  sink_->set_level(spdlog::level::err);
  Log().warn("not here");
  EXPECT_EQ(logs_.size(), 0);
  LoggerProvider errors_only({.processors = {std::make_shared<SimpleLogRecordProcessor>(logs_.Exporter())},
                              .minimum_severity = Severity::kError});
  spdlog::logger log("shop", std::make_shared<SpdlogSink>(errors_only));
  log.warn("not here either");
  log.error("here");
  EXPECT_EQ(logs_.size(), 1);
}

TEST(SpdlogSink, LogsToWhatConfigureSetsUpByDefault) {
  spdlog::logger log("shop", std::make_shared<SpdlogSink>());
  log.info("nobody collects, nothing happens");
}

}  // namespace
}  // namespace otel::instrumentation
