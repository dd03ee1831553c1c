#include "query/metric_grid.h"

#include "query/metrics.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kStepSecondsMax = int64_t{10} * 366 * 24 * 3600;
// The engine's times end in 2262 with the 64 bits; a step and a look beyond the range must not run over.
constexpr int64_t kTimeNanosMax = INT64_MAX - 3 * kStepSecondsMax * kSecondNanos;

}  // namespace

Result<StepGrid> MakeGrid(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds,
                          int64_t origin_unix_nanos) {
  if (from_unix_nanos < 0 || from_unix_nanos >= to_unix_nanos || from_unix_nanos >= kTimeNanosMax) {
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", from_unix_nanos, to_unix_nanos);
  }
  if (step_seconds < 1 || step_seconds > kStepSecondsMax) {
    return Fail(Code::kInvalidArgument, "a step of {} s is not within 1 s and {} s", step_seconds, kStepSecondsMax);
  }
  StepGrid grid;
  grid.step = step_seconds * kSecondNanos;
  grid.asked_to = std::min(to_unix_nanos, kTimeNanosMax);
  // The first step's begin that is not before 1970.
  const int64_t origin = (origin_unix_nanos % grid.step + grid.step) % grid.step;
  const int64_t first = from_unix_nanos < origin ? origin - grid.step : origin;
  grid.from = first + (from_unix_nanos - first) / grid.step * grid.step;
  grid.to = first + ((grid.asked_to - 1 - first) / grid.step + 1) * grid.step;
  if (grid.steps() > kSeriesStepsMax) {
    return Fail(Code::kResourceExhausted,
                "the range has {} steps of {} s, at most {} are answered\nask for longer steps or a shorter range",
                grid.steps(), step_seconds, kSeriesStepsMax);
  }
  return grid;
}

}  // namespace sightline::query
