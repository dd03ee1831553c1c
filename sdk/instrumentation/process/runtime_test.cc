#include <gmock/gmock.h>

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

// Compilers leave out memory that nobody looks at.
void LookAt(const void* memory) {
  asm volatile("" : : "r"(memory) : "memory");
}

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
  constexpr size_t kBlocks = 4'000, kBlockBytes = 4'096;
  constexpr int64_t kHalf = kBlocks * kBlockBytes / 2;
  const int64_t before = Bytes("allocated");
  EXPECT_GT(before, 0);
  std::vector<std::unique_ptr<char[]>> blocks;
  for (size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(std::make_unique<char[]>(kBlockBytes));
    LookAt(blocks.back().get());
  }
  const int64_t full = Bytes("allocated"), free_before = Bytes("free");
  EXPECT_GE(full, before + 2 * kHalf);
  for (size_t i = 0; i < kBlocks; i += 2) blocks[i].reset();  // between those in use nothing is given back
  EXPECT_LE(Bytes("allocated"), full - kHalf);
  EXPECT_GE(Bytes("free"), free_before + kHalf - kMiB);  // some of it is used again
}

TEST_F(RuntimeMetricsTest, CountsBlocksThatAreMappedByThemselves) {
  if (!kHasGlibcsMalloc) GTEST_SKIP() << "a sanitizer's allocator";
  const auto count = [this] { return metrics_.Collect().Sum("glibc.malloc.mapping.count", {}); };
  const int64_t before = count(), bytes = Bytes("allocated");
  const auto large = std::make_unique<char[]>(64 * kMiB);
  LookAt(large.get());
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
