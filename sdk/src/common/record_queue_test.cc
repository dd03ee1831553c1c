#include "common/record_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

namespace otel::internal {
namespace {

using Pushed = RecordQueue::Pushed;

class Numbered final : public PooledRecord {
 public:
  void Clear() override { arena().Reset(); }
};

TEST(RecordQueue, HoldsExactlyItsLimit) {
  RecordQueue queue(100, 64);
  std::deque<Numbered> records(200);
  std::vector<QueuedRecord> taken;
  for (int round = 0; round < 3; ++round) {
    size_t pushed = 0;
    for (auto& record : records) pushed += queue.Push(&record) != Pushed::kNo;
    EXPECT_EQ(pushed, 100);
    EXPECT_EQ(queue.TakeAll(taken), 100);  // dropped
    EXPECT_EQ(taken.size(), 100);
    EXPECT_EQ(queue.Push(&records[0]), Pushed::kNo);  // what was taken has its place until it is given back
    queue.GiveBackPlaces(taken.size());
    taken.clear();
    EXPECT_EQ(queue.TakeAll(taken), 1);
  }
}

TEST(RecordQueue, SaysWhenABatchIsFull) {
  RecordQueue queue(2048, 512);
  std::deque<Numbered> records(1024);
  for (size_t i = 0; i < records.size(); ++i) {
    const bool full = queue.Push(&records[i]) == Pushed::kBatchFull;
    if (i < 511) EXPECT_FALSE(full) << i;
    if (i == 511 || i == 1023) EXPECT_TRUE(full) << i;
  }
}

TEST(RecordQueue, DropsNothingWhileOtherThreadsHaveUnusedPlaces) {
  RecordQueue queue(96, 512);
  std::deque<Numbered> records(96);
  std::atomic<size_t> next = 0, pushed = 0;
  const auto push = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) pushed += queue.Push(&records[next++]) != Pushed::kNo;
  };
  // Each of two leaves most of the places it took to the third.
  std::atomic<int> ready = 0;
  const auto one = [&] {
    push(1);
    for (++ready; ready < 3;) std::this_thread::yield();
  };
  std::thread first(one), second(one);
  while (ready < 2) std::this_thread::yield();
  push(94);
  ++ready;
  first.join();
  second.join();
  EXPECT_EQ(pushed, 96);
  Numbered more;
  EXPECT_EQ(queue.Push(&more), Pushed::kNo);
}

TEST(RecordQueue, LosesNothingBetweenThreads) {
  constexpr size_t kThreads = 3, kEach = 20'000;
  RecordQueue queue(256, 64);
  std::deque<Numbered> records(kThreads);
  std::atomic<size_t> pushed = 0, ended = 0;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kEach; ++i) pushed += queue.Push(&records[t]) != Pushed::kNo;
      ++ended;
    });
  }
  size_t taken_count = 0;
  uint64_t dropped = 0;
  std::vector<QueuedRecord> taken;
  for (bool last = false; !last;) {
    last = ended == kThreads;
    dropped += queue.TakeAll(taken);
    EXPECT_LE(taken.size(), 256);
    taken_count += taken.size();
    queue.GiveBackPlaces(taken.size());
    taken.clear();
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken_count, pushed);
  EXPECT_EQ(taken_count + dropped, kThreads * kEach);
}

TEST(RecordQueue, TakesNothingOnceClosed) {
  RecordQueue queue(8, 8);
  Numbered record;
  EXPECT_NE(queue.Push(&record), Pushed::kNo);
  queue.Close();
  EXPECT_EQ(queue.Push(&record), Pushed::kNo);
  std::vector<QueuedRecord> taken;
  EXPECT_EQ(queue.TakeAll(taken), 0);
  EXPECT_EQ(taken.size(), 1);
}

TEST(RecordPool, GivesBackWhatItWasGivenAndFreesWhatIsTooMuch) {
  static std::atomic<int> alive = 0;
  struct Counted final : PooledRecord {
    Counted() { ++alive; }
    ~Counted() override { --alive; }
    void Clear() override { arena().Reset(); }
  };
  static auto& pool = *new RecordPool;  // never destroyed, like all pools
  EXPECT_EQ(pool.Take(), nullptr);
  for (size_t i = 0; i < RecordPool::kStockRecordsMax + 10; ++i) pool.Give(new Counted);
  EXPECT_EQ(alive, RecordPool::kStockRecordsMax);
  std::vector<std::unique_ptr<PooledRecord>> all;
  while (auto* const record = pool.Take()) all.emplace_back(record);
  EXPECT_EQ(all.size(), RecordPool::kStockRecordsMax);

  pool.GiveUnseen(std::vector{all.front().get(), all.back().get()}, ThreadSlot());
  all.back()->AddReference();  // somebody still reads it
  EXPECT_EQ(pool.Take(), all.front().get());
  EXPECT_EQ(pool.Take(), nullptr);
  pool.Give(all.back().get());  // and does not any more
  EXPECT_EQ(pool.Take(), all.back().get());

  all.front()->arena().Allocate(2 * RecordPool::kKeptRecordBytesMax, 1);
  pool.Give(all.front().get());
  EXPECT_LE(all.front()->arena().bytes(), RecordPool::kKeptRecordBytesMax);
  EXPECT_EQ(pool.Take(), all.front().get());
}

}  // namespace
}  // namespace otel::internal
