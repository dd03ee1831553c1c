#include "journal/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <mutex>
#include <random>
#include <system_error>
#include <utility>

#include "base/fault.h"
#include "journal/ledger.h"
#include "journal/recovery.h"
#include "journal/segment.h"
#include "journal/syncer.h"

namespace sightline::journal {
namespace {

constexpr uint64_t kSegmentBytesMin = 4 << 10;
constexpr uint64_t kSegmentBytesMax = 1ULL << 30;  // offsets are 32-bit
constexpr uint64_t kFrameBytesMax = 512ULL << 20;
// Room that is given back to the disk when it is full, so that done marks can still be written: they are what lets
// segments be deleted. A mark takes about 20 bytes.
constexpr off_t kReserveBytes = 256 << 10;
// After a power loss in kProcess mode the newest manifests may be gone while their rows are in the store: new blocks
// must not take numbers that might have been used.
constexpr uint64_t kBlocksLostMax = 1 << 20;

// Reading this many bytes more is cheaper than another system call.
constexpr uint64_t kReadGapBytes = 4096;

// What gauges read, at any time, also after the journal is closed.
struct Gauges {
  std::atomic<uint64_t> bytes = 0, segments = 0, unfinished_frames = 0;
};

struct Counters {
  Counter& frames;
  Counter& frame_bytes;
  Counter& append_errors;
  Counter& mark_errors;
  Counter& delete_errors;
  Counter& segments_deleted;
  Counter& syncs;
};

Counters MakeCounters(MetricsRegistry& metrics) {
  const auto errors = [&](const char* operation) -> Counter& {
    return metrics.GetCounter("sightline.journal.errors", "{error}", "Journal operations that failed",
                              {{"operation", operation}});
  };
  return {
      .frames = metrics.GetCounter("sightline.journal.frames.appended", "{frame}", "Requests written to the journal"),
      .frame_bytes = metrics.GetCounter("sightline.journal.frames.bytes", "By", "Bytes of requests written"),
      .append_errors = errors("append_frame"),
      .mark_errors = errors("append_mark"),
      .delete_errors = errors("delete_segment"),
      .segments_deleted = metrics.GetCounter("sightline.journal.segments.deleted", "{segment}", "Segments deleted"),
      .syncs = metrics.GetCounter("sightline.journal.syncs", "{sync}", "Group commits (fdatasync)")};
}

std::shared_ptr<Gauges> MakeGauges(MetricsRegistry& metrics, const std::string& journal) {
  auto gauges = std::make_shared<Gauges>();
  const MetricLabels labels = journal.empty() ? MetricLabels() : MetricLabels{{"journal", journal}};
  const auto set = [&](const char* name, const char* unit, const char* help, std::atomic<uint64_t> Gauges::* value) {
    metrics.SetGauge(name, unit, help, labels,
                     [gauges, value] { return static_cast<double>((*gauges.*value).load()); });
  };
  set("sightline.journal.bytes", "By", "Bytes of all segments on disk", &Gauges::bytes);
  set("sightline.journal.segments", "{segment}", "Segments on disk", &Gauges::segments);
  set("sightline.journal.frames.unfinished", "{frame}", "Requests that are not yet in the store",
      &Gauges::unfinished_frames);
  return gauges;
}

// Creates the directory (0700) and locks it for as long as the file lives.
Result<std::unique_ptr<File>> LockDirectory(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(directory, error);
  if (!std::filesystem::exists(path, error)) {
    std::filesystem::create_directories(path.parent_path(), error);
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return Fail(Code::kUnavailable, "create directory {}: {}", directory, ErrnoText());
    }
  }
  const std::string lock_path = directory + "/lock";
  auto file = std::make_unique<File>(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file->fd() < 0) return Fail(Code::kUnavailable, "open {}: {}", lock_path, ErrnoText());
  if (flock(file->fd(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return Fail(Code::kUnavailable, "lock {}: {}", lock_path, ErrnoText());
  return Fail(Code::kFailedPrecondition, "{} is in use by another program (it holds {})", directory, lock_path);
}

// Thread: under its journal's mutex.
class Reserve {
 public:
  explicit Reserve(std::string path) : path_(std::move(path)) {}

  bool held() const { return held_; }

  bool Take() {
    const File file(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.fd() < 0) return false;
    // A file system that cannot reserve (EOPNOTSUPP) does without.
    held_ = fallocate(file.fd(), 0, 0, kReserveBytes) == 0 || errno == EOPNOTSUPP;
    return held_;
  }

  void Release() {
    if (truncate(path_.c_str(), 0) == 0) held_ = false;
  }

 private:
  const std::string path_;
  bool held_ = false;
};

class SegmentedJournal final : public Journal {
 public:
  SegmentedJournal(Options options, MetricsRegistry& metrics, std::unique_ptr<File> lock)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        gauges_(MakeGauges(metrics, options_.name)),
        counters_(MakeCounters(metrics)),
        boot_(BootNumber()),
        reserve_(options_.directory + "/reserve") {}

  ~SegmentedJournal() override {
    syncer_.reset();  // its callbacks use the rest
    if (options_.shared_budget != nullptr) options_.shared_budget->Change(bytes_on_disk(), 0);
  }

  Result<void> Recover();

  const Unfinished& unfinished() const override { return unfinished_; }
  Result<uint64_t> Append(const FrameHeader& header, std::string_view bytes,
                          std::function<void(Result<void>)> done) override;
  Result<void> AppendManifest(const Manifest& manifest) override;
  Result<void> AppendDone(uint64_t block) override;
  Result<void> Sync() override;
  Result<Frame> ReadFrame(uint64_t number) override;
  Result<void> ReadSlices(uint64_t number, std::span<const Slice> slices, std::string& out) override;
  void Release(std::span<const uint64_t> frames) override;
  std::optional<uint64_t> OldestHeldUntil() override;
  void ForgetDecided() override;
  std::vector<uint64_t> FramesIn(const Manifest& manifest) override;
  uint64_t bytes_on_disk() const override { return gauges_->bytes.load(std::memory_order_relaxed); }
  uint64_t bytes_max() const override {
    if (options_.shared_budget == nullptr) return options_.journal_bytes_max;
    return std::min(options_.journal_bytes_max, options_.shared_budget->LeftFor(bytes_on_disk()));
  }

 private:
  // These need mutex_.
  Result<uint64_t> AppendFrame(const FrameHeader& header, std::string_view bytes);
  Result<void> AppendMark(RecordType type, std::string_view body, std::string_view begin, std::string_view end);
  Result<void> MakeRoom(uint64_t bytes, uint64_t bytes_max);
  Result<void> Roll();
  void Withdraw(uint64_t frame);
  void UpdateGauges();

  Result<void> DeleteFinishedSegments();
  struct Place {
    std::shared_ptr<Segment> segment;
    Ledger::Location location;
  };
  Result<Place> Find(uint64_t frame);

  const Options options_;
  const std::unique_ptr<File> lock_;
  const std::shared_ptr<Gauges> gauges_;
  const Counters counters_;
  const uint64_t boot_;
  Unfinished unfinished_;  // constant after Recover

  std::mutex mutex_;
  Ledger ledger_;                                  // guarded by mutex_
  std::deque<std::shared_ptr<Segment>> segments_;  // guarded by mutex_; oldest first, appends go to the last
  uint64_t sealed_bytes_ = 0;                      // guarded by mutex_; of all segments but the last
  Reserve reserve_;                                // guarded by mutex_

  std::mutex delete_mutex_;         // taken before mutex_: segments go one by one, oldest first
  std::unique_ptr<Syncer> syncer_;  // only in kDisk mode
};

Result<void> SegmentedJournal::Recover() {
  auto recovered = journal::Recover(options_.directory, boot_, ledger_);
  if (!recovered) return std::unexpected(recovered.error());
  segments_.assign(recovered->segments.begin(), recovered->segments.end());
  for (const auto& segment : segments_) {
    const SegmentHeader& header = segment->header();
    const bool power_loss = header.durability == Durability::kProcess && (boot_ == 0 || header.boot != boot_);
    if (segment == segments_.back() && power_loss) ledger_.SawBlock(ledger_.block_max() + kBlocksLostMax);
    if (segment != segments_.back()) sealed_bytes_ += segment->size();
  }
  (void)reserve_.Take();
  // A segment is of one run of the machine and one durability: what its damage may mean depends on both.
  if (segments_.empty() || segments_.back()->header().boot != boot_ ||
      segments_.back()->header().durability != options_.durability ||
      segments_.back()->header().version != kFormatVersion) {
    SIGHTLINE_TRY(Roll());
  }
  unfinished_ = {.blocks = ledger_.OpenBlocks(),
                 .frames = ledger_.FramesWithoutBlock(),
                 .undecided = ledger_.HeldFrames(),
                 .decided = ledger_.DecidedFrames(),
                 .handed_over = ledger_.TakeHandedOver(),
                 .block_max = ledger_.block_max(),
                 .torn_bytes = recovered->torn_bytes,
                 .lost_bytes = recovered->lost_bytes};
  if (options_.durability == Durability::kDisk) syncer_ = std::make_unique<Syncer>(counters_.syncs);
  UpdateGauges();
  if (!DeleteFinishedSegments()) counters_.delete_errors.Add(1);
  return {};
}

Result<uint64_t> SegmentedJournal::Append(const FrameHeader& header, std::string_view bytes,
                                          std::function<void(Result<void>)> done) {
  if (bytes.size() > kFrameBytesMax || !std::ranges::is_sorted(header.refused)) {
    return Fail(Code::kInvalidArgument, "frame of {} bytes: over {}, or its refused ordinals are not ascending",
                bytes.size(), kFrameBytesMax);
  }
  std::unique_lock lock(mutex_);
  auto number = AppendFrame(header, bytes);
  UpdateGauges();
  if (!number) {
    counters_.append_errors.Add(1);
    return number;
  }
  counters_.frames.Add(1);
  counters_.frame_bytes.Add(bytes.size());
  if (syncer_ == nullptr) {
    lock.unlock();
    done({});
    return number;
  }
  // Under the mutex, so that the queue has the order of the segments.
  syncer_->Enqueue(segments_.back(), [this, number = *number, done = std::move(done)](Result<void> synced) {
    if (!synced) {
      const std::lock_guard relock(mutex_);
      Withdraw(number);
    }
    done(std::move(synced));
  });
  return number;
}

Result<uint64_t> SegmentedJournal::AppendFrame(const FrameHeader& header, std::string_view bytes) {
  const uint64_t number = ledger_.next_frame();
  const std::string head = EncodeFrameHead(number, header);
  const bool decided = header.kind == FrameKind::kDecided;
  const bool client_waits = header.kind == FrameKind::kRequest && header.from_block == 0;
  const uint64_t more = client_waits ? 0 : options_.journal_bytes_max / 8;
  SIGHTLINE_TRY(MakeRoom(kRecordHeaderBytes + head.size() + bytes.size(), bytes_max() + more));
  const auto offset = segments_.back()->Append(RecordType::kFrame, head, bytes,
                                               decided ? "journal.decided.begin" : "journal.frame.begin",
                                               decided ? "journal.decided.end" : "journal.frame.end");
  if (!offset) return std::unexpected(offset.error());
  ledger_.AddFrame(header, *offset, head.size());
  return number;
}

Result<void> SegmentedJournal::MakeRoom(uint64_t bytes, uint64_t bytes_max) {
  if (!reserve_.held() && !reserve_.Take()) {
    return Fail(Code::kUnavailable, "the disk of {} is full: its last {} bytes are kept for marks", options_.directory,
                kReserveBytes);
  }
  const Segment& active = *segments_.back();
  const bool full = active.size() > kSegmentHeaderBytes && active.size() + bytes > options_.segment_bytes_max;
  const uint64_t now = sealed_bytes_ + active.size();
  if (now + bytes > bytes_max) {
    return Fail(Code::kUnavailable, "journal of {} bytes has no room for {} more, its limit is {}", now, bytes,
                bytes_max);
  }
  if (full || active.poisoned()) SIGHTLINE_TRY(Roll());
  Segment& segment = *segments_.back();
  segment.ReserveBlocks(segment.size() + bytes, options_.segment_bytes_max);
  return {};
}

Result<void> SegmentedJournal::Roll() {
  // A sealed segment is whole (in kDisk mode on disk): recovery relies on it.
  if (!segments_.empty()) {
    Segment& sealed = *segments_.back();
    SIGHTLINE_TRY(sealed.Seal());
    if (!sealed.poisoned() && sealed.header().durability == Durability::kDisk) SIGHTLINE_TRY(sealed.Sync());
  }
  std::random_device random;
  SegmentHeader header;
  header.durability = options_.durability;
  header.sequence = segments_.empty() ? 1 : segments_.back()->header().sequence + 1;
  header.first_frame = ledger_.next_frame();
  header.block_max = ledger_.block_max();
  header.salt = uint64_t{random()} << 32 | random();
  header.boot = boot_;
  auto segment = Segment::Create(options_.directory, header);
  if (!segment) return std::unexpected(segment.error());
  if (!segments_.empty()) sealed_bytes_ += segments_.back()->size();
  segments_.push_back(std::move(*segment));
  ledger_.AddSegment(header.sequence, header.first_frame);
  return {};
}

// The sender was told that the frame is not kept and will send it again.
void SegmentedJournal::Withdraw(uint64_t frame) {
  ledger_.Withdraw(frame);
  // If this cannot be written, a restart stores the frame: more than promised, not less.
  (void)AppendMark(RecordType::kWithdrawn, EncodeNumber(frame), "journal.withdraw.begin", "journal.withdraw.end");
}

Result<void> SegmentedJournal::AppendMark(RecordType type, std::string_view body, std::string_view begin,
                                          std::string_view end) {
  if (segments_.back()->poisoned()) SIGHTLINE_TRY(Roll());
  auto offset = segments_.back()->Append(type, body, {}, begin, end);
  if (!offset && reserve_.held() && segments_.back()->disk_full()) {
    reserve_.Release();
    offset = segments_.back()->Append(type, body, {}, begin, end);
  }
  UpdateGauges();
  if (offset) return {};
  counters_.mark_errors.Add(1);
  return std::unexpected(offset.error());
}

Result<void> SegmentedJournal::AppendManifest(const Manifest& manifest) {
  std::shared_ptr<Segment> segment;
  {
    const std::lock_guard lock(mutex_);
    SIGHTLINE_TRY(ledger_.CheckManifest(manifest));
    SIGHTLINE_TRY(
        AppendMark(RecordType::kManifest, EncodeManifest(manifest), "journal.manifest.begin", "journal.manifest.end"));
    ledger_.AddManifest(manifest);
    segment = segments_.back();
  }
  if (syncer_ == nullptr) return {};
  auto synced = syncer_->Wait(segment);
  if (synced) return {};
  counters_.mark_errors.Add(1);
  return synced;
}

Result<void> SegmentedJournal::AppendDone(uint64_t block) {
  {
    const std::lock_guard lock(mutex_);
    if (!ledger_.HasOpenBlock(block)) return Fail(Code::kNotFound, "no block {} is open in the journal", block);
    SIGHTLINE_TRY(AppendMark(RecordType::kDone, EncodeNumber(block), "journal.done.begin", "journal.done.end"));
    ledger_.AddDone(block);
    UpdateGauges();
  }
  if (!DeleteFinishedSegments()) counters_.delete_errors.Add(1);
  return {};
}

Result<void> SegmentedJournal::Sync() {
  if (syncer_ == nullptr) return {};
  std::shared_ptr<Segment> segment;
  {
    const std::lock_guard lock(mutex_);
    segment = segments_.back();  // sealed ones are on disk
  }
  return syncer_->Wait(std::move(segment));
}

Result<void> SegmentedJournal::DeleteFinishedSegments() {
  const std::lock_guard only(delete_mutex_);
  bool marks_on_disk = options_.durability == Durability::kProcess;
  while (true) {
    std::shared_ptr<Segment> oldest, newest;
    {
      const std::lock_guard lock(mutex_);
      if (!ledger_.OldestIsFinished()) return {};
      oldest = segments_.front();
      newest = segments_.back();
    }
    // What says that its blocks are done must outlive it. Sealed segments are on disk already.
    if (!marks_on_disk) SIGHTLINE_TRY(newest->Sync());
    marks_on_disk = true;
    if (FaultPoint("journal.delete.begin")) return Fail(Code::kUnavailable, "delete segment: injected failure");
    if (unlink(oldest->path().c_str()) != 0 && errno != ENOENT) {
      return Fail(Code::kUnavailable, "delete {}: {}", oldest->path(), ErrnoText());
    }
    {
      const std::lock_guard lock(mutex_);
      ledger_.DropOldest();
      sealed_bytes_ -= oldest->size();
      segments_.pop_front();
      UpdateGauges();
    }
    counters_.segments_deleted.Add(1);
    // Before the next one goes: after a power loss too the segments that are left have no gap.
    if (options_.durability == Durability::kDisk) SIGHTLINE_TRY(SyncDirectory(options_.directory));
    if (FaultPoint("journal.delete.end")) return Fail(Code::kUnavailable, "delete segment: injected failure");
  }
}

Result<SegmentedJournal::Place> SegmentedJournal::Find(uint64_t frame) {
  const std::lock_guard lock(mutex_);
  const auto location = ledger_.Find(frame);
  if (!location) return Fail(Code::kNotFound, "frame {} is not in the journal", frame);
  return Place{segments_[location->segment - segments_.front()->header().sequence], *location};
}

Result<Journal::Frame> SegmentedJournal::ReadFrame(uint64_t number) {
  const auto place = Find(number);
  if (!place) return std::unexpected(place.error());
  const auto& segment = place->segment;
  const uint32_t offset = place->location.offset;
  auto body = segment->ReadBody(offset);
  if (!body) return std::unexpected(body.error());
  auto frame = DecodeFrame(*body);
  if (!frame || frame->number != number) {
    return Fail(Code::kDataLoss, "{} at offset {} does not hold frame {}", segment->path(), offset, number);
  }
  const size_t head = body->size() - frame->bytes.size();
  body->erase(0, head);
  return Frame{.number = number, .header = std::move(frame->header), .bytes = std::move(*body)};
}

Result<void> SegmentedJournal::ReadSlices(uint64_t number, std::span<const Slice> slices, std::string& out) {
  if (slices.empty()) return {};
  const auto place = Find(number);
  if (!place) return std::unexpected(place.error());
  uint64_t wanted = 0;
  for (const Slice& slice : slices) wanted += slice.size;
  const uint64_t span = slices.back().offset + uint64_t{slices.back().size} - slices.front().offset;
  if (!place->location.head_bytes) {
    const auto frame = ReadFrame(number);
    if (!frame) return std::unexpected(frame.error());
    if (slices.back().offset + uint64_t{slices.back().size} > frame->bytes.size()) {
      return Fail(Code::kInvalidArgument, "frame {} has no byte {}", number, slices.back().offset + slices.back().size);
    }
    for (const Slice& slice : slices) out.append(frame->bytes, slice.offset, slice.size);
    return {};
  }
  const size_t before = out.size();
  const uint64_t bytes_at = uint64_t{place->location.offset} + kRecordHeaderBytes + *place->location.head_bytes;
  const uint64_t gap_max = wanted * 2 > span ? UINT64_MAX : kReadGapBytes;
  std::string run;
  for (size_t first = 0, next = 0; first < slices.size(); first = next) {
    uint64_t end = slices[first].offset + uint64_t{slices[first].size};
    for (next = first + 1; next < slices.size() && slices[next].offset - end <= gap_max; ++next) {
      end = slices[next].offset + uint64_t{slices[next].size};
    }
    const uint64_t begin = slices[first].offset;
    if (auto read = place->segment->Read(bytes_at + begin, end - begin, run); !read) {
      out.resize(before);
      return Wrap(fmt::format("{}: frame {}", place->segment->path(), number), read.error());
    }
    for (size_t i = first; i < next; ++i) out.append(run, slices[i].offset - begin, slices[i].size);
  }
  return {};
}

void SegmentedJournal::Release(std::span<const uint64_t> frames) {
  {
    const std::lock_guard lock(mutex_);
    ledger_.Release(frames);
    UpdateGauges();
  }
  if (!DeleteFinishedSegments()) counters_.delete_errors.Add(1);
}

std::optional<uint64_t> SegmentedJournal::OldestHeldUntil() {
  const std::lock_guard lock(mutex_);
  return ledger_.OldestHeldUntil();
}

void SegmentedJournal::ForgetDecided() {
  const std::lock_guard lock(mutex_);
  ledger_.ForgetDecided();
}

std::vector<uint64_t> SegmentedJournal::FramesIn(const Manifest& manifest) {
  const std::lock_guard lock(mutex_);
  return ledger_.FramesIn(manifest);
}

void SegmentedJournal::UpdateGauges() {
  const uint64_t bytes = sealed_bytes_ + segments_.back()->size();
  if (options_.shared_budget != nullptr) options_.shared_budget->Change(bytes_on_disk(), bytes);
  gauges_->bytes.store(bytes, std::memory_order_relaxed);
  gauges_->segments.store(segments_.size(), std::memory_order_relaxed);
  gauges_->unfinished_frames.store(ledger_.unfinished_frames(), std::memory_order_relaxed);
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::Open(Options options, MetricsRegistry& metrics) {
  auto lock = LockDirectory(options.directory);
  if (!lock) return Wrap("open journal", lock.error());
  // At least four segments fit into the budget, so that deleting them always makes room again.
  options.segment_bytes_max = std::clamp(std::min(options.segment_bytes_max, options.journal_bytes_max / 4),
                                         kSegmentBytesMin, kSegmentBytesMax);
  auto journal = std::make_unique<SegmentedJournal>(std::move(options), metrics, std::move(*lock));
  if (auto recovered = journal->Recover(); !recovered) return Wrap("open journal", recovered.error());
  return journal;
}

}  // namespace sightline::journal
