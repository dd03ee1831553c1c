// Writes JSON text piece by piece, with commas where they belong. Numbers keep their type: integers have no point,
// doubles always have one or an exponent. Data: calls -> text, kept until Take or given away in pieces.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_text.h"

namespace sightline {

// Thread: one at a time.
class JsonWriter {
 public:
  // Takes a piece of the text; false: nobody wants more.
  using Sink = std::function<bool(std::string_view piece)>;

  // Keeps all text until Take.
  JsonWriter() = default;
  // Gives the text to `sink` whenever at least `piece_bytes` are there; Take gives what is left at the end.
  JsonWriter(size_t piece_bytes, Sink sink) : piece_bytes_(piece_bytes), sink_(std::move(sink)) {}

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
  // A computed value: what is no number is null.
  JsonWriter& Number(double value) { return std::isfinite(value) ? Raw(fmt::format("{}", value)) : Null(); }
  // Valid JSON as it is.
  JsonWriter& Raw(std::string_view json) {
    Separate();
    text_ += json;
    return *this;
  }
  // A 64-bit time is a string, as in OTLP/JSON: JavaScript's numbers do not hold it.
  JsonWriter& Nanos(int64_t value) { return String(fmt::format_int(value).str()); }
  // The same where 0 means that there is none.
  JsonWriter& NanosOrNull(int64_t value) { return value == 0 ? Null() : Nanos(value); }

  // False once the sink wanted no more: the text is thrown away from then on, and producing it is a waste.
  bool wanted() const { return wanted_; }

  std::string Take() { return std::move(text_); }

 private:
  void Separate() {
    if (sink_ && text_.size() >= piece_bytes_) {
      wanted_ = wanted_ && sink_(text_);
      text_.clear();
    }
    if (!first_) text_ += ',';
    first_ = false;
  }

  size_t piece_bytes_ = 0;
  Sink sink_;
  std::string text_;
  bool first_ = true;
  bool wanted_ = true;
};

}  // namespace sightline
