// What the fuzzer does with an input, and the tests with each stored one.
// Opens a journal whose two segments are the input: garbage must be refused or cut, and what opens must work.
// The input is a list of pieces: a length byte pair and bytes for each record's body with a type, or raw bytes; so that
// records with right checksums and wrong contents are tried as well as damage.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "journal/format.h"
#include "journal/journal.h"

namespace sightline::journal::testing {

class FuzzInput {
 public:
  explicit FuzzInput(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  std::string_view Bytes(size_t size) {
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view bytes_;
};

inline std::string BuildSegment(FuzzInput& in, uint64_t sequence) {
  const uint8_t flags = in.Byte();
  SegmentHeader header{.durability = static_cast<Durability>(flags & 1),
                       .sequence = sequence,
                       .first_frame = 1U + (flags >> 4),
                       .salt = 7,
                       .boot = static_cast<uint64_t>(flags & 2)};
  std::string file = EncodeSegmentHeader(header);
  if ((flags & 4) != 0) file[in.Byte() % file.size()] ^= 1;
  while (!in.empty()) {
    const uint8_t kind = in.Byte();
    if (kind == 0xff) break;  // the next segment
    const std::string_view body = in.Bytes(in.Byte());
    const auto offset = static_cast<uint32_t>(file.size());
    if ((kind & 0x80) == 0) {
      const auto record = EncodeRecordHeader(header.salt, offset, static_cast<RecordType>(kind & 7),
                                             (kind & 8) != 0 ? offset : 0, body, {});
      file.append(record.data(), record.size());
    }
    file.append(body);
    if ((kind & 0x40) != 0 && file.size() > offset) file[offset + in.Byte() % (file.size() - offset)] ^= 4;
  }
  return file;
}

inline void FuzzJournal(std::string_view bytes) {
  static const std::string& directory = *new std::string([] {
    std::string pattern = (std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") + std::string("/journal_XXXXXX");
    SIGHTLINE_CHECK(mkdtemp(pattern.data()) != nullptr);
    std::atexit([] { std::filesystem::remove_all(directory); });
    return pattern;
  }());  // never destroyed: the handler at exit reads it
  for (const auto& entry : std::filesystem::directory_iterator(directory)) std::filesystem::remove(entry.path());
  FuzzInput in(bytes);
  for (uint64_t sequence = 1; sequence <= 2 && !in.empty(); ++sequence) {
    const std::string file = BuildSegment(in, sequence);
    std::ofstream(fmt::format("{}/{:020}.journal", directory, sequence), std::ios::binary)
        .write(file.data(), static_cast<long>(file.size()));
  }
  MetricsRegistry metrics;
  const Options options{.directory = directory};
  uint64_t number = 0;
  {
    auto journal = Journal::Open(options, metrics);
    if (!journal) return;
    const Unfinished& unfinished = (*journal)->unfinished();
    for (const uint64_t frame : unfinished.frames) SIGHTLINE_CHECK((*journal)->ReadFrame(frame));
    for (const auto& manifest : unfinished.blocks) {
      for (const uint64_t frame : (*journal)->FramesIn(manifest)) SIGHTLINE_CHECK((*journal)->ReadFrame(frame));
      SIGHTLINE_CHECK((*journal)->AppendDone(manifest.block));
    }
    number = (*journal)->Append({}, "more", [](const Result<void>&) {}).value();
  }
  auto again = Journal::Open(options, metrics);
  SIGHTLINE_CHECK(again);
  SIGHTLINE_CHECK((*again)->unfinished().blocks.empty());
  SIGHTLINE_CHECK((*again)->unfinished().torn_bytes == 0);
  SIGHTLINE_CHECK((*again)->ReadFrame(number).value().bytes == "more");
}

}  // namespace sightline::journal::testing
