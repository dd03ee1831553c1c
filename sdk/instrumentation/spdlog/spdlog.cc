#include "otel/instrumentation/spdlog.h"

#include <spdlog/details/os.h>

#include <chrono>
#include <cstddef>

#include "otel/context.h"

namespace otel::instrumentation {
namespace {

Severity SeverityOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return Severity::kTrace;
    case spdlog::level::debug:
      return Severity::kDebug;
    case spdlog::level::info:
      return Severity::kInfo;
    case spdlog::level::warn:
      return Severity::kWarn;
    case spdlog::level::err:
      return Severity::kError;
    case spdlog::level::critical:
      return Severity::kFatal;
    default:
      return Severity::kUnset;
  }
}

std::string_view ViewOf(spdlog::string_view_t text) {
  return {text.data(), text.size()};
}

UnixNanos NanosOf(spdlog::log_clock::time_point time) {
  const int64_t nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return nanos < 0 ? 0 : static_cast<UnixNanos>(nanos);
}

// Whether this thread is the one that logged, and not one that spdlog hands messages to. An spdlog that is built
// without thread ids has 0.
bool IsThreadOf(const spdlog::details::log_msg& message) {
  return message.thread_id == 0 || message.thread_id == spdlog::details::os::thread_id();
}

}  // namespace

SpdlogSink::~SpdlogSink() {
  for (const auto& known : known_) delete known.load(std::memory_order_acquire);
}

Logger SpdlogSink::LoggerOf(std::string_view name) {
  for (const auto& slot : known_) {
    const Named* const known = slot.load(std::memory_order_acquire);
    if (known == nullptr) break;
    if (known->name == name) return known->logger;
  }
  Logger logger = provider_.GetLogger(name);
  const std::lock_guard lock(adding_);
  for (auto& slot : known_) {
    const Named* const known = slot.load(std::memory_order_relaxed);
    if (known == nullptr) {
      slot.store(new Named{std::string(name), logger}, std::memory_order_release);
      break;
    }
    if (known->name == name) break;
  }
  return logger;
}

void SpdlogSink::log(const spdlog::details::log_msg& message) {
  const Severity severity = SeverityOf(message.level);
  const Context none;
  const Context* const context = IsThreadOf(message) ? nullptr : &none;
  const Logger logger = LoggerOf(ViewOf(message.logger_name));
  if (!logger.Enabled(severity, {}, context)) return;
  std::array<Attribute, 4> attributes{{{"thread.id", message.thread_id}}};
  size_t count = 1;
  if (!message.source.empty()) {
    if (message.source.filename != nullptr) attributes[count++] = {"code.file.path", message.source.filename};
    attributes[count++] = {"code.line.number", message.source.line};
    if (message.source.funcname != nullptr) attributes[count++] = {"code.function.name", message.source.funcname};
  }
  const auto level = spdlog::level::to_string_view(message.level);
  logger.Emit({.severity = severity,
               .severity_text = ViewOf(level),
               .body = ViewOf(message.payload),
               .attributes = std::span<const Attribute>(attributes.data(), count),
               .time = NanosOf(message.time),
               .context = context});
}

}  // namespace otel::instrumentation
