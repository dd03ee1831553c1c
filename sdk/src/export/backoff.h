// How long to wait before a request is sent again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

#include "otel/otlp_exporter.h"

namespace otel::internal {

// Grows by half each time, and differs by up to a fifth either way, so that those whom a server sent away together do
// not come back together.
class Backoff {
 public:
  Backoff(const OtlpOptions& options, std::minstd_rand* random)
      : next_(options.retry_initial), max_(options.retry_max), random_(*random) {}

  // Never sooner than the server asks for.
  std::chrono::milliseconds Next(std::optional<std::chrono::milliseconds> retry_after);

 private:
  std::chrono::duration<double, std::milli> next_, max_;
  std::minstd_rand& random_;
};

}  // namespace otel::internal
