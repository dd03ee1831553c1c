#include "sample/dropped_traces.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/hex.h"

namespace sightline::sample {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'790'000'000 * kSecond;

class DroppedTracesTest : public ::testing::Test {
 protected:
  DroppedTracesTest() {
    std::string path = ::testing::TempDir() + "dropped-XXXXXX";
    directory_ = std::string(mkdtemp(path.data())) + "/records";
  }
  ~DroppedTracesTest() override {
    traces_.reset();
    std::filesystem::remove_all(std::filesystem::path(directory_).parent_path());
  }

  // As a kill and a start.
  void Open(uint64_t bytes_max = 1 << 20) {
    traces_.reset();
    auto opened = DroppedTraces::Open({directory_, bytes_max}, metrics_);
    ASSERT_TRUE(opened) << opened.error().message;
    traces_ = *std::move(opened);
  }

  std::vector<std::filesystem::path> Files() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
  }

  uint64_t BytesOnDisk() const {
    uint64_t bytes = 0;
    for (const auto& file : Files()) bytes += std::filesystem::file_size(file);
    return bytes;
  }

  // "when policy", "" if it is not there.
  std::string Found(uint64_t hash) const {
    const auto record = traces_->Find(hash);
    return record ? fmt::format("{} {}", (record->decided_unix_nanos - kStart) / kSecond, record->policy) : "";
  }

  std::string directory_;
  MetricsRegistry metrics_;
  std::unique_ptr<DroppedTraces> traces_;
};

TEST_F(DroppedTracesTest, FindsWhatWasDroppedWithTimeAndPolicyAndNothingElse) {
  Open();
  EXPECT_EQ(Found(7), "");
  EXPECT_FALSE(std::filesystem::exists(directory_)) << "nothing was dropped yet";
  traces_->Add(kStart, {"", "no-probes"}, {{7, 0, 3}, {8, 1, 1}, {9, 0, 1}});
  traces_->Add(kStart + 5 * kSecond, {"no-probes"}, {{10, 0, 1}});
  EXPECT_EQ(Found(7), "0 ");
  EXPECT_EQ(Found(8), "0 no-probes");
  EXPECT_EQ(Found(10), "5 no-probes");
  EXPECT_EQ(Found(11), "");
  EXPECT_EQ(traces_->status().oldest_unix_nanos, kStart);
}

TEST_F(DroppedTracesTest, LateSpansDoNotChangeWhenTheTraceWasDropped) {
  Open();
  traces_->Add(kStart, {"a"}, {{7, 0, 3}});
  traces_->Add(kStart + kSecond, {"a"}, {{7, 0, 1}, {7, 0, 1}, {7, 0, 1}, {7, 0, 1}});
  EXPECT_EQ(Found(7), "0 a");
}

TEST_F(DroppedTracesTest, KnowsAfterAKillWhatItKnewBefore) {
  Open();
  traces_->Add(kStart, {"a"}, {{7, 0, 3}});
  Open();
  EXPECT_EQ(Found(7), "0 a");
  EXPECT_EQ(traces_->newest_unix_nanos(), kStart);
  traces_->Add(kStart + kSecond, {"b"}, {{8, 0, 1}});
  Open();
  EXPECT_EQ(Found(7), "0 a");
  EXPECT_EQ(Found(8), "1 b");
  EXPECT_THAT(Files(), ::testing::SizeIs(1));
}

TEST_F(DroppedTracesTest, StaysWithinItsBudgetAndForgetsTheOldestFirst) {
  constexpr uint64_t kBytesMax = 256 << 10;
  Open(kBytesMax);
  constexpr uint64_t kBatches = 1000, kTraces = 100;
  for (uint64_t batch = 0; batch < kBatches; ++batch) {
    std::vector<DecidedFrame::Dropped> dropped;
    for (uint64_t i = 0; i < kTraces; ++i) dropped.push_back({batch * kTraces + i, 0, 1});
    traces_->Add(kStart + static_cast<int64_t>(batch) * kSecond, {"a"}, dropped);
    if (batch % 97 == 0) Open(kBytesMax);
    ASSERT_LE(traces_->status().bytes, kBytesMax);
  }
  EXPECT_EQ(BytesOnDisk(), traces_->status().bytes);
  EXPECT_EQ(Found(0), "");
  EXPECT_EQ(Found(kBatches * kTraces - 1), "999 a");
  // 8 bytes a trace, and little more: what is found is a suffix of what was dropped.
  uint64_t first = 0;
  while (Found(first * kTraces).empty()) ++first;
  for (uint64_t batch = first; batch < kBatches; batch += 10) EXPECT_NE(Found(batch * kTraces), "") << batch;
  EXPECT_GT((kBatches - first) * kTraces, kBytesMax / 8 * 8 / 10);
}

TEST_F(DroppedTracesTest, MoreAtOnceThanAFileHoldsStaysWithinTheBudgetToo) {
  constexpr uint64_t kBytesMax = 1 << 20;
  Open(kBytesMax);
  std::vector<DecidedFrame::Dropped> dropped;
  for (uint64_t i = 0; i < 100'000; ++i) dropped.push_back({i, 0, 1});
  for (int64_t second = 0; second < 3; ++second) {
    traces_->Add(kStart + second * kSecond, {"a"}, dropped);
    EXPECT_LE(traces_->status().bytes, kBytesMax);
    EXPECT_GT(traces_->status().bytes, 100'000 * 8);
  }
  EXPECT_NE(Found(0), "");
  EXPECT_EQ(Found(99'999).substr(2), "a");
}

TEST_F(DroppedTracesTest, WhatAPowerCutLeftIsWrittenOver) {
  Open();
  traces_->Add(kStart, {"a"}, {{7, 0, 3}});
  const uint64_t whole = traces_->status().bytes;
  traces_->Add(kStart + kSecond, {"a"}, {{8, 0, 3}});
  traces_.reset();
  {
    std::fstream file(Files().at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(whole) + 40);
    file.put('\x55');
  }
  Open();
  EXPECT_EQ(traces_->status().bytes, whole);
  EXPECT_EQ(Found(7), "0 a");
  EXPECT_EQ(Found(8), "");
  traces_->Add(kStart + 2 * kSecond, {"a"}, {{9, 0, 3}});
  Open();
  EXPECT_EQ(Found(9), "2 a");
}

TEST_F(DroppedTracesTest, ForeignFilesAndBytesDoNoHarm) {
  std::filesystem::create_directories(directory_);
  std::ofstream(directory_ + "/notes.txt") << "mine";
  std::ofstream(directory_ + "/000000000001.dropped") << std::string(100'000, 'x');
  std::ofstream(directory_ + "/000000000002.dropped");
  Open();
  EXPECT_EQ(Found(7), "");
  traces_->Add(kStart, {"a"}, {{7, 0, 3}});
  EXPECT_EQ(Found(7), "0 a");
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/notes.txt"));
}

TEST_F(DroppedTracesTest, CountsWhatCannotBeWritten) {
  std::ofstream(directory_) << "a file where the directory should be";
  auto opened = DroppedTraces::Open({directory_, 1 << 20}, metrics_);
  EXPECT_FALSE(opened);
  std::filesystem::remove(directory_);
  Open();
  std::ofstream(directory_) << "again";
  traces_->Add(kStart, {"a"}, {{7, 0, 3}, {8, 0, 1}});
  EXPECT_EQ(metrics_.GetCounter("sightline.sampling.lost_records", "", "").value(), 2);
  EXPECT_EQ(Found(7), "");
}

TEST_F(DroppedTracesTest, TakesOnlyWholeIds) {
  Open();
  for (const char* id : {"", "00", "4bf92f3577b34da6a3ce929d0e0e473", "4bf92f3577b34da6a3ce929d0e0e473x"}) {
    EXPECT_FALSE(traces_->Find(std::string_view(id))) << id;
  }
}

}  // namespace
}  // namespace sightline::sample
