#include <gmock/gmock.h>

#include <cstring>
#include <memory>
#include <vector>

#include "metrics/testing/collected.h"
#include "otel/instrumentation/process.h"

namespace otel::instrumentation {
namespace {

using otel::testing::Collected;

constexpr int64_t kMiB = 1 << 20;

// The sanitizers have an allocator of their own, which mallinfo2 says nothing of.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasGlibcsMalloc = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kHasGlibcsMalloc = false;
#else
constexpr bool kHasGlibcsMalloc = true;
#endif
#else
constexpr bool kHasGlibcsMalloc = true;
#endif

class RuntimeMetricsTest : public ::testing::Test {
 protected:
  int64_t Bytes(const char* type) {
    return metrics_.Collect().Sum("glibc.malloc.memory.used", {{"glibc.malloc.memory.type", type}});
  }

  Collected metrics_;
  RuntimeMetrics runtime_{metrics_.meter};
};

TEST_F(RuntimeMetricsTest, SeesWhatIsAllocatedAndWhatIsKeptAfterItWasFreed) {
  if (!kHasGlibcsMalloc) GTEST_SKIP() << "a sanitizer's allocator";
  // Small enough to come from the heap, which is not given back while what lies above it is in use.
  constexpr size_t kBlocks = 4'000, kBlockBytes = 4'096;
  const int64_t before = Bytes("allocated");
  EXPECT_GT(before, 0);
  std::vector<std::unique_ptr<char[]>> blocks;
  for (size_t i = 0; i < kBlocks; ++i) blocks.push_back(std::make_unique<char[]>(kBlockBytes));
  const auto above = std::make_unique<char[]>(kBlockBytes);
  const int64_t full = Bytes("allocated");
  EXPECT_GE(full, before + 15 * kMiB);
  const int64_t free_before = Bytes("free");
  blocks.clear();
  EXPECT_LE(Bytes("allocated"), full - 15 * kMiB);
  EXPECT_GE(Bytes("free"), free_before + 15 * kMiB);
}

TEST_F(RuntimeMetricsTest, CountsBlocksThatAreMappedByThemselves) {
  if (!kHasGlibcsMalloc) GTEST_SKIP() << "a sanitizer's allocator";
  const auto count = [this] { return metrics_.Collect().Sum("glibc.malloc.mapping.count", {}); };
  const int64_t before = count(), bytes = Bytes("allocated");
  const auto large = std::make_unique<char[]>(64 * kMiB);
  EXPECT_EQ(count(), before + 1);
  EXPECT_GE(Bytes("allocated"), bytes + 64 * kMiB);
}

TEST_F(RuntimeMetricsTest, EndsWithItsObject) {
  Collected metrics;
  {
    const RuntimeMetrics runtime(metrics.meter);
    EXPECT_GT(metrics.Collect().metrics(), 0);
  }
  EXPECT_EQ(metrics.Collect().metrics(), 0);
}

}  // namespace
}  // namespace otel::instrumentation
