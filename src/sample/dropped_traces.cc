// A file is a sequence of batches, little-endian:
//   u32 kMagic, u32 bytes of the payload, u64 XXH3-64 of the payload, payload:
//     i64 time of the decision (Unix nanoseconds)
//     for each policy with traces: u32 bytes of its name, u32 number of traces, the name, u64 hash of each trace
#include "sample/dropped_traces.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/hex.h"
#include "base/log.h"

namespace sightline::sample {
namespace {

constexpr uint32_t kMagic = 0x31544453;  // "SDT1"
constexpr size_t kHeadBytes = 16, kTimeBytes = 8, kPolicyHeadBytes = 8, kHashBytes = 8;
constexpr uint64_t kFiles = 16;  // of a full ring
constexpr uint64_t kFileBytesMin = 4096;
constexpr std::string_view kSuffix = ".dropped";

template <typename T>
void Put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <typename T>
T Get(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// Bytes of the batch at the beginning of `bytes`; 0: there is no whole one.
size_t BatchBytes(std::string_view bytes) {
  if (bytes.size() < kHeadBytes + kTimeBytes || Get<uint32_t>(bytes, 0) != kMagic) return 0;
  const size_t payload = Get<uint32_t>(bytes, 4);
  return payload >= kTimeBytes && payload <= bytes.size() - kHeadBytes ? kHeadBytes + payload : 0;
}

bool IsIntact(std::string_view batch) {
  const std::string_view payload = batch.substr(kHeadBytes);
  return XXH3_64bits(payload.data(), payload.size()) == Get<uint64_t>(batch, 8);
}

int64_t TimeOf(std::string_view batch) {
  return Get<int64_t>(batch, kHeadBytes);
}

bool Holds(std::string_view hashes, uint64_t wanted) {
  uint64_t found = 0;  // without a branch, so that it becomes vector instructions
  for (size_t at = 0; at < hashes.size(); at += kHashBytes) found |= uint64_t{Get<uint64_t>(hashes, at) == wanted};
  return found != 0;
}

// The policy by which the batch says that the trace was dropped.
std::optional<std::string_view> PolicyIn(std::string_view batch, uint64_t trace_hash) {
  std::string_view rest = batch.substr(kHeadBytes + kTimeBytes);
  while (rest.size() >= kPolicyHeadBytes) {
    const uint64_t name_bytes = Get<uint32_t>(rest, 0), hash_bytes = Get<uint32_t>(rest, 4) * uint64_t{kHashBytes};
    rest.remove_prefix(kPolicyHeadBytes);
    if (name_bytes + hash_bytes > rest.size()) break;
    if (Holds(rest.substr(name_bytes, hash_bytes), trace_hash)) return rest.substr(0, name_bytes);
    rest.remove_prefix(name_bytes + hash_bytes);
  }
  return std::nullopt;
}

// "" if it is not there or cannot be read. At most `bytes`.
std::string ReadFile(const std::string& path, uint64_t bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text(bytes, '\0');
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t n = pread(fd, text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<size_t>(n);
  }
  close(fd);
  text.resize(have);
  return text;
}

std::string EncodeBatch(int64_t decided_unix_nanos, const std::vector<std::string>& policies,
                        std::span<const DecidedFrame::Dropped> traces) {
  std::vector<std::vector<uint64_t>> hashes(policies.size());
  for (const DecidedFrame::Dropped& trace : traces) {
    std::vector<uint64_t>& of_policy = hashes[trace.policy];
    // Late spans of one trace come together, one by one.
    if (of_policy.empty() || of_policy.back() != trace.trace_hash) of_policy.push_back(trace.trace_hash);
  }
  std::string batch(kHeadBytes, '\0');
  Put(batch, decided_unix_nanos);
  for (size_t i = 0; i < policies.size(); ++i) {
    if (hashes[i].empty()) continue;
    Put(batch, static_cast<uint32_t>(policies[i].size()));
    Put(batch, static_cast<uint32_t>(hashes[i].size()));
    batch += policies[i];
    batch.append(reinterpret_cast<const char*>(hashes[i].data()), hashes[i].size() * kHashBytes);
  }
  const auto payload_bytes = static_cast<uint32_t>(batch.size() - kHeadBytes);
  const uint64_t checksum = XXH3_64bits(batch.data() + kHeadBytes, payload_bytes);
  std::memcpy(batch.data(), &kMagic, 4);
  std::memcpy(batch.data() + 4, &payload_bytes, 4);
  std::memcpy(batch.data() + 8, &checksum, 8);
  return batch;
}

}  // namespace

DroppedTraces::DroppedTraces(Options options, MetricsRegistry& metrics)
    : options_(std::move(options)),
      file_bytes_max_(std::max(kFileBytesMin, options_.bytes_max / kFiles)),
      metrics_(metrics),
      lost_(metrics.GetCounter("sightline.sampling.lost_records", "{trace}",
                               "Traces that were sampled out and of which no record could be written.")) {
  metrics_.SetGauge("sightline.sampling.records.bytes", "By", "Records of traces that were sampled out, on disk.", {},
                    [this] { return static_cast<double>(status().bytes); });
}

DroppedTraces::~DroppedTraces() {
  metrics_.Unregister("sightline.sampling.records.bytes");
  CloseLast();
}

Result<std::unique_ptr<DroppedTraces>> DroppedTraces::Open(Options options, MetricsRegistry& metrics) {
  std::unique_ptr<DroppedTraces> traces(new DroppedTraces(std::move(options), metrics));
  SIGHTLINE_TRY(traces->FindFiles());
  return traces;
}

std::string DroppedTraces::PathOf(uint64_t number) const {
  return fmt::format("{}/{:012}{}", options_.directory, number, kSuffix);
}

Result<void> DroppedTraces::FindFiles() {
  std::error_code error;
  for (std::filesystem::directory_iterator it(options_.directory, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    uint64_t number = 0;
    const auto [stop, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (fault != std::errc() || std::string_view(stop) != kSuffix) continue;
    std::error_code ignored;
    files_.push_back({.number = number, .bytes = it->file_size(ignored), .oldest_unix_nanos = 0});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Fail(Code::kFailedPrecondition, "records of dropped traces: {}: {}", options_.directory, error.message());
  }
  std::ranges::sort(files_, {}, &File::number);
  for (File& file : files_) {
    const std::string head = ReadFile(PathOf(file.number), kHeadBytes + kTimeBytes);
    if (head.size() == kHeadBytes + kTimeBytes) file.oldest_unix_nanos = TimeOf(head);
  }
  if (files_.empty()) return {};
  // What a power cut left of the last one is written over.
  File& last = files_.back();
  const std::string bytes = ReadFile(PathOf(last.number), last.bytes);
  size_t intact = 0;
  for (;;) {
    const std::string_view rest = std::string_view(bytes).substr(intact);
    const size_t batch = BatchBytes(rest);
    if (batch == 0 || !IsIntact(rest.substr(0, batch))) break;
    newest_unix_nanos_ = std::max(newest_unix_nanos_, TimeOf(rest));
    intact += batch;
  }
  last.bytes = intact;
  return {};
}

void DroppedTraces::Add(int64_t decided_unix_nanos, const std::vector<std::string>& policies,
                        const std::vector<DecidedFrame::Dropped>& traces) {
  // A file never has to be much larger than it should.
  const size_t most = file_bytes_max_ / 2 / kHashBytes;
  for (std::span<const DecidedFrame::Dropped> rest = traces; !rest.empty();) {
    const auto piece = rest.first(std::min(rest.size(), most));
    rest = rest.subspan(piece.size());
    const std::string batch = EncodeBatch(decided_unix_nanos, policies, piece);
    const std::lock_guard lock(mutex_);
    if (!Write(batch, decided_unix_nanos)) lost_.Add(piece.size());
  }
}

bool DroppedTraces::Write(std::string_view batch, int64_t decided_unix_nanos) {
  if (files_.empty() || files_.back().bytes + batch.size() > file_bytes_max_ || last_fd_ < 0) {
    if (!StartFile()) return false;
  }
  File& last = files_.back();
  for (size_t written = 0; written < batch.size();) {
    const ssize_t n =
        pwrite(last_fd_, batch.data() + written, batch.size() - written, static_cast<off_t>(last.bytes + written));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;  // what is there of it is written over by the next
    written += static_cast<size_t>(n);
  }
  if (last.bytes == 0) last.oldest_unix_nanos = decided_unix_nanos;
  last.bytes += batch.size();
  newest_unix_nanos_ = std::max(newest_unix_nanos_, decided_unix_nanos);
  return true;
}

// The last file of the run before, or a new one; the oldest go to make room for it.
bool DroppedTraces::StartFile() {
  const bool is_new = files_.empty() || last_fd_ >= 0 || files_.back().bytes >= file_bytes_max_;
  CloseLast();
  if (is_new) {
    const uint64_t number = files_.empty() ? 1 : files_.back().number + 1;
    uint64_t bytes = 0;
    for (const File& file : files_) bytes += file.bytes;
    while (!files_.empty() && bytes + file_bytes_max_ > options_.bytes_max) {
      bytes -= files_.front().bytes;
      unlink(PathOf(files_.front().number).c_str());
      files_.pop_front();
    }
    mkdir(options_.directory.c_str(), 0700);
    files_.push_back({.number = number, .bytes = 0, .oldest_unix_nanos = 0});
  }
  const std::string path = PathOf(files_.back().number);
  last_fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (last_fd_ >= 0 && ftruncate(last_fd_, static_cast<off_t>(files_.back().bytes)) == 0) return true;
  Log(LogLevel::kWarning, "records of dropped traces cannot be written",
      {{"file", path}, {"error", std::strerror(errno)}});
  CloseLast();
  if (is_new) files_.pop_back();
  return false;
}

void DroppedTraces::CloseLast() {
  if (last_fd_ >= 0) close(last_fd_);
  last_fd_ = -1;
}

std::optional<DroppedTraces::Record> DroppedTraces::Find(uint64_t trace_hash) const {
  std::deque<File> files;
  {
    const std::lock_guard lock(mutex_);
    files = files_;
  }
  // Files are in order of time, batches of several shards nearly.
  for (const File& file : files) {
    const std::string bytes = ReadFile(PathOf(file.number), file.bytes);
    std::optional<Record> earliest;
    for (std::string_view rest = bytes;;) {
      const size_t batch = BatchBytes(rest);
      if (batch == 0) break;
      const auto policy = PolicyIn(rest.substr(0, batch), trace_hash);
      if (policy && (!earliest || TimeOf(rest) < earliest->decided_unix_nanos)) {
        earliest = {TimeOf(rest), std::string(*policy)};
      }
      rest.remove_prefix(batch);
    }
    if (earliest) return earliest;
  }
  return std::nullopt;
}

std::optional<DroppedTraces::Record> DroppedTraces::Find(std::string_view trace_id) const {
  std::array<char, 16> bytes{};
  if (trace_id.size() != 2 * bytes.size() || !HexDecode(trace_id, bytes.data())) return std::nullopt;
  return Find(XXH3_64bits(bytes.data(), bytes.size()));  // as otlp::ItemRef::trace_hash
}

DroppedTraces::Status DroppedTraces::status() const {
  const std::lock_guard lock(mutex_);
  Status status{.bytes = 0, .bytes_max = options_.bytes_max, .oldest_unix_nanos = 0};
  for (const File& file : files_) {
    status.bytes += file.bytes;
    if (status.oldest_unix_nanos == 0) status.oldest_unix_nanos = file.oldest_unix_nanos;
  }
  return status;
}

int64_t DroppedTraces::newest_unix_nanos() const {
  const std::lock_guard lock(mutex_);
  return newest_unix_nanos_;
}

}  // namespace sightline::sample
