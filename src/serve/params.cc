#include "serve/params.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/units.h"

namespace sightline::serve {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
// Widths that people count in, in seconds.
constexpr std::array kRoundSteps = {int64_t{1}, int64_t{2},  int64_t{5},  int64_t{10},  int64_t{15},  int64_t{30},
                                    kMinute,    2 * kMinute, 5 * kMinute, 10 * kMinute, 15 * kMinute, 30 * kMinute,
                                    kHour,      2 * kHour,   3 * kHour,   6 * kHour,    12 * kHour,   kDay,
                                    2 * kDay,   7 * kDay,    30 * kDay,   90 * kDay,    365 * kDay};
constexpr size_t kTyposMax = 2;

template <typename T>
std::optional<T> WholeNumber(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error Invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message)};
}

// Letters to add, drop or change to make one of the other.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// What was meant, as far as one can tell; else all that there is.
std::string HintFor(std::string_view name, const std::vector<std::string>& known) {
  if (known.empty()) return "there are no parameters here";
  const std::string* nearest = nullptr;
  size_t least = kTyposMax + 1;
  for (const auto& candidate : known) {
    const size_t distance = EditDistance(name, candidate);
    if (distance >= least || distance >= candidate.size()) continue;
    least = distance;
    nearest = &candidate;
  }
  std::string hint = nearest == nullptr ? "" : "did you mean " + *nearest + "? ";
  hint += "known:";
  for (const auto& candidate : known) hint += (candidate == known.front() ? " " : ", ") + candidate;
  return hint;
}

int64_t RoundStep(int64_t range_nanos, int64_t unit_seconds) {
  for (const int64_t step : kRoundSteps) {
    if (step % unit_seconds == 0 && range_nanos / kSecondNanos <= step * kStepsDefaultMax) return step;
  }
  // Beyond 120 years.
  return (range_nanos / kSecondNanos / kStepsDefaultMax / kRoundSteps.back() + 1) * kRoundSteps.back();
}

}  // namespace

void Params::Refuse(std::string_view name, Error error) {
  if (error_) return;
  error_ = std::move(error);
  where_ = name;
}

void Params::RefuseChoice(std::string_view name, const std::string& value, const std::string& known) {
  Refuse(name, Invalid(fmt::format("\"{}\" is not a value of {}\nknown: {}", value, name, known)));
}

const std::string* Params::Single(std::string_view name) {
  if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
  const std::string* found = nullptr;
  for (const auto& [key, value] : request_.query) {
    if (key != name) continue;
    if (found != nullptr) Refuse(name, Invalid(fmt::format("{} is given more than once", name)));
    found = &value;
  }
  return found;
}

std::string Params::Text(std::string_view name) {
  const std::string* value = Single(name);
  return value == nullptr ? "" : *value;
}

std::optional<std::string> Params::OptionalText(std::string_view name) {
  const std::string* value = Single(name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<int64_t> Params::UnixNanos(std::string_view name) {
  const std::string* value = Single(name);
  if (value == nullptr) return std::nullopt;
  auto nanos = WholeNumber<int64_t>(*value);
  if (!nanos || *nanos < 0) {
    Refuse(name, Invalid(fmt::format("\"{}\" is no time in nanoseconds since 1970", *value)));
    return std::nullopt;
  }
  return nanos;
}

std::optional<int64_t> Params::DurationNanos(std::string_view name) {
  const std::string* value = Single(name);
  if (value == nullptr) return std::nullopt;
  auto nanos = ParseDuration(*value);
  if (!nanos) {
    Refuse(name, nanos.error());
    return std::nullopt;
  }
  return *nanos;
}

std::optional<uint64_t> Params::SpanDurationNanos(std::string_view name) {
  const auto nanos = DurationNanos(name);
  if (!nanos) return std::nullopt;
  return static_cast<uint64_t>(*nanos);
}

TimeRange Params::Range(RangeRules rules) {
  const auto last = DurationNanos("last");
  const auto from = UnixNanos("from");
  const auto to = UnixNanos("to");
  if (last && (from || to)) Refuse("last", Invalid("give either last, or from and to"));
  if (last && *last == 0) Refuse("last", Invalid("the time range is empty"));
  range_.to_unix_nanos = to ? *to : now_ + (rules.allow_clock_skew ? kClockSkewNanos : 0);
  const int64_t before = to ? *to : now_;
  const int64_t length = last ? *last : kRangeDefaultNanos;
  range_.from_unix_nanos = length >= before ? 0 : before - length;
  if (from) range_.from_unix_nanos = *from;
  if (rules.all_times_by_default && !last && !from) range_.from_unix_nanos = 0;
  if (range_.from_unix_nanos >= range_.to_unix_nanos) {
    Refuse(from ? "from" : "to", Invalid(fmt::format("the time range is empty: from {} to {}", range_.from_unix_nanos,
                                                     range_.to_unix_nanos)));
  }
  if (const Cursor* cursor = ReadCursor(); cursor != nullptr) {
    range_ = {cursor->from_unix_nanos, cursor->to_unix_nanos};
  }
  return range_;
}

int64_t Params::StepSeconds(const TimeRange& range, int64_t unit_seconds) {
  const int64_t length = range.to_unix_nanos - range.from_unix_nanos;
  const int64_t preset = RoundStep(length, unit_seconds);
  const auto nanos = DurationNanos("step");
  if (!nanos) return preset;
  const int64_t unit_nanos = unit_seconds * kSecondNanos;
  if (*nanos < unit_nanos || *nanos % unit_nanos != 0 || *nanos == kForeverNanos) {
    Refuse("step",
           Invalid(fmt::format("a step of {} is no multiple of {}", PrintDuration(*nanos), PrintDuration(unit_nanos))));
    return preset;
  }
  if (length / *nanos >= kStepsMax) {
    const int64_t least = (length / kStepsMax / unit_nanos + 1) * unit_nanos;
    Refuse("step", Invalid(fmt::format("the range has more than {} steps of {}\na step of {} or more would do",
                                       kStepsMax, PrintDuration(*nanos), PrintDuration(least))));
    return preset;
  }
  return *nanos / kSecondNanos;
}

uint32_t Params::Count(std::string_view name, uint32_t preset, uint32_t max) {
  const std::string* value = Single(name);
  if (value == nullptr) return preset;
  const auto count = WholeNumber<uint32_t>(*value);
  if (!count || *count == 0 || *count > max) {
    Refuse(name, Invalid(fmt::format("\"{}\" is no whole number within 1 to {}", *value, max)));
    return preset;
  }
  return *count;
}

bool IsHexId(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string Params::HexId(std::string_view name, size_t digits) {
  std::string id = Text(name);
  for (char& c : id) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  if (!id.empty() && !IsHexId(id, digits)) {
    Refuse(name, Invalid(fmt::format("\"{}\" is not {} hex digits", id, digits)));
    return "";
  }
  return id;
}

std::vector<std::string> Params::Values(std::string_view name, size_t max) {
  if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
  std::vector<std::string> values;
  for (const auto& [key, value] : request_.query) {
    if (key == name) values.push_back(value);
  }
  if (values.size() > max) Refuse(name, Invalid(fmt::format("{} is given more than {} times", name, max)));
  return values;
}

std::vector<std::string> Params::Fields(std::string_view name, size_t max) {
  const std::string text = Text(name);
  std::vector<std::string> fields;
  std::string field;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',' && !quoted) {
      fields.push_back(std::exchange(field, ""));
      continue;
    }
    field += text[i];
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '\\' && quoted && i + 1 < text.size()) field += text[++i];
  }
  if (!text.empty()) fields.push_back(std::move(field));
  if (fields.size() > max) Refuse(name, Invalid(fmt::format("{} fields are more than {}", fields.size(), max)));
  return fields;
}

std::vector<query::AttributeCondition> Params::Attributes() {
  std::vector<query::AttributeCondition> conditions;
  for (const auto& text : Values("attribute", kAttributeConditionsMax)) {
    auto condition = query::ParseAttributeCondition(text);
    if (!condition) {
      Refuse("attribute", condition.error());
      return {};
    }
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

const Cursor* Params::ReadCursor() {
  if (!cursor_read_) {
    cursor_read_ = true;
    if (const std::string* text = Single("cursor"); text != nullptr) {
      auto cursor = DecodeCursor(*text, QuestionHash(request_));
      cursor ? (void)(cursor_ = std::move(*cursor)) : Refuse("cursor", cursor.error());
    }
  }
  return cursor_ ? &*cursor_ : nullptr;
}

std::vector<std::string> Params::Position(size_t fields) {
  const Cursor* cursor = ReadCursor();
  if (cursor == nullptr) return {};
  if (cursor->position.size() != fields) {
    Refuse("cursor", Invalid("this is no cursor"));
    return {};
  }
  return cursor->position;
}

int64_t Params::PositionNumber(const std::string& field) {
  const auto number = WholeNumber<int64_t>(field);
  if (number && *number >= 0) return *number;
  Refuse("cursor", Invalid("this is no cursor"));
  return 0;
}

std::string Params::NextCursor(std::vector<std::string> position) const {
  return EncodeCursor({range_.from_unix_nanos, range_.to_unix_nanos, std::move(position)}, QuestionHash(request_));
}

Result<void> Params::Check() {
  for (const auto& [name, value] : request_.query) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    Refuse(name, Invalid(fmt::format("there is no parameter \"{}\"\n{}", name, HintFor(name, known_))));
  }
  if (error_) return std::unexpected(*error_);
  return {};
}

}  // namespace sightline::serve
