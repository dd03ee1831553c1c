// Sightline's own log: one line an event on stderr, as text for people or as JSON for machines. A message is a constant
// sentence; what varies goes into fields, so that lines can be counted and searched:
//   Log(LogLevel::kWarning, "export refused", {{"reason", "too_old"}, {"items", 12}});
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace sightline {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : uint8_t { kText, kJson };

// Text is borrowed: it must live until Log returns (always so within one call).
class LogValue {
 public:
  template <typename T>
    requires std::convertible_to<const T&, std::string_view>
  LogValue(const T& text) : value_(std::string_view(text)) {}
  LogValue(bool value) : value_(value) {}
  template <std::signed_integral T>
  LogValue(T value) : value_(int64_t{value}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogValue(T value) : value_(uint64_t{value}) {}
  template <std::floating_point T>
  LogValue(T value) : value_(static_cast<double>(value)) {}

  const auto& variant() const { return value_; }

 private:
  std::variant<std::string_view, bool, int64_t, uint64_t, double> value_;
};

struct LogField {
  std::string_view key;
  LogValue value;
};

// Events below `level` cost one relaxed load. Both may change at any time. Starts as kInfo, kText.
void SetLog(LogLevel level, LogFormat format);
bool LogEnabled(LogLevel level);

// Thread: any. Never fails; what cannot be written is lost.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// The event as its line, without time and level: what Log writes (for tests and for the ring of recent errors).
std::string FormatLogEvent(LogFormat format, std::string_view message, std::initializer_list<LogField> fields);

}  // namespace sightline
