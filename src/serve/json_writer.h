// Writes JSON text piece by piece, with commas where they belong. Numbers keep their type: integers have no point,
// doubles always have one or an exponent.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_text.h"

namespace sightline::serve {

// Thread: one at a time.
class JsonWriter {
 public:
  JsonWriter& Begin(char bracket) {  // '{' or '['
    Separate();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& End(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  JsonWriter& Key(std::string_view key) {
    Separate();
    AppendJsonString(text_, key);
    text_ += ':';
    first_ = true;  // its value follows without a comma
    return *this;
  }
  JsonWriter& String(std::string_view value) {
    Separate();
    AppendJsonString(text_, value);
    return *this;
  }
  JsonWriter& Int(int64_t value) { return Raw(fmt::format_int(value).str()); }
  JsonWriter& UInt(uint64_t value) { return Raw(fmt::format_int(value).str()); }
  JsonWriter& Bool(bool value) { return Raw(value ? "true" : "false"); }
  JsonWriter& Null() { return Raw("null"); }
  // What JSON has no number for is written as a string: "NaN", "Infinity", "-Infinity".
  JsonWriter& Double(double value) {
    if (std::isnan(value)) return String("NaN");
    if (std::isinf(value)) return String(value > 0 ? "Infinity" : "-Infinity");
    std::string text = fmt::format("{}", value);
    if (text.find_first_of(".e") == text.npos) text += ".0";
    return Raw(text);
  }
  // Valid JSON as it is.
  JsonWriter& Raw(std::string_view json) {
    Separate();
    text_ += json;
    return *this;
  }
  // A 64-bit time is a string, as in OTLP/JSON: JavaScript's numbers do not hold it.
  JsonWriter& Nanos(int64_t value) { return String(fmt::format_int(value).str()); }

  std::string Take() { return std::move(text_); }

 private:
  void Separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace sightline::serve
