// A journal in a directory of its own, opened again and again as a restarted program would.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "journal/format.h"
#include "journal/journal.h"

namespace sightline::journal {

class JournalFixture : public testing::Test {
 protected:
  JournalFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "journal_test_XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    options_.directory = root_ + "/journal";
  }
  ~JournalFixture() override {
    SetFaultsForTest("");
    journal_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  Result<void> TryOpen() {
    journal_.reset();
    auto journal = Journal::Open(options_, metrics_);
    if (!journal) return std::unexpected(journal.error());
    journal_ = std::move(*journal);
    return {};
  }
  void Open() {
    const auto opened = TryOpen();
    ASSERT_TRUE(opened) << opened.error().message;
  }

  // Appends and waits for nothing: in kProcess mode `done` comes before Append returns.
  Result<uint64_t> Append(std::string_view bytes, otlp::Signal signal = otlp::Signal::kTraces,
                          std::vector<uint32_t> refused = {}) {
    const FrameHeader header{.signal = signal, .received_unix_nanos = 1700, .refused = std::move(refused)};
    return journal_->Append(header, bytes, [](const Result<void>& result) { EXPECT_TRUE(result); });
  }
  uint64_t MustAppend(std::string_view bytes, otlp::Signal signal = otlp::Signal::kTraces) {
    const auto number = Append(bytes, signal);
    EXPECT_TRUE(number) << number.error().message;
    return number.value_or(0);
  }
  std::string Read(uint64_t number) {
    const auto frame = journal_->ReadFrame(number);
    return frame ? frame->bytes : std::string(CodeName(frame.error().code));
  }

  // Writes the manifest and the done mark of a block of whole ranges.
  void Finish(uint64_t block, std::vector<Manifest::Range> frames, otlp::Signal signal = otlp::Signal::kTraces) {
    ASSERT_TRUE(journal_->AppendManifest({.block = block, .signal = signal, .frames = std::move(frames)}));
    ASSERT_TRUE(journal_->AppendDone(block));
  }

  std::vector<std::string> Segments() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (entry.path().extension() == ".journal") names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }
  std::string PathOf(const std::string& segment) const { return options_.directory + "/" + segment; }
  static std::string ReadFile(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }
  static void WriteFile(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<long>(bytes.size()));
  }

  // Rewrites a segment as if another run of the machine had written it: what follows must be explained by power loss.
  void PretendReboot(const std::string& segment) const {
    std::string bytes = ReadFile(PathOf(segment));
    SegmentHeader header = *DecodeSegmentHeader(bytes);
    header.boot ^= 1;
    WriteFile(PathOf(segment), bytes.replace(0, kSegmentHeaderBytes, EncodeSegmentHeader(header)));
  }

  double Metric(const std::string& name, const std::string& label = "") const {
    double sum = 0;
    for (const auto& sample : metrics_.Snapshot()) {
      const bool matches = label.empty() || (!sample.labels.empty() && sample.labels[0].second == label);
      if (sample.name == name && matches) sum += sample.value;
    }
    return sum;
  }

  MetricsRegistry metrics_;
  std::string root_;
  Options options_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace sightline::journal
