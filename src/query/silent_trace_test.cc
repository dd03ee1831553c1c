#include "query/silent_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum SpanRole;

// By the ids of their spans.
std::vector<std::pair<uint64_t, uint64_t>> Silent(const std::vector<JudgedSpan>& spans) {
  std::vector<std::pair<uint64_t, uint64_t>> found;
  for (const auto& one : SilentFailuresOf(spans)) found.emplace_back(spans[one.failed].id, spans[one.entry].id);
  return found;
}
using Pair = std::pair<uint64_t, uint64_t>;

TEST(SilentTrace, AFailedCallUnderARequestThatAnsweredWell) {
  EXPECT_THAT(Silent({{.id = 1, .role = kServer, .http_status = 200},
                      {.id = 2, .parent_id = 1},
                      {.id = 3, .parent_id = 2, .role = kClient, .is_error = true, .has_exception = true}}),
              ElementsAre(Pair(3, 1)));
}

TEST(SilentTrace, ARequestThatFailedTooIsNotSilent) {
  for (const JudgedSpan entry :
       {JudgedSpan{.id = 1, .role = kServer, .is_error = true},
        JudgedSpan{.id = 1, .role = kServer, .http_status = 502},
        JudgedSpan{.id = 1, .role = kServer, .http_status = 404}, JudgedSpan{.id = 1, .is_error = true}}) {
    EXPECT_THAT(Silent({entry, {.id = 2, .parent_id = 1, .role = kClient, .is_error = true}}), IsEmpty());
  }
}

TEST(SilentTrace, NothingFailed) {
  EXPECT_THAT(Silent({}), IsEmpty());
  EXPECT_THAT(Silent({{.id = 1, .role = kServer, .http_status = 404},
                      {.id = 2, .parent_id = 1, .role = kServer, .http_status = 499},
                      {.id = 3, .parent_id = 2, .role = kClient, .http_status = 399}}),
              IsEmpty());
}

TEST(SilentTrace, AnHttpStatusOrAnExceptionIsAFailureWithoutTheStatusError) {
  EXPECT_THAT(Silent({{.id = 1, .role = kServer}, {.id = 2, .parent_id = 1, .role = kClient, .http_status = 404}}),
              ElementsAre(Pair(2, 1)));
  EXPECT_THAT(Silent({{.id = 1, .role = kServer}, {.id = 2, .parent_id = 1, .has_exception = true}}),
              ElementsAre(Pair(2, 1)));
  // Recorded on the request's own span.
  EXPECT_THAT(Silent({{.id = 1, .role = kServer, .has_exception = true, .http_status = 200}}), ElementsAre(Pair(1, 1)));
}

TEST(SilentTrace, OnlyTheDeepestOfAChainCounts) {
  EXPECT_THAT(Silent({{.id = 1, .role = kServer},
                      {.id = 2, .parent_id = 1, .is_error = true},
                      {.id = 3, .parent_id = 2, .is_error = true, .start_unix_nanos = 9},
                      {.id = 4, .parent_id = 2, .has_exception = true, .start_unix_nanos = 5}}),
              ElementsAre(Pair(4, 1), Pair(3, 1)));
}

TEST(SilentTrace, ARequestThatPassedItOnLeavesItToTheOneAround) {
  const JudgedSpan failed = {.id = 4, .parent_id = 3, .role = kClient, .is_error = true};
  const JudgedSpan inner = {.id = 3, .parent_id = 2, .role = kServer, .is_error = true};
  const JudgedSpan call = {.id = 2, .parent_id = 1, .role = kClient, .is_error = true};
  EXPECT_THAT(Silent({{.id = 1, .role = kServer}, call, inner, failed}), ElementsAre(Pair(4, 1)));
  EXPECT_THAT(Silent({{.id = 1, .role = kServer, .is_error = true}, call, inner, failed}), IsEmpty());
  // It was swallowed in the inner one: that is where to look, whatever became of the outer one.
  EXPECT_THAT(Silent({{.id = 1, .role = kServer, .is_error = true},
                      {.id = 2, .parent_id = 1, .role = kClient},
                      {.id = 3, .parent_id = 2, .role = kServer},
                      failed}),
              ElementsAre(Pair(4, 3)));
}

TEST(SilentTrace, NobodyWaitsForAConsumer) {
  EXPECT_THAT(Silent({{.id = 1, .role = kServer},
                      {.id = 2, .parent_id = 1},
                      {.id = 3, .parent_id = 2, .role = kConsumer, .is_error = true},
                      {.id = 4, .parent_id = 3, .role = kClient, .is_error = true}}),
              IsEmpty());
}

TEST(SilentTrace, TwoRequestsInOneTraceAreJudgedApart) {
  EXPECT_THAT(Silent({{.id = 1},
                      {.id = 2, .parent_id = 1, .role = kServer, .is_error = true},
                      {.id = 3, .parent_id = 2, .role = kClient, .is_error = true, .start_unix_nanos = 1},
                      {.id = 4, .parent_id = 1, .role = kServer},
                      {.id = 5, .parent_id = 4, .role = kClient, .is_error = true, .start_unix_nanos = 2}}),
              ElementsAre(Pair(3, 1), Pair(5, 4)));
}

TEST(SilentTrace, ALaterSpanLikeItThatDidNotFailIsARetry) {
  const auto retried = [](JudgedSpan second) {
    const auto found =
        SilentFailuresOf({{.id = 1, .role = kServer},
                          {.id = 2, .parent_id = 1, .operation = 7, .is_error = true, .start_unix_nanos = 5},
                          second});
    return !found.empty() && found[0].was_retried;
  };
  EXPECT_TRUE(retried({.id = 3, .parent_id = 1, .operation = 7, .start_unix_nanos = 6}));
  EXPECT_FALSE(retried({.id = 3, .parent_id = 1, .operation = 7, .start_unix_nanos = 4}));
  EXPECT_FALSE(retried({.id = 3, .parent_id = 1, .operation = 8, .start_unix_nanos = 6}));
  EXPECT_FALSE(retried({.id = 3, .parent_id = 1, .operation = 7, .is_error = true, .start_unix_nanos = 6}));
  EXPECT_FALSE(retried({.id = 3, .parent_id = 2, .operation = 7, .start_unix_nanos = 6}));
}

TEST(SilentTrace, SpansWithoutTheirParentsDoublesAndCircles) {
  EXPECT_THAT(Silent({{.id = 2, .parent_id = 1}, {.id = 3, .parent_id = 2, .is_error = true}}),
              ElementsAre(Pair(3, 2)));
  EXPECT_THAT(Silent({{.id = 1, .role = kServer},
                      {.id = 2, .parent_id = 1, .is_error = true},
                      {.id = 2, .parent_id = 1, .is_error = true}}),
              ElementsAre(Pair(2, 1)));
  EXPECT_THAT(
      Silent({{.id = 1, .parent_id = 2}, {.id = 2, .parent_id = 1}, {.id = 3, .parent_id = 2, .is_error = true}}),
      IsEmpty());
}

}  // namespace
}  // namespace sightline::query
