// What the journal knows of its frames and blocks without reading the disk.
// Data: frames, manifests and done marks as they are written or read back -> where a frame lies, what is unfinished,
// which segments may go. Recovery fills it with the same calls as normal work does.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "journal/journal.h"

namespace sightline::journal {

// Holds 8 bytes for each frame of a segment that has something unfinished, nothing for others.
// Invariant: frames are numbered without gaps from the oldest segment's first frame to next_frame() - 1; a manifest
// stands in the same segment as the last of its frames or a later one.
// Thread: guarded by its journal's mutex.
class Ledger {
 public:
  // Begins the newest segment. Its first frame will be `first_frame`, which is not below next_frame().
  void AddSegment(uint64_t sequence, uint64_t first_frame);

  // Into the newest segment; the frame is next_frame(). `head_bytes`: of the record's body before the request's bytes.
  // One with undecided spans is held from the start.
  void AddFrame(const FrameHeader& header, uint32_t offset, size_t head_bytes);
  // `number` is not below next_frame(): those between were lost and count as finished.
  void AddLostFramesBefore(uint64_t number);

  // kInvalidArgument: ranges that are not ascending. kAlreadyExists: the block has another manifest.
  // kFailedPrecondition: a frame is already in another block.
  Result<void> CheckManifest(const Manifest& manifest) const;
  void AddManifest(const Manifest& manifest);  // has passed CheckManifest

  bool HasOpenBlock(uint64_t block) const { return blocks_.contains(block); }
  void AddDone(uint64_t block);   // an unknown block (its manifest is deleted already) only counts for block_max
  void Withdraw(uint64_t frame);  // as if it had never been written, but for its number
  void SawBlock(uint64_t block);  // for block_max
  void Release(std::span<const uint64_t> frames);
  void ForgetDecided();
  // Of frames that are there now and were not withdrawn. From now on none is noted.
  std::vector<Unfinished::HandedOver> TakeHandedOver();

  struct Location {
    uint64_t segment = 0;  // sequence
    uint32_t offset = 0;
    std::optional<uint32_t> head_bytes;  // empty: too many to be remembered
  };
  bool has_segments() const { return !segments_.empty(); }
  std::optional<Location> Find(uint64_t frame) const;
  std::vector<uint64_t> FramesIn(const Manifest& manifest) const;

  std::vector<Manifest> OpenBlocks() const;  // by number
  std::vector<uint64_t> FramesWithoutBlock() const;
  std::vector<uint64_t> HeldFrames() const;
  std::vector<uint64_t> DecidedFrames() const;
  uint64_t unfinished_frames() const { return unfinished_frames_; }

  // True when the oldest segment is not the newest and holds nothing unfinished.
  bool OldestIsFinished() const;
  // The last frame of the oldest segment, if held frames are all that keeps it.
  std::optional<uint64_t> OldestHeldUntil() const;
  void DropOldest() { segments_.pop_front(); }

  uint64_t next_frame() const { return next_frame_; }
  uint64_t block_max() const { return block_max_; }

 private:
  enum class State : uint8_t {
    kWaiting,
    kInBlock,
    kDone,  // its block is, but it is held
    kFinished
  };
  static constexpr uint16_t kHeadBytesUnknown = UINT16_MAX;
  struct Frame {
    uint32_t offset = 0;  // 0: the frame was lost or withdrawn, and is in no block
    uint16_t head_bytes = kHeadBytesUnknown;
    otlp::Signal signal : 2 = otlp::Signal::kTraces;
    bool decided : 1 = false;
    bool undecided_spans : 1 = false;
    bool counts : 1 = false;
    bool held : 1 = false;
    State state = State::kWaiting;

    bool BelongsTo(const Manifest& manifest) const {
      const bool is_counted = undecided_spans || counts;
      return offset != 0 && signal == manifest.signal && is_counted == (manifest.kind == BlockKind::kSpanMetrics);
    }
  };
  static_assert(sizeof(Frame) == 8);
  struct Segment {
    uint64_t sequence = 0;
    uint64_t first_frame = 0;
    uint64_t unfinished_frames = 0;  // of them kept_by_hold are done and held
    uint64_t kept_by_hold = 0;
    uint64_t open_manifests = 0;  // written into it
    bool has_decided = false;
    std::vector<Frame> frames;  // empty once the segment is finished
  };
  struct Block {
    Manifest manifest;
    uint64_t segment = 0;  // that the manifest stands in
  };

  // The segment and frame of that number, or nullptrs.
  template <typename Segments>
  static auto FindIn(Segments& segments, uint64_t number);
  // Calls visit(number, frame) for each frame of a manifest until it returns false.
  template <typename Segments, typename Visit>
  static void VisitFrames(Segments& segments, const Manifest& manifest, const Visit& visit);
  template <typename Wanted>
  std::vector<uint64_t> FramesThat(const Wanted& wanted) const;
  void Finish(Segment& segment, Frame& frame);
  void FreeIfFinished(Segment& segment);

  std::deque<Segment> segments_;                // oldest first
  std::unordered_map<uint64_t, Block> blocks_;  // with a manifest, not done
  uint64_t unfinished_frames_ = 0;
  uint64_t next_frame_ = 1;
  uint64_t block_max_ = 0;
  bool remembers_decided_ = true;
  std::optional<std::vector<Unfinished::HandedOver>> handed_over_ = std::vector<Unfinished::HandedOver>();
};

}  // namespace sightline::journal
