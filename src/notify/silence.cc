#include "notify/silence.h"

#include <simdjson.h>

#include <charconv>

#include "state/json_check.h"

namespace sightline::notify {
namespace {

using Json = state::JsonCheck::Json;

constexpr size_t kCommentBytesMax = 1000;
constexpr int64_t kSecondNanos = 1'000'000'000;

int64_t ReadTime(state::JsonCheck& check, const Json& json) {
  const std::string text = check.Text(json, 20);
  int64_t nanos = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), nanos);
  if (check.ok() && (error != std::errc() || end != text.data() + text.size() || nanos < 0)) {
    check.Refuse("{:?} is no time: Unix nanoseconds as a text are", text);
  }
  return nanos;
}

}  // namespace

Result<Silence> ReadSilence(std::string_view document) {
  simdjson::dom::parser parser;
  Json json;
  if (const auto error = parser.parse(document.data(), document.size()).get(json)) {
    return Fail(Code::kInvalidArgument, "document: it is no JSON ({})", simdjson::error_message(error));
  }
  Silence silence;
  state::JsonCheck check;
  check.Object(
      json,
      {
          {"matchers", true, [&](const Json& value) { silence.matchers = ReadMatchers(check, value); }},
          {"starts_unix_nano", true, [&](const Json& value) { silence.starts_unix_nanos = ReadTime(check, value); }},
          {"ends_unix_nano", true, [&](const Json& value) { silence.ends_unix_nanos = ReadTime(check, value); }},
          {"recurrence", false, [&](const Json& value) { silence.recurrence = Recurrence::Read(check, value); }},
          {"comment", false, [&](const Json& value) { check.Text(value, kCommentBytesMax); }},
      });
  // An empty list would silence all, which nobody should do by leaving something out.
  if (check.ok() && silence.matchers.empty()) check.At("matchers", [&] { check.Refuse("it is empty"); });
  if (check.ok() && silence.ends_unix_nanos <= silence.starts_unix_nanos) {
    check.At("ends_unix_nano", [&] { check.Refuse("it is not after starts_unix_nano"); });
  }
  SIGHTLINE_TRY(check.result());
  silence.json = simdjson::minify(json);
  return silence;
}

bool IsActive(const Silence& silence, int64_t unix_nanos) {
  if (unix_nanos < silence.starts_unix_nanos || unix_nanos >= silence.ends_unix_nanos) return false;
  const int64_t seconds = unix_nanos / kSecondNanos;
  return !silence.recurrence || silence.recurrence->AtOrAfter(seconds).begin <= seconds;
}

}  // namespace sightline::notify
