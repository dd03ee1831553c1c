#include "slo/minutes.h"

#include <fmt/format.h>

#include <charconv>

namespace sightline::slo {
namespace {

double ReadNumber(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string WriteHour(const HourTallies& minutes) {
  std::string text;
  size_t commas = 0;  // that are wanted only if something follows
  for (const Tally& minute : minutes) {
    if (minute.total > 0) {
      text.append(commas, ',');
      commas = 0;
      fmt::format_to(std::back_inserter(text), "{}", minute.total);
      if (minute.bad() > 0) fmt::format_to(std::back_inserter(text), "-{}", minute.bad());
    }
    ++commas;
  }
  return text;
}

HourTallies ReadHour(std::string_view text) {
  HourTallies minutes;
  for (Tally& minute : minutes) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view one = text.substr(0, end);
    // The minus of an exponent ("1e-05") is none that parts.
    size_t parts = one.find('-');
    if (parts != one.npos && parts > 0 && one[parts - 1] == 'e') parts = one.find('-', parts + 1);
    minute.total = ReadNumber(one.substr(0, parts));
    minute.good = minute.total - (parts == one.npos ? 0 : ReadNumber(one.substr(parts + 1)));
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
  }
  return minutes;
}

}  // namespace sightline::slo
