#include "journal/recovery.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace sightline::journal {
namespace {

constexpr std::string_view kSegmentSuffix = ".journal";

// One pass over a segment. Thread: one.
class Scanner {
 public:
  Scanner(std::string_view bytes, bool newest, uint64_t boot, Ledger& ledger)
      : bytes_(bytes), newest_(newest), boot_(boot), ledger_(ledger) {}

  Result<SegmentScan> Run() {
    auto header = DecodeSegmentHeader(bytes_);
    if (!header) return std::unexpected(header.error());
    scan_.header = *header;
    SIGHTLINE_TRY(EnterSegment());
    uint32_t offset = kSegmentHeaderBytes;
    while (offset < bytes_.size()) {
      const auto record = ParseRecord(bytes_, header->salt, offset);
      if (record) {
        SIGHTLINE_TRY(Enter(*record));
        offset = record->end();
        continue;
      }
      auto next = Skip(offset);
      if (!next) return std::unexpected(next.error());
      if (*next == offset) break;
      offset = *next;
    }
    scan_.valid_end = offset;
    return scan_;
  }

 private:
  // Whether the machine may have gone down with some of this segment's bytes not yet on disk.
  bool MayHaveLostPower() const { return boot_ == 0 || scan_.header.boot != boot_; }
  bool MayHaveHoles() const { return MayHaveLostPower() && scan_.header.durability == Durability::kProcess; }

  Result<void> EnterSegment() {
    const SegmentHeader& header = scan_.header;
    const uint64_t next = ledger_.next_frame();
    const bool oldest = !ledger_.has_segments();
    // A hole at the end of the segment before swallowed the frames between.
    const bool lost = header.first_frame > next && header.first_frame - next < UINT32_MAX && MayHaveHoles();
    if (!oldest && header.first_frame != next && !lost) {
      return Fail(Code::kDataLoss, "it begins with frame {}, the segment before it ends before frame {}",
                  header.first_frame, next);
    }
    if (header.first_frame == 0 || header.first_frame > UINT64_MAX / 2) {
      return Fail(Code::kDataLoss, "it begins with frame {}", header.first_frame);
    }
    ledger_.AddSegment(header.sequence, header.first_frame);
    ledger_.SawBlock(header.block_max);
    return {};
  }

  // At a place where no valid record begins: where to go on. The same offset: here ends what is valid.
  Result<uint32_t> Skip(uint32_t offset) {
    if (newest_ && IsTornAppend(offset)) return offset;
    const auto next = FindRecord(bytes_, scan_.header.salt, offset + 1);
    if (newest_ && MayHaveLostPower() && (!next || NeverAnswered(offset, *next))) return offset;
    const uint32_t end = next ? next->offset : static_cast<uint32_t>(bytes_.size());
    if (!MayHaveHoles() || end - offset < kRecordHeaderBytes) {
      return Fail(Code::kDataLoss, "damaged from offset {} to {} of {}", offset, end, bytes_.size());
    }
    scan_.holes.push_back({offset, end});
    return end;
  }

  // A program that ends inside an append leaves the first part of a record: less than its header, or a good header and
  // less than its body. The kernel grows the file in that order.
  bool IsTornAppend(uint32_t offset) const {
    const std::string_view rest = bytes_.substr(offset);
    if (rest.size() < kRecordHeaderBytes) return true;
    const auto length = DecodeRecordLength(rest.substr(0, kRecordHeaderBytes), scan_.header.salt, offset);
    return length && *length > rest.size() - kRecordHeaderBytes;
  }

  // In kDisk mode appends that wait for the same sync may reach the disk in any order; none of them was answered. That
  // a record after the damage knew the damaged place to be on disk proves the contrary.
  bool NeverAnswered(uint32_t offset, Record next) const {
    if (scan_.header.durability != Durability::kDisk) return false;
    for (std::optional<Record> record = next; record;) {
      if (record->durable > offset) return false;
      record = FindRecord(bytes_, scan_.header.salt, record->end());
    }
    return true;
  }

  Result<void> Enter(const Record& record) {
    bool good = true;
    switch (record.type) {
      case RecordType::kFrame:
        good = EnterFrame(record);
        break;
      case RecordType::kManifest: {
        const auto manifest = DecodeManifest(record.body);
        good = manifest && ledger_.CheckManifest(*manifest);
        if (good) ledger_.AddManifest(*manifest);
        break;
      }
      case RecordType::kDone:
      case RecordType::kWithdrawn: {
        const auto number = DecodeNumber(record.body);
        good = number.has_value();
        if (good && record.type == RecordType::kDone) ledger_.AddDone(*number);
        if (good && record.type == RecordType::kWithdrawn) ledger_.Withdraw(*number);
        break;
      }
      case RecordType::kHole:
        hole_bytes_ += record.body.size() + kRecordHeaderBytes;
        break;
    }
    if (good) return {};
    return Fail(Code::kDataLoss, "the record at offset {} contradicts those before it", record.offset);
  }

  bool EnterFrame(const Record& record) {
    const auto frame = DecodeFrame(record.body);
    if (!frame || frame->number < ledger_.next_frame()) return false;
    uint64_t lost_max = hole_bytes_ / kRecordHeaderBytes;
    for (const auto& hole : scan_.holes) lost_max += (hole.end - hole.begin) / kRecordHeaderBytes;
    if (frame->number - ledger_.next_frame() > lost_max) return false;
    ledger_.AddLostFramesBefore(frame->number);
    ledger_.AddFrame(frame->header, record.offset, record.body.size() - frame->bytes.size());
    return true;
  }

  const std::string_view bytes_;
  const bool newest_;
  const uint64_t boot_;
  Ledger& ledger_;
  SegmentScan scan_;
  uint64_t hole_bytes_ = 0;  // covered by an earlier recovery
};

struct Listing {
  std::vector<uint64_t> sequences;             // ascending
  std::vector<std::filesystem::path> unnamed;  // segments whose creation was cut short
};

Result<Listing> List(const std::string& directory) {
  Listing listing;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (name.ends_with(".new")) listing.unnamed.push_back(it->path());
    if (!name.ends_with(kSegmentSuffix)) continue;
    uint64_t sequence = 0;
    const char* digits_end = name.data() + name.size() - kSegmentSuffix.size();
    const auto [stop, failed] = std::from_chars(name.data(), digits_end, sequence);
    if (failed != std::errc() || stop != digits_end || name != SegmentName(sequence)) {
      return Fail(Code::kDataLoss, "{}/{} is not a segment's name", directory, name);
    }
    listing.sequences.push_back(sequence);
  }
  if (error) return Fail(Code::kUnavailable, "list {}: {}", directory, error.message());
  std::ranges::sort(listing.sequences);
  for (size_t i = 1; i < listing.sequences.size(); ++i) {
    if (listing.sequences[i] != listing.sequences[i - 1] + 1) {
      return Fail(Code::kDataLoss, "{}/{} is missing", directory, SegmentName(listing.sequences[i - 1] + 1));
    }
  }
  return listing;
}

// Puts a record over damage, so that it need not be judged again.
Result<void> CoverHoles(Segment& segment, const SegmentScan& scan) {
  for (const auto& hole : scan.holes) {
    const auto header = EncodeHoleHeader(scan.header.salt, hole.begin, hole.end - hole.begin - kRecordHeaderBytes);
    SIGHTLINE_TRY(segment.Overwrite(hole.begin, {header.data(), header.size()}));
  }
  return {};
}

}  // namespace

Result<SegmentScan> ScanSegment(std::string_view bytes, bool newest, uint64_t boot, Ledger& ledger) {
  return Scanner(bytes, newest, boot, ledger).Run();
}

Result<Recovered> Recover(const std::string& directory, uint64_t boot, Ledger& ledger) {
  auto listing = List(directory);
  if (!listing) return std::unexpected(listing.error());
  Recovered recovered;
  std::vector<SegmentScan> scans;
  for (const uint64_t sequence : listing->sequences) {
    auto segment = Segment::Open(directory, sequence);
    if (!segment) return std::unexpected(segment.error());
    const auto bytes = (*segment)->ReadAll();
    if (!bytes) return std::unexpected(bytes.error());
    const bool newest = sequence == listing->sequences.back();
    auto scan = ScanSegment(*bytes, newest, boot, ledger);
    if (scan && scan->header.sequence != sequence) {
      scan = Fail(Code::kDataLoss, "its header says that it is {}", SegmentName(scan->header.sequence));
    }
    if (!scan) return Wrap((*segment)->path(), scan.error());
    (*segment)->Adopt(scan->header, scan->valid_end);
    recovered.torn_bytes += bytes->size() - scan->valid_end;
    for (const auto& hole : scan->holes) recovered.lost_bytes += hole.end - hole.begin;
    recovered.segments.push_back(std::move(*segment));
    scans.push_back(std::move(*scan));
  }
  for (size_t i = 0; i < scans.size(); ++i) SIGHTLINE_TRY(CoverHoles(*recovered.segments[i], scans[i]));
  if (recovered.torn_bytes > 0) {
    SIGHTLINE_TRY(recovered.segments.back()->Truncate(recovered.segments.back()->size()));
  }
  std::error_code ignored;  // whatever stays is tried again next time
  for (const auto& path : listing->unnamed) std::filesystem::remove(path, ignored);
  return recovered;
}

uint64_t BootNumber() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id.empty() ? 0 : XXH3_64bits(id.data(), id.size());
}

}  // namespace sightline::journal
