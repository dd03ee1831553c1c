// Arithmetic of measurements. Whole numbers wrap around, as OTLP's readers expect of 64 bits, instead of being
// undefined.
#pragma once

#include <cstdint>

#include "otel/metrics.h"

namespace otel::internal {

template <MetricNumber T>
void AddTo(T& sum, T value) {
  if constexpr (std::same_as<T, int64_t>) {
    sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(value));
  } else {
    sum += value;
  }
}

template <MetricNumber T>
T Difference(T a, T b) {
  if constexpr (std::same_as<T, int64_t>) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  } else {
    return a - b;
  }
}

}  // namespace otel::internal
