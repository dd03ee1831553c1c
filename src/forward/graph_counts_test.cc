#include "forward/graph_counts.h"

#include <gtest/gtest.h>

#include <string>

namespace sightline::forward {
namespace {

constexpr uint32_t kMinuteSeconds = 60;

otlp::ServiceGraphEdges Edges(uint32_t minutes, int servers) {
  otlp::ServiceGraphEdges edges;
  for (uint32_t minute = 0; minute < minutes; ++minute) {
    for (int server = 0; server < servers; ++server) {
      edges.Add({.client = "shop",
                 .server = "pay " + std::to_string(server),
                 .start_second = minute * kMinuteSeconds,
                 .duration_nanos = 1'000'000ULL << server});
    }
  }
  return edges;
}

std::string Written(const GraphCounts& counts) {
  std::vector<OutgoingRequest> requests;
  counts.Write({.start_unix_nanos = 1, .now_unix_nanos = 2}, "me", requests);
  std::string bytes;
  for (const OutgoingRequest& request : requests) bytes += request.bytes;
  return bytes;
}

uint64_t Points(const GraphCounts& counts) {
  std::vector<OutgoingRequest> requests;
  counts.Write({.start_unix_nanos = 1, .now_unix_nanos = 2}, "me", requests);
  uint64_t points = 0;
  for (const OutgoingRequest& request : requests) points += request.items;
  return points;
}

TEST(GraphCounts, MergedTheyAreWhatTheirEdgesAddUpTo) {
  GraphCounts direct(10), one(10), merged(10);
  direct.Add(Edges(1, 3));
  direct.Add(Edges(1, 5));
  one.Add(Edges(1, 5));
  merged.Add(Edges(1, 3));
  merged.Merge(one);
  EXPECT_EQ(Written(merged), Written(direct));
  merged.Merge(GraphCounts(10));
  EXPECT_EQ(Written(merged), Written(direct));
}

TEST(GraphCounts, TimeAddsNoSeriesAndServersOnlyToALimit) {
  GraphCounts counts(10), merged(10);
  counts.Add(Edges(1, 5));
  const uint64_t points = Points(counts);
  counts.Add(Edges(100, 5));
  EXPECT_EQ(Points(counts), points);
  merged.Merge(counts);
  counts.Add(Edges(1, 30));
  EXPECT_EQ(Points(counts), points / 5 * 11) << "with that of all others";
  merged.Merge(counts);
  EXPECT_LE(Points(merged), points / 5 * 11);
}

}  // namespace
}  // namespace sightline::forward
