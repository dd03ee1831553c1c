// Query parameters -> checked values. Every reader of a parameter also makes it known, so that Check can refuse what
// nobody reads. The first error stays, with the parameter at fault; readers give their defaults then.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/http_server.h"
#include "query/filters.h"
#include "serve/cursor.h"

namespace sightline::serve {

inline constexpr int64_t kRangeDefaultNanos = 3'600'000'000'000;
// Clients' clocks run ahead: lists reach a little into the future.
inline constexpr int64_t kClockSkewNanos = 60'000'000'000;
inline constexpr int64_t kStepsDefaultMax = 120;
inline constexpr int64_t kStepsMax = 11'000;
inline constexpr uint32_t kPageItemsDefault = 50, kPageItemsMax = 1000;
inline constexpr size_t kAttributeConditionsMax = 16;

struct TimeRange {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to)
};

// As many hex digits, lower case.
bool IsHexId(std::string_view text, size_t digits);

// Thread: one at a time.
class Params {
 public:
  // `request` must outlive it.
  Params(const net::HttpRequest& request, int64_t now_unix_nanos) : request_(request), now_(now_unix_nanos) {}

  // What a range is without last, from and to, and where "now" ends it.
  struct RangeRules {
    bool all_times_by_default = false;  // else the last hour
    bool allow_clock_skew = true;       // for lists; series end at now
  };
  // `last`, or `from` and `to`; of the first page where a cursor is given.
  TimeRange Range(RangeRules rules);
  TimeRange Range() { return Range(RangeRules()); }

  // `step` in whole seconds, a multiple of `unit_seconds`; by default the range in at most 120 round steps.
  int64_t StepSeconds(const TimeRange& range, int64_t unit_seconds = 1);

  uint32_t Limit(uint32_t preset = kPageItemsDefault, uint32_t max = kPageItemsMax) {
    return Count("limit", preset, max);
  }
  // A whole number from 1 on.
  uint32_t Count(std::string_view name, uint32_t preset, uint32_t max);

  // "" where it is not given, or given empty.
  std::string Text(std::string_view name);
  // None where it is not given: where an empty value has a meaning of its own.
  std::optional<std::string> OptionalText(std::string_view name);

  std::optional<int64_t> DurationNanos(std::string_view name);
  // The same as limits of spans have it.
  std::optional<uint64_t> SpanDurationNanos(std::string_view name);
  std::optional<int64_t> UnixNanos(std::string_view name);

  // Lower-case hex of that many digits, or "".
  std::string HexId(std::string_view name, size_t digits);

  // One of the texts on the left.
  template <typename T>
  T Choice(std::string_view name, T preset, std::initializer_list<std::pair<std::string_view, T>> choices) {
    const std::string* value = Single(name);
    if (value == nullptr) return preset;
    std::string known;
    for (const auto& [text, choice] : choices) {
      if (text == *value) return choice;
      known += known.empty() ? "" : ", ";
      known += text;
    }
    RefuseChoice(name, *value, known);
    return preset;
  }

  // All values of a parameter that may be given several times.
  std::vector<std::string> Values(std::string_view name, size_t max);
  // Fields of TraceQL with commas between them: span.a,resource."b,c". Empty where it is not given.
  std::vector<std::string> Fields(std::string_view name, size_t max);
  // `attribute`: KEY=VALUE or resource.KEY=VALUE.
  std::vector<query::AttributeCondition> Attributes();

  // Where the page before ended, as it gave it to NextCursor: empty at the first page, else `fields` texts.
  std::vector<std::string> Position(size_t fields);
  // A number in it, not below 0.
  int64_t PositionNumber(const std::string& field);
  // The cursor that continues after `position`. Range, if the list has one, must have been called.
  std::string NextCursor(std::vector<std::string> position) const;

  // After all readers. Refuses parameters that none of them asked for.
  Result<void> Check();
  // Of Check's error.
  const std::string& where() const { return where_; }

  // For conditions across parameters; the first error stays.
  void Refuse(std::string_view name, Error error);

 private:
  const std::string* Single(std::string_view name);  // nullptr if absent
  void RefuseChoice(std::string_view name, const std::string& value, const std::string& known);
  const Cursor* ReadCursor();

  const net::HttpRequest& request_;
  const int64_t now_;
  std::vector<std::string> known_;  // what was asked for
  std::optional<Cursor> cursor_;
  bool cursor_read_ = false;
  TimeRange range_;
  std::optional<Error> error_;
  std::string where_;
};

}  // namespace sightline::serve
