#include "export/backoff.h"

#include <algorithm>

namespace otel::internal {

std::chrono::milliseconds Backoff::Next(std::optional<std::chrono::milliseconds> retry_after) {
  constexpr double kGrowth = 1.5, kJitter = 0.2;
  const auto base = std::min(next_, max_);
  next_ = base * kGrowth;
  const auto wait = base * std::uniform_real_distribution<double>(1 - kJitter, 1 + kJitter)(random_);
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(wait),
                  retry_after.value_or(std::chrono::milliseconds(0)));
}

}  // namespace otel::internal
