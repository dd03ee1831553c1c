// What code that logs uses: loggers, and the records they emit.
// https://opentelemetry.io/docs/specs/otel/logs/api/
//
//   const auto logger = otel::GetLogger("shop");
//   logger.Emit({.severity = otel::Severity::kInfo, .body = "order placed", .attributes = {{"order.items", 3}}});
//
// Loggers are cheap to copy, and any number of threads may use one. Those that are made before otel::Configure cost
// next to nothing until then, and work afterwards.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "otel/log_data.h"

namespace otel {

class Context;

// What a call tells of a record; all of it is copied where it is kept.
struct LogRecord {
  Severity severity = Severity::kUnset;
  std::string_view severity_text = {};  // as the source of the log calls it
  AnyValue body = {};
  AttributesView attributes = {};
  // Names the kind of an event: all with this name have the same form of body and attributes.
  std::string_view event_name = {};
  UnixNanos time = 0;                // when it happened, where that is known
  UnixNanos observed_time = 0;       // 0: now
  const Context* context = nullptr;  // whose span the record belongs to; nullptr: the current one
};

namespace internal {
class LoggerState;
}

class Logger {
 public:
  Logger() = default;  // does nothing
  explicit Logger(std::shared_ptr<const internal::LoggerState> state) : state_(std::move(state)) {}

  // False where nobody would see such a record. It may change: ask each time before making one that is dear.
  bool Enabled(Severity severity = Severity::kUnset, std::string_view event_name = {},
               const Context* context = nullptr) const;
  void Emit(const LogRecord& record) const;

 private:
  std::shared_ptr<const internal::LoggerState> state_;
};

// Of the global provider. Asked for the same again it returns the same.
Logger GetLogger(std::string_view name, std::string_view version = {}, std::string_view schema_url = {},
                 AttributesView attributes = {});

}  // namespace otel
