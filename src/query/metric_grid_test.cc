#include "query/metric_grid.h"

#include <gtest/gtest.h>

namespace sightline::query {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(StepGrid, HasWholeStepsFromItsOrigin) {
  const struct {
    int64_t from, to, step, origin;  // seconds
    int64_t grid_from, grid_to;
  } cases[] = {
      {100, 200, 60, 0, 60, 240},     // of 1970
      {100, 160, 60, 100, 100, 160},  // a window is one step
      {100, 161, 60, 100, 100, 220},  {99, 160, 60, 100, 40, 160},
      {100, 160, 60, 1000, 100, 160},                             // the origin may lie behind
      {100, 160, 60, -20, 100, 160},  {10, 40, 60, 50, -10, 50},  // and a step begin before 1970
  };
  for (const auto& one : cases) {
    const auto grid = MakeGrid(one.from * kSecond, one.to * kSecond, one.step, one.origin * kSecond);
    ASSERT_TRUE(grid) << grid.error().message;
    EXPECT_EQ(grid->from, one.grid_from * kSecond) << one.from << " " << one.origin;
    EXPECT_EQ(grid->to, one.grid_to * kSecond) << one.from << " " << one.origin;
    EXPECT_LE(grid->from, one.from * kSecond);
    EXPECT_GE(grid->to, one.to * kSecond);
  }
}

}  // namespace
}  // namespace sightline::query
