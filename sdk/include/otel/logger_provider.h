// Where loggers come from, and where what they emit goes to.
// https://opentelemetry.io/docs/specs/otel/logs/sdk/#loggerprovider
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "otel/log_record_processor.h"
#include "otel/logs.h"

namespace otel {

// What is beyond them is dropped and counted in the record; texts are cut.
struct LogRecordLimits {
  size_t attribute_count = 128;                       // OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT
  std::optional<size_t> attribute_value_length = {};  // characters; OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT
};

struct LoggerProviderOptions {
  Resource resource = {};
  std::vector<std::shared_ptr<LogRecordProcessor>> processors = {};  // each sees what those before it changed
  LogRecordLimits limits = {};
  // Records that have a severity below it are dropped.
  Severity minimum_severity = Severity::kUnset;
  std::function<UnixNanos()> clock = {};  // the system's without it
};

namespace internal {
class LoggerProviderState;
}

// Thread: any.
class LoggerProvider {
 public:
  LoggerProvider();  // its loggers do nothing until Start
  explicit LoggerProvider(LoggerProviderOptions options) : LoggerProvider() { Start(std::move(options)); }
  // Shuts down where that was not done, waiting at most five seconds. Loggers may live on and do nothing.
  ~LoggerProvider();
  LoggerProvider(const LoggerProvider&) = delete;
  LoggerProvider& operator=(const LoggerProvider&) = delete;

  // The one of GetLogger; it is never destroyed.
  static LoggerProvider& Global();

  Logger GetLogger(std::string_view name, std::string_view version = {}, std::string_view schema_url = {},
                   AttributesView attributes = {});

  // From now on its loggers emit, also those made before. Once, or again after Shutdown; otherwise it is reported and
  // changes nothing.
  void Start(LoggerProviderOptions options);
  // Of all processors. False where one failed or the time was over.
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);

 private:
  const std::shared_ptr<internal::LoggerProviderState> state_;
};

}  // namespace otel
