#include "otel/logger_provider.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <new>
#include <utility>

#include "common/clock.h"
#include "common/fork.h"
#include "common/interned_scope.h"
#include "common/report.h"
#include "logs/attribute_limits.h"
#include "otel/context.h"
#include "otel/scope.h"

namespace otel {
namespace internal {

namespace {

constexpr std::chrono::seconds kDestructorWait(5);

}  // namespace

class LoggerState {
 public:
  LoggerState(const InstrumentationScope& scope, const std::atomic<const LoggerProviderOptions*>& options)
      : scope_(scope), options_(options) {}

  const InstrumentationScope& scope() const { return scope_; }
  // Nothing where nobody wants records.
  const LoggerProviderOptions* options() const { return options_.load(std::memory_order_acquire); }

 private:
  const InstrumentationScope& scope_;                         // lives as long as the program
  const std::atomic<const LoggerProviderOptions*>& options_;  // of the provider, in the same memory
};

// Loggers keep it. What was given to Start once stays until the end, as threads may be emitting to it when it is shut
// down.
class LoggerProviderState {
 public:
  const LoggerState& GetLogger(InstrumentationScope scope) {
    const auto* const interned = InternScope(std::move(scope));
    const std::lock_guard lock(mutex_);
    for (const LoggerState& logger : loggers_) {
      if (&logger.scope() == interned) return logger;
    }
    return loggers_.emplace_back(*interned, current_);
  }

  void Start(LoggerProviderOptions options) {
    const std::lock_guard lock(start_mutex_);
    if (current_.load(std::memory_order_relaxed) != nullptr) {
      return Report("logger provider", "was started twice; the second time changes nothing");
    }
    std::erase(options.processors, nullptr);
    if (options.processors.empty()) return;
    if (!options.clock) options.clock = NowNanos;
    auto started = std::make_unique<const LoggerProviderOptions>(std::move(options));
    for (const auto& processor : started->processors) processor->OnStart(started->resource);
    current_.store(started.get(), std::memory_order_release);
    all_.push_back(std::move(started));
  }

  bool ForceFlush(Deadline deadline) {
    const auto* const options = current_.load(std::memory_order_acquire);
    bool good = true;
    if (options == nullptr) return good;
    for (const auto& processor : options->processors) good &= processor->ForceFlush(deadline);
    return good;
  }

  bool Shutdown(Deadline deadline) {
    const auto* const options = current_.exchange(nullptr, std::memory_order_acq_rel);
    bool good = true;
    if (options == nullptr) return good;
    for (const auto& processor : options->processors) good &= processor->Shutdown(deadline);
    return good;
  }

 private:
  std::mutex mutex_;
  std::deque<LoggerState> loggers_;  // which never move; guarded by mutex_
  // Not the same: processors are started under it, and what they export with may ask for a logger under a lock of
  // theirs.
  std::mutex start_mutex_;
  std::vector<std::unique_ptr<const LoggerProviderOptions>> all_;  // guarded by start_mutex_
  std::atomic<const LoggerProviderOptions*> current_ = nullptr;
  // A thread that is not in the child may have held them.
  const ForkHandler at_fork_{[this] {
    new (&mutex_) std::mutex;
    new (&start_mutex_) std::mutex;
  }};
};

}  // namespace internal

bool Logger::Enabled(Severity severity, std::string_view event_name, const Context* context) const {
  const auto* const options = state_ == nullptr ? nullptr : state_->options();
  if (options == nullptr) return false;
  if (severity != Severity::kUnset && severity < options->minimum_severity) return false;
  const Context& in = context == nullptr ? Context::Current() : *context;
  return std::ranges::any_of(options->processors, [&](const auto& processor) {
    return processor->Enabled(state_->scope(), severity, event_name, in);
  });
}

void Logger::Emit(const LogRecord& record) const {
  const auto* const options = state_ == nullptr ? nullptr : state_->options();
  if (options == nullptr) return;
  if (record.severity != Severity::kUnset && record.severity < options->minimum_severity) return;
  const Context& context = record.context == nullptr ? Context::Current() : *record.context;
  internal::Arena arena;
  const auto limited = internal::ApplyLimits(record.attributes, options->limits, arena);
  const SpanContext& span = context.span_context();
  EmittedLog emitted({.time = record.time,
                      .observed_time = record.observed_time == 0 ? options->clock() : record.observed_time,
                      .severity = record.severity,
                      .severity_text = record.severity_text,
                      .event_name = record.event_name,
                      .body = record.body,
                      .attributes = limited.attributes,
                      .dropped_attributes = limited.dropped,
                      .trace_id = span.trace_id,
                      .span_id = span.span_id,
                      .flags = span.flags,
                      .scope = &state_->scope()},
                     arena);
  for (const auto& processor : options->processors) processor->OnEmit(emitted, context);
}

LoggerProvider::LoggerProvider() : state_(std::make_shared<internal::LoggerProviderState>()) {}

LoggerProvider::~LoggerProvider() {
  Shutdown(std::chrono::steady_clock::now() + internal::kDestructorWait);
}

LoggerProvider& LoggerProvider::Global() {
  static auto& global = *new LoggerProvider;
  return global;
}

Logger LoggerProvider::GetLogger(std::string_view name, std::string_view version, std::string_view schema_url,
                                 AttributesView attributes) {
  const auto& logger =
      state_->GetLogger({std::string(name), std::string(version), std::string(schema_url), Attributes(attributes)});
  return Logger(std::shared_ptr<const internal::LoggerState>(state_, &logger));
}

void LoggerProvider::Start(LoggerProviderOptions options) {
  state_->Start(std::move(options));
}
bool LoggerProvider::ForceFlush(Deadline deadline) {
  return state_->ForceFlush(deadline);
}
bool LoggerProvider::Shutdown(Deadline deadline) {
  return state_->Shutdown(deadline);
}

Logger GetLogger(std::string_view name, std::string_view version, std::string_view schema_url,
                 AttributesView attributes) {
  return LoggerProvider::Global().GetLogger(name, version, schema_url, attributes);
}

}  // namespace otel
