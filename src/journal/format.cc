#include "journal/format.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

namespace sightline::journal {
namespace {

static_assert(std::endian::native == std::endian::little, "segments are little-endian");

constexpr std::string_view kMagic = "SLJOURNL";

// The byte that says the signal, of frames and of manifests.
constexpr uint8_t kSignalMask = 0x03;
constexpr uint8_t kUndecidedSpansBit = 0x04;  // of a frame
constexpr uint8_t kDecidedBit = 0x08;         // of a frame
constexpr uint8_t kCountsBit = 0x10;          // of a frame
constexpr uint8_t kFromBlockBit = 0x20;       // of a frame: the block's number follows
constexpr uint8_t kSpanMetricsBit = 0x04;     // of a manifest

uint8_t BitOf(FrameKind kind) {
  if (kind == FrameKind::kRequest) return 0;
  return kind == FrameKind::kDecided ? kDecidedBit : kCountsBit;
}

template <typename T>
void Put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Takes values off the front of bytes; after the first that is not there, `ok` stays false and all values are 0.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T Fixed() {
    T value{};
    if (!ok_ || bytes_.size() < sizeof(T)) return Bad<T>();
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return value;
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (!ok_ || bytes_.empty()) return Bad<uint64_t>();
      const auto byte = static_cast<uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return Bad<uint64_t>();
  }

  // How many elements follow, of at least one byte each: a count that cannot be true is refused before it is allocated.
  size_t Count() {
    const uint64_t count = Varint();
    return count <= bytes_.size() ? count : Bad<size_t>();
  }

  // And in `marks` the bits beside it, which must be among `known`.
  std::optional<otlp::Signal> Signal(uint8_t known, uint8_t& marks) {
    const auto value = Fixed<uint8_t>();
    const uint8_t signal = value & kSignalMask;
    marks = static_cast<uint8_t>(value & ~kSignalMask);
    if (!ok_ || signal >= otlp::kSignals.size() || (marks & ~known) != 0) return std::nullopt;
    return static_cast<otlp::Signal>(signal);
  }

  bool ok() const { return ok_; }
  bool Done() const { return ok_ && bytes_.empty(); }
  std::string_view rest() const { return bytes_; }

 private:
  template <typename T>
  T Bad() {
    ok_ = false;
    return T{};
  }

  std::string_view bytes_;
  bool ok_ = true;
};

// length u32 | durable u32 | body check u32 | type u8 | header check u24
struct RecordHeader {
  uint32_t length = 0;
  uint32_t durable = 0;
  uint32_t body_check = 0;
  uint8_t type = 0;
};

uint64_t Seed(uint64_t salt, uint32_t offset) {
  return salt + offset * 0x9e3779b97f4a7c15ULL;
}

// Over the 13 bytes before it.
uint32_t HeaderCheck(const char* header, uint64_t seed) {
  return static_cast<uint32_t>(XXH3_64bits_withSeed(header, 13, seed) & 0xffffff);
}

uint32_t BodyCheck(std::string_view head, std::string_view payload, uint64_t seed) {
  if (payload.empty()) return static_cast<uint32_t>(XXH3_64bits_withSeed(head.data(), head.size(), seed));
  XXH3_state_t state;
  XXH3_INITSTATE(&state);
  XXH3_64bits_reset_withSeed(&state, seed);
  XXH3_64bits_update(&state, head.data(), head.size());
  XXH3_64bits_update(&state, payload.data(), payload.size());
  return static_cast<uint32_t>(XXH3_64bits_digest(&state));
}

std::array<char, kRecordHeaderBytes> Encode(const RecordHeader& header, uint64_t seed) {
  std::array<char, kRecordHeaderBytes> out;
  std::memcpy(out.data(), &header.length, 4);
  std::memcpy(out.data() + 4, &header.durable, 4);
  std::memcpy(out.data() + 8, &header.body_check, 4);
  out[12] = static_cast<char>(header.type);
  const uint32_t type_and_check = header.type | HeaderCheck(out.data(), seed) << 8;
  std::memcpy(out.data() + 12, &type_and_check, 4);
  return out;
}

std::optional<RecordHeader> DecodeRecordHeader(const char* bytes, uint64_t salt, uint32_t offset) {
  RecordHeader header;
  uint32_t type_and_check = 0;
  std::memcpy(&header.length, bytes, 4);
  std::memcpy(&header.durable, bytes + 4, 4);
  std::memcpy(&header.body_check, bytes + 8, 4);
  std::memcpy(&type_and_check, bytes + 12, 4);
  header.type = type_and_check & 0xff;
  if (header.type < static_cast<uint8_t>(RecordType::kFrame) || header.type > static_cast<uint8_t>(RecordType::kHole)) {
    return std::nullopt;
  }
  if (type_and_check >> 8 != HeaderCheck(bytes, Seed(salt, offset))) return std::nullopt;
  return header;
}

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string out(kMagic);
  Put<uint32_t>(out, header.version);
  Put<uint32_t>(out, static_cast<uint32_t>(header.durability));
  Put(out, header.sequence);
  Put(out, header.first_frame);
  Put(out, header.block_max);
  Put(out, header.salt);
  Put(out, header.boot);
  Put<uint64_t>(out, XXH3_64bits(out.data(), out.size()));
  SIGHTLINE_CHECK(out.size() == kSegmentHeaderBytes);
  return out;
}

Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return Fail(Code::kDataLoss, "only {} bytes, no header", bytes.size());
  bytes = bytes.substr(0, kSegmentHeaderBytes);
  if (!bytes.starts_with(kMagic)) return Fail(Code::kDataLoss, "it does not begin as a journal segment does");
  Reader in(bytes.substr(kMagic.size()));
  const auto version = in.Fixed<uint32_t>();
  if (version > kFormatVersion) {
    return Fail(Code::kFailedPrecondition, "it has format version {}, this program knows versions up to {}", version,
                kFormatVersion);
  }
  SegmentHeader header{.version = version};
  const auto durability = in.Fixed<uint32_t>();
  header.durability = static_cast<Durability>(durability);
  header.sequence = in.Fixed<uint64_t>();
  header.first_frame = in.Fixed<uint64_t>();
  header.block_max = in.Fixed<uint64_t>();
  header.salt = in.Fixed<uint64_t>();
  header.boot = in.Fixed<uint64_t>();
  if (in.Fixed<uint64_t>() != XXH3_64bits(bytes.data(), kSegmentHeaderBytes - 8) || durability > 1) {
    return Fail(Code::kDataLoss, "the checksum of its header fails");
  }
  return header;
}

std::array<char, kRecordHeaderBytes> EncodeRecordHeader(uint64_t salt, uint32_t offset, RecordType type,
                                                        uint32_t durable, std::string_view head,
                                                        std::string_view payload) {
  const uint64_t seed = Seed(salt, offset);
  return Encode({.length = static_cast<uint32_t>(head.size() + payload.size()),
                 .durable = durable,
                 .body_check = BodyCheck(head, payload, seed),
                 .type = static_cast<uint8_t>(type)},
                seed);
}

std::array<char, kRecordHeaderBytes> EncodeHoleHeader(uint64_t salt, uint32_t offset, uint32_t length) {
  return Encode({.length = length, .type = static_cast<uint8_t>(RecordType::kHole)}, Seed(salt, offset));
}

std::optional<uint32_t> DecodeRecordLength(std::string_view record_header, uint64_t salt, uint32_t offset) {
  if (record_header.size() < kRecordHeaderBytes) return std::nullopt;
  const auto header = DecodeRecordHeader(record_header.data(), salt, offset);
  if (!header || header->length > kRecordBytesMax) return std::nullopt;
  return header->length;
}

std::optional<Record> ParseRecord(std::string_view segment, uint64_t salt, uint32_t offset) {
  if (segment.size() < kRecordHeaderBytes || offset > segment.size() - kRecordHeaderBytes) return std::nullopt;
  const auto header = DecodeRecordHeader(segment.data() + offset, salt, offset);
  if (!header || header->length > segment.size() - offset - kRecordHeaderBytes) return std::nullopt;
  Record record;
  record.type = static_cast<RecordType>(header->type);
  record.offset = offset;
  record.durable = header->durable;
  record.body = segment.substr(offset + kRecordHeaderBytes, header->length);
  const bool checked = record.type != RecordType::kHole;
  if (checked && header->body_check != BodyCheck(record.body, {}, Seed(salt, offset))) return std::nullopt;
  return record;
}

bool CheckBody(std::string_view record_header, std::string_view body, uint64_t salt, uint32_t offset) {
  if (record_header.size() < kRecordHeaderBytes) return false;
  const auto header = DecodeRecordHeader(record_header.data(), salt, offset);
  return header && header->length == body.size() && header->body_check == BodyCheck(body, {}, Seed(salt, offset));
}

std::optional<Record> FindRecord(std::string_view segment, uint64_t salt, uint32_t offset) {
  for (; offset + uint64_t{kRecordHeaderBytes} <= segment.size(); ++offset) {
    if (auto record = ParseRecord(segment, salt, offset)) return record;
  }
  return std::nullopt;
}

std::string EncodeFrameHead(uint64_t number, const FrameHeader& header) {
  std::string out;
  out.reserve(32 + header.refused.size() * 2);
  PutVarint(out, number);
  Put<uint8_t>(out, static_cast<uint8_t>(static_cast<uint8_t>(header.signal) |
                                         (header.undecided_spans ? kUndecidedSpansBit : 0) | BitOf(header.kind) |
                                         (header.from_block != 0 ? kFromBlockBit : 0)));
  if (header.from_block != 0) PutVarint(out, header.from_block);
  Put<int64_t>(out, header.received_unix_nanos);
  PutVarint(out, header.refused.size());
  uint32_t last = 0;
  for (const uint32_t ordinal : header.refused) {
    PutVarint(out, ordinal - last);
    last = ordinal;
  }
  return out;
}

std::optional<FrameBody> DecodeFrame(std::string_view body) {
  Reader in(body);
  FrameBody frame;
  frame.number = in.Varint();
  uint8_t marks = 0;
  constexpr uint8_t kKindBits = kUndecidedSpansBit | kDecidedBit | kCountsBit;
  const auto signal = in.Signal(kKindBits | kFromBlockBit, marks);
  if (!signal || std::popcount(static_cast<uint8_t>(marks & kKindBits)) > 1) return std::nullopt;
  frame.header.signal = *signal;
  frame.header.undecided_spans = (marks & kUndecidedSpansBit) != 0;
  if ((marks & kDecidedBit) != 0) frame.header.kind = FrameKind::kDecided;
  if ((marks & kCountsBit) != 0) frame.header.kind = FrameKind::kCounts;
  if ((marks & kFromBlockBit) != 0) {
    frame.header.from_block = in.Varint();
    if (frame.header.from_block == 0) return std::nullopt;
  }
  frame.header.received_unix_nanos = in.Fixed<int64_t>();
  const size_t count = in.Count();
  frame.header.refused.reserve(count);
  uint64_t ordinal = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t delta = in.Varint();
    ordinal += delta;
    if (delta > UINT32_MAX || ordinal > UINT32_MAX) return std::nullopt;
    frame.header.refused.push_back(static_cast<uint32_t>(ordinal));
  }
  if (!in.ok()) return std::nullopt;
  frame.bytes = in.rest();
  return frame;
}

std::string EncodeManifest(const Manifest& manifest) {
  std::string out;
  PutVarint(out, manifest.block);
  Put<uint8_t>(out, static_cast<uint8_t>(static_cast<uint8_t>(manifest.signal) |
                                         (manifest.kind == BlockKind::kSpanMetrics ? kSpanMetricsBit : 0)));
  PutVarint(out, manifest.frames.size());
  uint64_t last = 0;
  for (const auto& range : manifest.frames) {
    PutVarint(out, range.first - last);
    PutVarint(out, range.last - range.first);
    last = range.last;
  }
  return out;
}

std::optional<Manifest> DecodeManifest(std::string_view body) {
  Reader in(body);
  Manifest manifest;
  manifest.block = in.Varint();
  uint8_t marks = 0;
  const auto signal = in.Signal(kSpanMetricsBit, marks);
  if (!signal) return std::nullopt;
  manifest.signal = *signal;
  manifest.kind = (marks & kSpanMetricsBit) != 0 ? BlockKind::kSpanMetrics : BlockKind::kItems;
  const size_t count = in.Count();
  manifest.frames.reserve(count);
  uint64_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t gap = in.Varint(), more = in.Varint();
    if (gap > UINT64_MAX - last || more > UINT64_MAX - last - gap) return std::nullopt;
    manifest.frames.push_back({last + gap, last + gap + more});
    last = manifest.frames.back().last;
  }
  if (!in.Done()) return std::nullopt;
  return manifest;
}

std::string EncodeNumber(uint64_t number) {
  std::string out;
  PutVarint(out, number);
  return out;
}

std::optional<uint64_t> DecodeNumber(std::string_view body) {
  Reader in(body);
  const uint64_t number = in.Varint();
  if (!in.Done()) return std::nullopt;
  return number;
}

}  // namespace sightline::journal
