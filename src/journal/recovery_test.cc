#include "journal/recovery.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "journal/testing/journal_fixture.h"

namespace sightline::journal {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RecoveryTest : public JournalFixture {
 protected:
  // Three frames in one segment; returns where each record begins and, last, where the file ends.
  std::vector<size_t> ThreeFrames() {
    Open();
    const std::string path = PathOf(Segments()[0]);
    std::vector<size_t> ends = {ReadFile(path).size()};
    for (const char* bytes : {"first", "second", "the third and last"}) {
      MustAppend(bytes);
      ends.push_back(ReadFile(path).size());
    }
    journal_.reset();
    return ends;
  }
};

TEST_F(RecoveryTest, LastRecordTornAtEveryByteIsCutAndTheRestKept) {
  const auto ends = ThreeFrames();
  const std::string path = PathOf(Segments()[0]);
  const std::string whole = ReadFile(path);
  for (size_t size = ends[2]; size < ends[3]; ++size) {
    WriteFile(path, whole.substr(0, size));
    Open();
    EXPECT_EQ(journal_->unfinished().torn_bytes, size - ends[2]);
    EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 2)) << size;
    EXPECT_EQ(Read(2), "second");
    EXPECT_EQ(MustAppend("again"), 3U);
    Open();
    EXPECT_EQ(journal_->unfinished().torn_bytes, 0U);
    EXPECT_EQ(Read(3), "again");
    journal_.reset();
  }
}

TEST_F(RecoveryTest, AFlippedBitInAnyByteIsDataLossThatNamesThePlaceAndChangesNothing) {
  const auto ends = ThreeFrames();
  const std::string path = PathOf(Segments()[0]);
  const std::string whole = ReadFile(path);
  for (size_t bit = 0; bit < whole.size() * 8; bit += 9) {
    std::string damaged = whole;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    WriteFile(path, damaged);
    const auto opened = TryOpen();
    ASSERT_FALSE(opened) << "bit " << bit;
    if (bit / 8 >= kSegmentHeaderBytes) {
      EXPECT_EQ(opened.error().code, Code::kDataLoss) << "bit " << bit;
      const size_t record = *std::prev(std::ranges::upper_bound(ends, bit / 8));
      EXPECT_THAT(opened.error().message, AllOf(HasSubstr(path), HasSubstr(fmt::format("offset {} ", record))));
    }
    EXPECT_EQ(ReadFile(path), damaged);
  }
}

TEST_F(RecoveryTest, ShortSegmentBeforeOthersIsDataLoss) {
  options_.segment_bytes_max = 4096;
  Open();
  for (int i = 0; i < 4; ++i) MustAppend(std::string(1900, 'x'));
  journal_.reset();
  ASSERT_THAT(Segments(), SizeIs(2));
  const std::string path = PathOf(Segments()[0]);
  const std::string whole = ReadFile(path);
  for (const size_t missing : {size_t{1}, size_t{1000}, (whole.size() - kSegmentHeaderBytes) / 2}) {
    WriteFile(path, whole.substr(0, whole.size() - missing));
    EXPECT_EQ(TryOpen().error().code, Code::kDataLoss) << missing;
  }
}

TEST_F(RecoveryTest, MissingSegmentIsDataLossAndNamed) {
  options_.segment_bytes_max = 4096;
  Open();
  for (int i = 0; i < 6; ++i) MustAppend(std::string(1900, 'x'));
  journal_.reset();
  ASSERT_THAT(Segments(), SizeIs(3));
  std::filesystem::remove(PathOf(Segments()[1]));
  const auto opened = TryOpen();
  EXPECT_EQ(opened.error().code, Code::kDataLoss);
  EXPECT_THAT(opened.error().message, HasSubstr("00000000000000000002.journal is missing"));
}

TEST_F(RecoveryTest, SegmentUnderAnotherNameIsDataLoss) {
  ThreeFrames();
  std::filesystem::rename(PathOf(Segments()[0]), PathOf(SegmentName(8)));
  EXPECT_EQ(TryOpen().error().code, Code::kDataLoss);
}

TEST_F(RecoveryTest, NewerFormatIsRefusedAsSuch) {
  ThreeFrames();
  std::string bytes = ReadFile(PathOf(Segments()[0]));
  ++bytes[8];
  WriteFile(PathOf(Segments()[0]), bytes);
  const auto opened = TryOpen();
  EXPECT_EQ(opened.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(opened.error().message, HasSubstr("format version 4"));
}

TEST_F(RecoveryTest, SegmentWhoseCreationWasCutShortIsIgnored) {
  ThreeFrames();
  const std::string unnamed = PathOf(SegmentName(2)) + ".new";
  WriteFile(unnamed, "SLJ");
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 2, 3));
  EXPECT_FALSE(std::filesystem::exists(unnamed));
}

// A payload may hold the bytes of a record, even of this very journal: it must not be taken for one.
TEST_F(RecoveryTest, RecordInsideATornPayloadIsNotTakenForARecord) {
  ThreeFrames();
  const std::string path = PathOf(Segments()[0]);
  const std::string records = ReadFile(path).substr(kSegmentHeaderBytes);
  Open();
  MustAppend(records);
  journal_.reset();
  const std::string whole = ReadFile(path);
  WriteFile(path, whole.substr(0, whole.size() - 1));
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 2, 3));
  EXPECT_GT(journal_->unfinished().torn_bytes, records.size());
}

TEST_F(RecoveryTest, PowerLossInProcessModeKeepsWhatReadsBack) {
  const auto ends = ThreeFrames();
  const std::string path = PathOf(Segments()[0]);
  PretendReboot(Segments()[0]);
  std::string bytes = ReadFile(path);
  std::fill(bytes.begin() + static_cast<long>(ends[1]), bytes.begin() + static_cast<long>(ends[2]), '\0');
  WriteFile(path, bytes);
  Open();
  EXPECT_EQ(journal_->unfinished().lost_bytes, ends[2] - ends[1]);
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 3));
  EXPECT_EQ(Read(2), "NOT_FOUND");
  EXPECT_EQ(Read(3), "the third and last");
  EXPECT_GE(journal_->unfinished().block_max, 1U << 20) << "blocks whose marks were lost keep their numbers";
  EXPECT_EQ(MustAppend("next"), 4U);
  Open();
  EXPECT_EQ(journal_->unfinished().lost_bytes, 0U) << "the damage is covered now";
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 3, 4));
  Finish(journal_->unfinished().block_max + 1, {{1, 4}});
  EXPECT_THAT(Segments(), SizeIs(1));
}

TEST_F(RecoveryTest, PowerLossInProcessModeMayShortenSegments) {
  options_.segment_bytes_max = 4096;
  Open();
  for (int i = 0; i < 6; ++i) MustAppend(std::string(1900, 'x'));
  journal_.reset();
  for (const auto& segment : Segments()) PretendReboot(segment);
  const std::string path = PathOf(Segments()[1]);
  WriteFile(path, ReadFile(path).substr(0, kSegmentHeaderBytes + 1000));
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 2, 5, 6));
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 2, 5, 6));
}

class RecoveryDiskTest : public RecoveryTest {
 protected:
  // Writes a segment whose records knew that much of it to be on disk.
  struct Piece {
    std::string bytes;
    bool after_sync = false;
    bool damaged = false;
  };
  void WriteSegment(const std::vector<Piece>& pieces) {
    std::filesystem::create_directories(options_.directory);
    SegmentHeader header{.durability = Durability::kDisk, .sequence = 1, .salt = 99, .boot = BootNumber() ^ 1};
    std::string file = EncodeSegmentHeader(header);
    uint64_t number = 0;
    uint32_t durable = 0;
    for (const Piece& piece : pieces) {
      const auto offset = static_cast<uint32_t>(file.size());
      if (piece.after_sync) durable = offset;
      const std::string head = EncodeFrameHead(++number, {});
      const auto record = EncodeRecordHeader(header.salt, offset, RecordType::kFrame, durable, head, piece.bytes);
      file.append(record.data(), record.size()).append(head).append(piece.bytes);
      if (piece.damaged) file[offset + kRecordHeaderBytes + 3] ^= 1;
    }
    WriteFile(PathOf(SegmentName(1)), file);
  }
};

TEST_F(RecoveryDiskTest, UnsyncedRecordsMayReachTheDiskInAnyOrder) {
  WriteSegment({{.bytes = "synced"}, {.bytes = "hole", .after_sync = true, .damaged = true}, {.bytes = "stray"}});
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1));
  EXPECT_GT(journal_->unfinished().torn_bytes, 0U);
  EXPECT_EQ(MustAppend("next"), 2U);
}

TEST_F(RecoveryDiskTest, DamageThatALaterRecordKnewToBeOnDiskIsDataLoss) {
  WriteSegment({{.bytes = "a"}, {.bytes = "b", .damaged = true}, {.bytes = "c"}, {.bytes = "d", .after_sync = true}});
  const auto opened = TryOpen();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kDataLoss);
}

TEST_F(RecoveryTest, ChangedDurabilityBeginsANewSegment) {
  ThreeFrames();
  options_.durability = Durability::kDisk;
  Open();
  EXPECT_THAT(Segments(), SizeIs(2));
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace sightline::journal
