// Reads OTEL_* variables. What is malformed is reported and then counts as not set; nothing here fails.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace otel::internal {

// Several of them in a list: key1=value1,key2=value2.
using TextPairs = std::vector<std::pair<std::string, std::string>>;

// The result of %-decoding; nothing where a % is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecoded(std::string_view text);

// Immutable: the variables are asked for at each call. Thread: any, as far as getenv goes.
class Environment {
 public:
  using Lookup = std::function<std::optional<std::string>(const char* name)>;
  using Warn = std::function<void(std::string_view message)>;

  Environment();  // the process's; warnings are internal errors of the SDK
  Environment(Lookup lookup, Warn warn) : lookup_(std::move(lookup)), warn_(std::move(warn)) {}

  // Without surrounding white space. Empty means not set.
  std::optional<std::string> Text(const char* name) const;
  // True only for "true" in any case, as the specification wants.
  std::optional<bool> Flag(const char* name) const;
  std::optional<int64_t> Number(const char* name, int64_t min = 0, int64_t max = kNumberMax) const;
  std::optional<double> Ratio(const char* name) const;  // within [0, 1]
  std::optional<std::chrono::milliseconds> Milliseconds(const char* name) const;
  // As the specification has it for timeouts, 0 means no limit: it becomes some weeks.
  std::optional<std::chrono::milliseconds> Timeout(const char* name) const;
  // Decoded. One malformed entry drops all of them.
  std::optional<TextPairs> Pairs(const char* name) const;
  // The items of a list, without empty and repeated ones.
  std::optional<std::vector<std::string>> List(const char* name) const;

  // One of a few words, in any case.
  template <typename T>
  struct Word {
    std::string_view text;
    T value;
  };
  template <typename T, size_t kWords>
  std::optional<T> Choice(const char* name, const Word<T> (&words)[kWords]) const {
    const auto text = Text(name);
    if (!text) return std::nullopt;
    for (const auto& word : words) {
      if (EqualsIgnoringCase(*text, word.text)) return word.value;
    }
    WarnOf(name, *text, "is not known");
    return std::nullopt;
  }

  // Says "OTEL_X=value: what"; for readers of what is more than a word or a number.
  void WarnOf(const char* name, std::string_view value, std::string_view what) const;

  static bool EqualsIgnoringCase(std::string_view a, std::string_view b);
  // Far from overflow when it is turned into nanoseconds.
  static constexpr int64_t kNumberMax = std::numeric_limits<int32_t>::max();

 private:
  Lookup lookup_;
  Warn warn_;
};

}  // namespace otel::internal
