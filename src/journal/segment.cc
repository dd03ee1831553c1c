#include "journal/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "base/fault.h"

namespace sightline::journal {
namespace {

constexpr uint64_t kReserveStepBytes = 8 << 20;

Result<void> ReadExactly(int fd, char* to, size_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t n = pread(fd, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(Code::kDataLoss, "read at offset {}: {}", offset, ErrnoText());
    if (n == 0) return Fail(Code::kDataLoss, "the file ends at offset {}, {} bytes are missing", offset, size);
    to += n;
    size -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<std::string> ReadString(int fd, size_t size, uint64_t offset) {
  std::string bytes;
  Result<void> read;
  // Not the lambda's own size: libstdc++ 12 passes what it allocated.
  bytes.resize_and_overwrite(size, [&](char* to, size_t) {
    read = ReadExactly(fd, to, size, offset);
    return read ? size : 0;
  });
  if (!read) return std::unexpected(read.error());
  return bytes;
}

Result<void> SyncFile(int fd, const std::string& path) {
  if (FaultPoint("journal.sync")) return Fail(Code::kUnavailable, "sync {}: injected failure", path);
  if (fdatasync(fd) != 0) return Fail(Code::kUnavailable, "sync {}: {}", path, ErrnoText());
  return {};
}

}  // namespace

std::string ErrnoText() {
  return std::generic_category().message(errno);
}

File::~File() {
  if (fd_ >= 0) close(fd_);
}

std::string SegmentName(uint64_t sequence) {
  return fmt::format("{:020}.journal", sequence);
}

Result<void> SyncDirectory(const std::string& directory) {
  const File file(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd() < 0 || fsync(file.fd()) != 0) {
    return Fail(Code::kUnavailable, "sync directory {}: {}", directory, ErrnoText());
  }
  return {};
}

Result<std::shared_ptr<Segment>> Segment::Create(const std::string& directory, const SegmentHeader& header) {
  const std::string path = directory + "/" + SegmentName(header.sequence);
  const std::string unnamed = path + ".new";
  const int fd = open(unnamed.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Fail(Code::kUnavailable, "create {}: {}", unnamed, ErrnoText());
  std::shared_ptr<Segment> segment(new Segment(path, fd, header, kSegmentHeaderBytes));
  auto written = segment->WriteAll(0, EncodeSegmentHeader(header), {}, {});
  if (written) written = SyncFile(fd, unnamed);
  if (written && rename(unnamed.c_str(), path.c_str()) != 0) {
    written = Fail(Code::kUnavailable, "rename {}: {}", unnamed, ErrnoText());
  }
  if (!written) {
    unlink(unnamed.c_str());
    return std::unexpected(written.error());
  }
  // Once it has its name it is a segment, even if the name is not on disk yet: the caller must use it.
  if (header.durability == Durability::kDisk && !SyncDirectory(directory)) segment->poisoned_ = true;
  return segment;
}

Result<std::shared_ptr<Segment>> Segment::Open(const std::string& directory, uint64_t sequence) {
  const std::string path = directory + "/" + SegmentName(sequence);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return Fail(Code::kUnavailable, "open {}: {}", path, ErrnoText());
  return std::shared_ptr<Segment>(new Segment(path, fd, {}, 0));
}

Result<void> Segment::WriteAll(uint32_t offset, std::string_view a, std::string_view b, std::string_view c) {
  std::array<iovec, 3> parts;
  size_t count = 0;
  for (const std::string_view part : {a, b, c}) {
    if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
  }
  auto at = static_cast<off_t>(offset);
  for (size_t first = 0; first < count;) {
    const ssize_t n = pwritev(file_.fd(), &parts[first], static_cast<int>(count - first), at);
    if (n < 0 && errno == EINTR) continue;
    disk_full_ = n < 0 && (errno == ENOSPC || errno == EDQUOT);
    if (n <= 0) return Fail(Code::kUnavailable, "write to {}: {}", path_, n == 0 ? "nothing written" : ErrnoText());
    at += n;
    // A short write: most often the last room of the disk; the next one says so.
    for (auto left = static_cast<size_t>(n); left > 0;) {
      const size_t step = std::min(left, parts[first].iov_len);
      parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + step;
      parts[first].iov_len -= step;
      left -= step;
      if (parts[first].iov_len == 0) ++first;
    }
  }
  return {};
}

Result<uint32_t> Segment::Append(RecordType type, std::string_view head, std::string_view payload,
                                 std::string_view begin, std::string_view end) {
  const uint32_t offset = size();
  const uint64_t bytes = kRecordHeaderBytes + head.size() + payload.size();
  if (poisoned_) return Fail(Code::kUnavailable, "{}: an earlier sync failed", path_);
  if (bytes > UINT32_MAX - offset) return Fail(Code::kUnavailable, "{} is full", path_);
  if (torn_) SIGHTLINE_TRY(Truncate(offset));
  if (FaultPoint(begin)) return Fail(Code::kUnavailable, "write to {}: injected failure", path_);
  const auto header =
      EncodeRecordHeader(header_.salt, offset, type, durable_.load(std::memory_order_relaxed), head, payload);
  Result<void> written = WriteAll(offset, {header.data(), header.size()}, head, payload);
  if (written && FaultPoint(end)) written = Fail(Code::kUnavailable, "write to {}: injected failure", path_);
  if (!written) {
    torn_ = true;
    (void)Truncate(offset);  // tried again before the next append
    return std::unexpected(written.error());
  }
  size_.store(offset + static_cast<uint32_t>(bytes), std::memory_order_relaxed);
  return offset;
}

void Segment::ReserveBlocks(uint64_t end, uint64_t limit) {
  if (end <= reserved_) return;
  const uint64_t from = std::max<uint64_t>(reserved_, size());
  reserved_ = std::max(end, std::min(end + kReserveStepBytes, limit));
  (void)fallocate(file_.fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(reserved_ - from));
}

Result<void> Segment::Seal() {
  if (!torn_ && reserved_ <= size()) return {};
  const Result<void> cut = Truncate(size());
  return torn_ ? cut : Result<void>();
}

Result<void> Segment::Truncate(uint32_t size) {
  if (ftruncate(file_.fd(), size) != 0) return Fail(Code::kUnavailable, "truncate {}: {}", path_, ErrnoText());
  torn_ = false;
  reserved_ = size;
  return {};
}

Result<void> Segment::Overwrite(uint32_t offset, std::string_view bytes) {
  return WriteAll(offset, bytes, {}, {});
}

Result<std::string> Segment::ReadBody(uint32_t offset) const {
  const auto read = [&]() -> Result<std::string> {
    std::array<char, kRecordHeaderBytes> header;
    SIGHTLINE_TRY(ReadExactly(file_.fd(), header.data(), header.size(), offset));
    const auto length = DecodeRecordLength({header.data(), header.size()}, header_.salt, offset);
    if (!length) return Fail(Code::kDataLoss, "the header of the record fails its checksum");
    auto body = ReadString(file_.fd(), *length, uint64_t{offset} + kRecordHeaderBytes);
    if (body && !CheckBody({header.data(), header.size()}, *body, header_.salt, offset)) {
      return Fail(Code::kDataLoss, "the record fails its checksum");
    }
    return body;
  };
  auto body = read();
  if (!body) return Wrap(fmt::format("{} at offset {}", path_, offset), body.error());
  return body;
}

Result<void> Segment::Read(uint64_t offset, size_t bytes, std::string& out) const {
  if (offset + bytes > size()) return Fail(Code::kInvalidArgument, "no {} bytes at offset {}", bytes, offset);
  Result<void> read;
  out.resize_and_overwrite(bytes, [&](char* to, size_t) {
    read = ReadExactly(file_.fd(), to, bytes, offset);
    return read ? bytes : 0;
  });
  return read;
}

Result<std::string> Segment::ReadAll() const {
  struct stat status{};
  if (fstat(file_.fd(), &status) != 0) return Fail(Code::kUnavailable, "stat {}: {}", path_, ErrnoText());
  if (status.st_size > UINT32_MAX) return Fail(Code::kDataLoss, "{} has {} bytes, too many", path_, status.st_size);
  auto bytes = ReadString(file_.fd(), static_cast<size_t>(status.st_size), 0);
  if (!bytes) return Wrap(path_, bytes.error());
  return bytes;
}

void Segment::Adopt(const SegmentHeader& header, uint32_t size) {
  header_ = header;
  size_.store(size, std::memory_order_relaxed);
}

Result<void> Segment::Sync() {
  const uint32_t end = size();
  // The kernel reports a failed write-back once and forgets it: the next sync would succeed over a hole.
  if (poisoned_) return Fail(Code::kUnavailable, "sync {}: an earlier sync failed", path_);
  if (auto synced = SyncFile(file_.fd(), path_); !synced) {
    poisoned_ = true;
    return synced;
  }
  durable_.store(end, std::memory_order_relaxed);
  return {};
}

}  // namespace sightline::journal
