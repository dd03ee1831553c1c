// The bytes of a segment: its header, its records and their bodies. Pure functions, no files.
// Data: frames, manifests, done marks <-> bytes. README.md draws the layout.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "journal/journal.h"

namespace sightline::journal {

// Version 2 has bits beside the signal of frames and manifests, which are 0 in version 1. Version 3 has more of them.
inline constexpr uint32_t kFormatVersion = 3;
inline constexpr uint32_t kSegmentHeaderBytes = 64;
inline constexpr uint32_t kRecordHeaderBytes = 16;
inline constexpr uint32_t kRecordBytesMax = 1U << 30;

struct SegmentHeader {
  uint32_t version = kFormatVersion;
  Durability durability = Durability::kProcess;  // promised to the frames in it
  uint64_t sequence = 0;                         // also in the file's name
  uint64_t first_frame = 1;  // number of the first frame in it, so that numbers survive the deletion of all before
  uint64_t block_max = 0;    // largest block number before it, for the same reason
  uint64_t salt = 0;         // random; with a record's offset the seed of its checksums
  uint64_t boot = 0;         // which run of the machine wrote it
};

std::string EncodeSegmentHeader(const SegmentHeader& header);
Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

// The numbers are on disk: never renumber.
enum class RecordType : uint8_t {
  kFrame = 1,
  kManifest = 2,
  kDone = 3,
  kWithdrawn = 4,  // frames whose sync failed: their senders were told so
  kHole = 5,       // stands over damaged bytes that were given up; its body is not checked
};

struct Record {
  RecordType type = RecordType::kFrame;
  uint32_t offset = 0;   // of the record's header in the segment
  uint32_t durable = 0;  // this many bytes of the segment were known to be on disk when the record was written
  std::string_view body;
  uint32_t end() const { return offset + kRecordHeaderBytes + static_cast<uint32_t>(body.size()); }
};

// The checksums are seeded with salt and offset: a record is valid only where it was written, so that neither stale
// bytes nor a payload that looks like a record can pass for one.
std::array<char, kRecordHeaderBytes> EncodeRecordHeader(uint64_t salt, uint32_t offset, RecordType type,
                                                        uint32_t durable, std::string_view head,
                                                        std::string_view payload);

// For a kHole record over `length` bytes that stay as they are.
std::array<char, kRecordHeaderBytes> EncodeHoleHeader(uint64_t salt, uint32_t offset, uint32_t length);

// The length of the body that the 16 bytes at `offset` announce; nothing if they are no record's header.
std::optional<uint32_t> DecodeRecordLength(std::string_view record_header, uint64_t salt, uint32_t offset);

// The record at `offset` of `segment`; nothing when there is none, whole and undamaged.
std::optional<Record> ParseRecord(std::string_view segment, uint64_t salt, uint32_t offset);

// Whether `body`, read apart from its header, is the whole and undamaged body of the record at that offset.
bool CheckBody(std::string_view record_header, std::string_view body, uint64_t salt, uint32_t offset);

// The first valid record at or after `offset`: how far damage reaches.
std::optional<Record> FindRecord(std::string_view segment, uint64_t salt, uint32_t offset);

// A frame's body is its head and then the request's bytes, so that they need not be copied to be written.
std::string EncodeFrameHead(uint64_t number, const FrameHeader& header);
struct FrameBody {
  uint64_t number = 0;
  FrameHeader header;
  std::string_view bytes;
};
std::optional<FrameBody> DecodeFrame(std::string_view body);

std::string EncodeManifest(const Manifest& manifest);
std::optional<Manifest> DecodeManifest(std::string_view body);

// Done marks (one block) and withdrawals (frames).
std::string EncodeNumber(uint64_t number);
std::optional<uint64_t> DecodeNumber(std::string_view body);

}  // namespace sightline::journal
