// One file of the journal.
// Data: records -> the file's end; places in it -> records. Every operation either happens whole or leaves the file as
// it was before.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "journal/format.h"

namespace sightline::journal {

// A file descriptor that is closed at the end of its life.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

std::string ErrnoText();                     // of the system call that failed just now
std::string SegmentName(uint64_t sequence);  // "00000000000000000001.journal"
Result<void> SyncDirectory(const std::string& directory);

// Invariant: the file's first size() bytes are a header and whole records; what a failed append left behind them is cut
// off before the next one.
// Thread: Append and Truncate under its journal's mutex; the rest any.
class Segment {
 public:
  // Writes and syncs the header and gives the file its name only then, so that neither a crash nor power loss leaves a
  // segment without one. In kDisk mode the name is on disk afterwards too.
  static Result<std::shared_ptr<Segment>> Create(const std::string& directory, const SegmentHeader& header);
  static Result<std::shared_ptr<Segment>> Open(const std::string& directory, uint64_t sequence);

  // Writes one record of head and payload at the end and returns its offset. `begin` and `end` are its fault points.
  // kUnavailable with the system's reason: nothing of it is in the file.
  Result<uint32_t> Append(RecordType type, std::string_view head, std::string_view payload, std::string_view begin,
                          std::string_view end);

  // Takes blocks from the file system for what is to be appended up to `end`, and for more in one step, at most up to
  // `limit`: filling blocks that are there costs the kernel half of what blocks one by one do. Size and content of the
  // file stay as they are, and so does what an append does if there are none.
  void ReserveBlocks(uint64_t end, uint64_t limit);

  // Cuts off bytes of a failed append, which must succeed, and gives back what is reserved behind the end, if it can.
  Result<void> Seal();

  // Reads the record at an offset that Append returned. kDataLoss if it no longer reads back.
  Result<std::string> ReadBody(uint32_t offset) const;

  // The bytes at a place below size(), unchecked, in place of what `out` holds.
  Result<void> Read(uint64_t offset, size_t bytes, std::string& out) const;

  Result<std::string> ReadAll() const;  // the file as it is; for recovery

  // What recovery found: the header, and that the valid part ends at `size`.
  void Adopt(const SegmentHeader& header, uint32_t size);
  Result<void> Truncate(uint32_t size);                             // cuts off what lies behind
  Result<void> Overwrite(uint32_t offset, std::string_view bytes);  // within size()

  // What was appended before the call is on disk. An error poisons the segment: from then on every append and every
  // sync fails, as nobody knows what the next one would promise.
  Result<void> Sync();
  bool disk_full() const { return disk_full_; }  // why the last append failed
  bool poisoned() const { return poisoned_; }

  const SegmentHeader& header() const { return header_; }
  const std::string& path() const { return path_; }
  uint32_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  Segment(std::string path, int fd, const SegmentHeader& header, uint32_t size)
      : path_(std::move(path)), file_(fd), header_(header), size_(size) {}
  Result<void> WriteAll(uint32_t offset, std::string_view a, std::string_view b, std::string_view c);

  const std::string path_;
  const File file_;
  SegmentHeader header_;
  std::atomic<uint32_t> size_;
  std::atomic<uint32_t> durable_ = 0;
  uint64_t reserved_ = 0;  // up to here blocks were taken
  bool torn_ = false;      // bytes of a failed append may lie behind size_
  std::atomic<bool> poisoned_ = false;
  bool disk_full_ = false;
};

}  // namespace sightline::journal
