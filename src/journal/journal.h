// The append-only log of accepted requests: what was answered OK is in here until it is in the store.
// Data: frames (requests, decisions of the sampler), manifests (which frames a block holds) and done marks -> segment
// files -> the same, after a crash. The format of a segment stands in README.md beside this file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "journal/disk_budget.h"
#include "otlp/signal.h"

namespace sightline::journal {

enum class Durability : uint8_t {
  kProcess,  // written to the kernel before the answer: survives a crash of the program
  kDisk,     // fsynced (group commit) before the answer: survives power loss
};

struct Options {
  std::string directory;  // created with mode 0700 if missing
  Durability durability = Durability::kProcess;
  uint64_t segment_bytes_max = 64 << 20;    // a new segment starts beyond it
  uint64_t journal_bytes_max = 4ULL << 30;  // disk budget: appends are refused (kUnavailable) beyond it
  // Several journals may share a larger one: then what the others take is not there for this one. Must outlive it.
  DiskBudget* shared_budget = nullptr;
  std::string name;  // label "journal" of its gauges, where there are several
};

enum class FrameKind : uint8_t {
  kRequest,  // what a client sent
  kDecided,  // what the sampler decided about spans of earlier frames, with the kept ones (sample/decided_frame.h)
  kCounts,   // what was counted of requests; stands in blocks of span metrics (forward/span_counts.h)
};

struct FrameHeader {
  otlp::Signal signal = otlp::Signal::kTraces;
  FrameKind kind = FrameKind::kRequest;
  // A request whose spans wait for decisions. Its items stand in no block; a block of span metrics counts them, and it
  // is held until Release says that all are decided.
  bool undecided_spans = false;
  // The frame was made of this block of another journal; 0: of none. Whoever has to finish that block after a crash
  // finds it in `Unfinished::handed_over`.
  uint64_t from_block = 0;
  int64_t received_unix_nanos = 0;
  std::vector<uint32_t> refused;  // ordinals, ascending: the scan's decision, obeyed on replay
};

enum class BlockKind : uint8_t {
  kItems,        // of all frames of a signal but those below
  kSpanMetrics,  // calls and durations of frames with undecided spans, and nothing else of them; frames of counts
};

// Which frames a block holds, as inclusive ranges of frame numbers of its signal and kind. Written before the block's
// first insert.
struct Manifest {
  uint64_t block = 0;
  otlp::Signal signal = otlp::Signal::kTraces;
  BlockKind kind = BlockKind::kItems;
  struct Range {
    uint64_t first = 0, last = 0;
  };
  std::vector<Range> frames;  // ascending, disjoint; numbers of other frames inside a range don't count
};

// What a crash left behind, in frame order. `Open` finds it; whoever replays it marks blocks done as usual.
struct Unfinished {
  std::vector<Manifest> blocks;  // have a manifest and no done mark
  std::vector<uint64_t> frames;  // numbers of frames that stand in no manifest
  // Of every frame with undecided spans, and of every decided frame, that still has a segment: who replays finds out
  // which spans the latter leave open, and then calls ForgetDecided.
  std::vector<uint64_t> undecided, decided;
  // Of every frame with `from_block` that still has a segment.
  struct HandedOver {
    uint64_t frame = 0, block = 0;
    FrameKind kind = FrameKind::kRequest;
  };
  std::vector<HandedOver> handed_over;
  uint64_t block_max = 0;   // no block number above it was ever used here; 0 if none was
  uint64_t torn_bytes = 0;  // cut off the end: an append that was never answered
  uint64_t lost_bytes = 0;  // damage that is skipped: power loss in kProcess mode, which promises nothing for it
};

// Numbers frames from 1 on, without reuse. Segments are deleted oldest first, when every frame in them belongs to a
// done block and none is held. A frame stands in one manifest only, and in none before its `done` has reported success.
// Fault points: journal.frame, journal.decided, journal.manifest, journal.done, journal.delete (each before and after:
// ".begin", ".end"), journal.sync. Thread: any; one mutex around appends.
class Journal {
 public:
  // Locks the directory (kFailedPrecondition: another program has it), cuts a torn tail, finds what is unfinished.
  // A record whose checksum fails before the tail is kDataLoss and names segment and offset; nothing is changed then.
  // README.md says how tail, damage and power loss are told apart.
  static Result<std::unique_ptr<Journal>> Open(Options options, MetricsRegistry& metrics);
  virtual ~Journal() = default;

  virtual const Unfinished& unfinished() const = 0;

  // Appends one frame and returns its number. `done` is called exactly once, when the frame has the promised
  // durability: before Append returns in kProcess mode, from the sync thread in kDisk mode (with kUnavailable if the
  // sync failed). When Append itself returns an error (kUnavailable: disk full or over budget), nothing of the frame
  // stays in the file and `done` is not called. What no client waits for (a decided frame, counts, what is made of
  // another journal's block) may pass the budget by an eighth: without decisions a journal full of undecided spans
  // would stay full.
  virtual Result<uint64_t> Append(const FrameHeader& header, std::string_view bytes,
                                  std::function<void(Result<void>)> done) = 0;

  // Has the promised durability when it returns (kDisk: waits for a sync). The same manifest again is no error, so that
  // a failed call can be repeated. kFailedPrecondition: a frame is in another block already.
  virtual Result<void> AppendManifest(const Manifest& manifest) = 0;

  // The block is in the store. Deletes segments that no longer hold anything unfinished (a failure of that is only
  // counted: the next call tries again). kNotFound: no such block is open. kUnavailable: the mark could not be written,
  // call again.
  virtual Result<void> AppendDone(uint64_t block) = 0;

  // What was appended before the call, done marks too, has the promised durability when it returns.
  virtual Result<void> Sync() = 0;

  // Reads a frame back: its header and bytes. kNotFound when all of its segment is done; kDataLoss when its checksum
  // fails.
  struct Frame {
    uint64_t number = 0;
    FrameHeader header;
    std::string bytes;
  };
  virtual Result<Frame> ReadFrame(uint64_t number) = 0;

  // Appends pieces of a frame's bytes to `out`, in the order of `slices`, which are ascending and disjoint. The pieces
  // are not checked (that would take the whole frame), except that they lie inside the frame. Costs a read for each run
  // of slices that lie close together. kNotFound, kDataLoss: `out` is as it was.
  struct Slice {
    uint32_t offset = 0, size = 0;
  };
  virtual Result<void> ReadSlices(uint64_t number, std::span<const Slice> slices, std::string& out) = 0;

  // All spans of these frames are decided, and the decisions are in the journal. Deletes segments as AppendDone does.
  // Nothing is written: a restart holds the frames again until the decided frames have been read.
  virtual void Release(std::span<const uint64_t> frames) = 0;

  // The last frame of the oldest segment, while nothing but undecided spans keeps that from deletion.
  virtual std::optional<uint64_t> OldestHeldUntil() = 0;

  // Decided frames that are in done blocks need not be found any more; from now on they take no memory.
  virtual void ForgetDecided() = 0;

  // Numbers of the frames of the manifest's signal and kind inside its ranges, of segments in which something is
  // unfinished.
  virtual std::vector<uint64_t> FramesIn(const Manifest& manifest) = 0;

  virtual uint64_t bytes_on_disk() const = 0;
  virtual uint64_t bytes_max() const = 0;  // that this may be now; what others take of a shared budget is taken off
};

}  // namespace sightline::journal
