// The time over which an objective holds, at a given moment.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "slo/slo_document.h"

namespace sightline::slo {

// In minutes since 1970. A rolling one ends with the minute that was asked for.
struct Period {
  int64_t begin = 0, end = 0;  // [begin, end)
  bool rolls = true;

  int64_t minutes() const { return end - begin; }
  // How much of it is over behind `minute`: 0 to 1.
  double Passed(int64_t minute) const {
    return rolls ? 1 : static_cast<double>(minute + 1 - begin) / static_cast<double>(minutes());
  }
};

Result<Period> PeriodAt(const SloWindow& window, int64_t minute);

}  // namespace sightline::slo
