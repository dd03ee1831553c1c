// What the fuzzer of requests does with an input, and the tests with each stored one.
//
// The first line is the target of a request, as it stands behind the method. Every reader of parameters is called; what
// they give must be within the limits that the endpoints rely on, or there is an error that names one parameter. A
// value of `cursor` that begins with "@" stands for a true cursor of this question, with the texts behind it, between
// commas, as position: few mutations would get past the question's hash.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/http_text.h"
#include "otlp/attribute_text.h"
#include "serve/cursor.h"
#include "serve/params.h"

namespace sightline::serve::testing {

inline constexpr int64_t kFuzzNow = 1'763'800'000'000'000'000;
inline constexpr size_t kFuzzValuesMax = 8;

inline std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> fields;
  while (true) {
    const size_t end = std::min(text.find(','), text.size());
    fields.emplace_back(text.substr(0, end));
    if (end == text.size()) return fields;
    text.remove_prefix(end + 1);
  }
}

// Gives back what went in, to this question and to no other.
inline std::string FuzzCursor(const Cursor& cursor, uint64_t question) {
  std::string text = EncodeCursor(cursor, question);
  const auto again = DecodeCursor(text, question);
  const bool whole = text.size() <= kCursorBytesMax && cursor.from_unix_nanos >= 0 &&
                     cursor.to_unix_nanos >= cursor.from_unix_nanos && !cursor.position.empty();
  SIGHTLINE_CHECK(again.has_value() == whole);
  SIGHTLINE_CHECK(!DecodeCursor(text, question + 1).has_value());
  if (again) {
    SIGHTLINE_CHECK(again->from_unix_nanos == cursor.from_unix_nanos && again->to_unix_nanos == cursor.to_unix_nanos &&
                    again->position == cursor.position);
  }
  return text;
}

inline void FillCursors(net::HttpRequest& request) {
  const uint64_t question = QuestionHash(request);
  for (auto& [name, value] : request.query) {
    if (name != "cursor" || !value.starts_with('@')) continue;
    value = FuzzCursor({5, kFuzzNow, SplitAtCommas(std::string_view(value).substr(1))}, question);
  }
}

// What the readers promise when there is no error.
struct FuzzRead {
  TimeRange range;
  int64_t step_seconds = 0;
  uint32_t limit = 0;
  std::vector<std::string> values, fields, position;
  int64_t number = 0;
};

inline FuzzRead ReadAll(Params& params) {
  FuzzRead read;
  read.range = params.Range();
  read.step_seconds = params.StepSeconds(read.range, 10);
  read.limit = params.Limit();
  read.values = params.Values("group_by", kFuzzValuesMax);
  read.fields = params.Fields("fields", kFuzzValuesMax);
  read.position = params.Position(2);
  if (!read.position.empty()) read.number = params.PositionNumber(read.position[0]);
  params.Attributes();
  params.Text("service");
  params.OptionalText("name");
  params.HexId("trace_id", 32);
  params.DurationNanos("min_duration");
  params.Choice("sort", 0, {{"newest", 0}, {"slowest", 1}});
  return read;
}

// True: it is a question that an endpoint would answer.
inline bool FuzzRequest(std::string_view input) {
  const auto target = net::ParseTarget(input.substr(0, input.find('\n')));
  if (!target) {
    SIGHTLINE_CHECK(!target.error().message.empty());
    return false;
  }
  net::HttpRequest request;
  request.path = target->path;
  request.query = target->query;
  FillCursors(request);
  Params params(request, kFuzzNow);
  const FuzzRead read = ReadAll(params);
  if (const auto checked = params.Check(); !checked) {
    SIGHTLINE_CHECK(checked.error().code == Code::kInvalidArgument && !checked.error().message.empty());
    SIGHTLINE_CHECK(request.QueryValue(params.where()) != nullptr);  // the one at fault was given
    return false;
  }
  SIGHTLINE_CHECK(read.range.from_unix_nanos >= 0 && read.range.from_unix_nanos <= read.range.to_unix_nanos);
  SIGHTLINE_CHECK(read.step_seconds > 0 && read.step_seconds % 10 == 0 && read.number >= 0);
  SIGHTLINE_CHECK((read.range.to_unix_nanos - read.range.from_unix_nanos) / read.step_seconds / 1'000'000'000 <=
                  kStepsMax);
  SIGHTLINE_CHECK(read.limit >= 1 && read.limit <= kPageItemsMax);
  SIGHTLINE_CHECK(read.values.size() <= kFuzzValuesMax && read.fields.size() <= kFuzzValuesMax);
  // The next page begins with the question of this one.
  const auto next = DecodeCursor(params.NextCursor({"1", "x"}), QuestionHash(request));
  SIGHTLINE_CHECK(next && next->position.size() == 2 && next->from_unix_nanos == read.range.from_unix_nanos);
  return true;
}

}  // namespace sightline::serve::testing
