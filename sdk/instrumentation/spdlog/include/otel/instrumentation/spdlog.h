// What is logged with spdlog, as log records of the SDK. The target sightline_otel::spdlog.
//
//   spdlog::default_logger()->sinks().push_back(std::make_shared<otel::instrumentation::SpdlogSink>());
//
// A record has spdlog's level and time, the message as its body, the trace context of the thread that logs, where in
// the code that was if spdlog knows (its macros do), and the logger's name as its instrumentation scope.
//
// In a logger of spdlog's async.h the sinks are called by another thread, so its records have no trace context. This
// sink never waits for anything: put it into a plain logger.
#pragma once

#include <spdlog/sinks/sink.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "otel/logger_provider.h"
#include "otel/logs.h"

namespace otel::instrumentation {

// Thread: any.
class SpdlogSink final : public spdlog::sinks::sink {
 public:
  // The provider lives as long as this.
  explicit SpdlogSink(LoggerProvider& provider = LoggerProvider::Global()) : provider_(provider) {}
  ~SpdlogSink() override;
  SpdlogSink(const SpdlogSink&) = delete;
  SpdlogSink& operator=(const SpdlogSink&) = delete;

  void log(const spdlog::details::log_msg& message) override;
  // Nothing: what is logged is sent by the SDK's own rules, and Telemetry::ForceFlush sends it at once.
  void flush() override {}
  // Nothing: the body is the message alone.
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  struct Named {
    std::string name;
    Logger logger;
  };

  Logger LoggerOf(std::string_view name);

  LoggerProvider& provider_;
  // Of the first loggers that were heard of; those of more are looked up each time.
  std::array<std::atomic<const Named*>, 16> known_{};
  std::mutex adding_;
};

}  // namespace otel::instrumentation
