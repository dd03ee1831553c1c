#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cmath>
#include <memory>

#include "base/json_text.h"

namespace sightline {
namespace {

constinit std::atomic<LogLevel> level_min = LogLevel::kInfo;

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// A logger for each format, both on the same stderr; which one is used may change while threads log.
struct Loggers {
  static std::unique_ptr<spdlog::logger> Make(const char* pattern) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    auto logger = std::make_unique<spdlog::logger>("sightline", std::move(sink));
    logger->set_level(spdlog::level::debug);
    logger->flush_on(spdlog::level::debug);
    return logger;
  }
  std::unique_ptr<spdlog::logger> text = Make("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v");
  std::unique_ptr<spdlog::logger> json = Make("{\"time\":\"%Y-%m-%dT%H:%M:%S.%fZ\",\"level\":\"%l\",%v}");
  std::atomic<LogFormat> format = LogFormat::kText;
};

Loggers& AllLoggers() {
  static Loggers& loggers = *new Loggers;  // lives until the very end: threads may log while statics die
  return loggers;
}

// Text stays bare when it reads as one word, so that `key=value` can be told apart; else it is quoted as JSON.
void AppendTextValue(std::string& out, std::string_view text) {
  bool bare = !text.empty();
  for (const char c : text) bare = bare && c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  if (bare) {
    out += text;
  } else {
    AppendJsonString(out, text);
  }
}

void AppendValue(std::string& out, LogFormat format, const LogValue& value) {
  std::visit(
      [&](auto v) {
        using T = decltype(v);
        if constexpr (std::is_same_v<T, std::string_view>) {
          format == LogFormat::kJson ? AppendJsonString(out, v) : AppendTextValue(out, v);
        } else if constexpr (std::is_same_v<T, double>) {
          const bool quoted = format == LogFormat::kJson && !std::isfinite(v);  // JSON has no NaN and no infinity
          if (quoted) out += '"';
          fmt::format_to(std::back_inserter(out), "{}", v);
          if (quoted) out += '"';
        } else {
          fmt::format_to(std::back_inserter(out), "{}", v);
        }
      },
      value.variant());
}

// A message keeps its spaces, but must not be able to fake a second line or move the terminal's cursor.
void AppendTextMessage(std::string& out, std::string_view message) {
  std::string quoted;
  AppendJsonString(quoted, message);
  const bool harmless = quoted.size() == message.size() + 2 && quoted.find("\xEF\xBF\xBD") == std::string::npos;
  out += harmless ? message : std::string_view(quoted);
}

}  // namespace

std::string FormatLogEvent(LogFormat format, std::string_view message, std::initializer_list<LogField> fields) {
  std::string out;
  if (format == LogFormat::kJson) {
    out += "\"message\":";
    AppendJsonString(out, message);
    for (const LogField& field : fields) {
      out += ',';
      AppendJsonString(out, field.key);
      out += ':';
      AppendValue(out, format, field.value);
    }
    return out;
  }
  AppendTextMessage(out, message);
  for (const LogField& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    AppendValue(out, format, field.value);
  }
  return out;
}

void SetLog(LogLevel level, LogFormat format) {
  AllLoggers().format = format;
  level_min = level;
}

bool LogEnabled(LogLevel level) {
  return level >= level_min.load(std::memory_order_relaxed);
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  Loggers& loggers = AllLoggers();
  const LogFormat format = loggers.format;
  const std::string line = FormatLogEvent(format, message, fields);
  const auto& logger = format == LogFormat::kJson ? loggers.json : loggers.text;
  logger->log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace sightline
