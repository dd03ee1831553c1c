#include "alert/due.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sightline::alert {

int64_t DueAtOrBefore(const RuleDocument& rule, int64_t unix_nanos) {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t interval = rule.interval_seconds;
  const uint64_t hash = XXH3_64bits(rule.question.data(), rule.question.size());
  const auto offset = static_cast<int64_t>(hash % static_cast<uint64_t>(interval));
  const int64_t seconds = unix_nanos / kSecond - offset;
  const int64_t whole = seconds >= 0 ? seconds / interval : (seconds - interval + 1) / interval;
  return (whole * interval + offset) * kSecond;
}

}  // namespace sightline::alert
