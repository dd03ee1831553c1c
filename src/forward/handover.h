// From the journal of what waits for decisions to the outbox of what is to be delivered, once: so that spans that were
// sampled out take no disk while the backend is away.
// Data: decided frames, counted requests -> a block of the journal (manifest) -> its frames in the outbox -> done mark.
// docs/adr/012-outbox.md says why nothing is handed over twice, whatever ends the program.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "forward/backoff.h"
#include "forward/counts_queue.h"
#include "forward/forward_queue.h"
#include "forward/request_counter.h"
#include "journal/journal.h"

namespace sightline::forward {

// A block of the journal becomes at most one frame of items in the outbox, what is kept of decided frames as the
// request that will be sent, and at most one of counts. Both carry the block's number. They go to `Outputs` only when
// the block is done, so that a frame of the outbox can be gone only if no restart will look for it. Fault points:
// handover.{manifest,counts,items,done}.end. Thread: its own; Add*, Drain and the gauge from any.
class Handover {
 public:
  struct Outputs {
    std::function<void(otlp::Signal, ForwardQueue::Frame)> items;
    std::function<void(uint64_t frame, const SpanCounts&)> counts;
    std::function<void()> counts_are_complete;  // of an interval
  };
  struct Context {
    journal::Journal& journal;
    journal::Journal& outbox;
    MetricsRegistry& metrics;
    const Clock& clock;
  };
  // All references must outlive it.
  Handover(const CountsOptions& counts, const QueueOptions& queue, const Context& context, Outputs outputs);
  ~Handover();  // stops without handing over what waits: the journal has it

  // Finds what the last run left in the journal. Writes nothing, so that a full outbox keeps no gateway from starting.
  // Returns frames of the outbox that must not be sent before their block is done: they go to `Outputs` then.
  std::unordered_set<uint64_t> Recover();
  void Start();

  void AddDecided(ForwardQueue::Frame frame);
  void AddRequest(uint64_t frame, std::string_view request, const otlp::Scan& scan);  // `scan` has heads

  // Hands over all there is. False if that does not end in time, or the outbox takes nothing.
  bool Drain(int64_t deadline_monotonic_nanos);

 private:
  // What a block becomes in the outbox.
  struct Made {
    explicit Made(SpanCounts counted) : counts(std::move(counted)) {}
    OutgoingRequest items;
    SpanCounts counts;
  };
  // How far a block is: the frames that the outbox has of it, whether they go to the outputs when it is done (not those
  // that a queue has in a batch already), and whether it is.
  struct Progress {
    std::optional<uint64_t> items, counts;
    bool items_wait = false, counts_wait = false, is_done = false;
  };
  struct Taken {
    std::vector<uint64_t> decided;
    bool counts = false, all = false;
  };
  SpanCounts NoCounts() const { return SpanCounts(options_.series_max, options_.dimensions); }
  void Run();
  Taken Wait();
  bool MoveItems(otlp::Signal signal, const std::vector<uint64_t>& frames);
  bool MoveCounts();
  bool Move(const journal::Manifest& manifest, const Made& made);
  // Of a block whose manifest is written. What the outbox has of it already is not written again.
  Result<void> Finish(const journal::Manifest& manifest, const Made& made);
  Result<uint64_t> AppendToOutbox(const journal::FrameHeader& header, std::string_view bytes);
  Made Make(const journal::Manifest& manifest);
  void UseWhatIsInTheOutbox(Made& made);
  Made ReadItems(uint64_t frame);
  void NoteExemplars(const OutgoingRequest& kept, CallCounts& calls);
  void Recount(uint64_t frame, const std::function<void(std::string_view request, const otlp::Scan&)>& count);
  bool FinishLastRun();
  bool Repeat(const char* step, const std::function<Result<void>()>& write);

  const CountsOptions options_;
  const uint64_t request_bytes_max_;
  const int64_t age_nanos_max_;
  const Context context_;
  const Outputs outputs_;
  RequestCounter counter_;
  Counter& unreadable_;
  Counter& errors_;
  Backoff backoff_;
  uint64_t next_block_ = 1;

  // Of the last run.
  struct Resumed {
    journal::Manifest block;
    Progress progress;
  };
  std::vector<Resumed> resumed_;
  std::array<std::vector<uint64_t>, 3> recovered_items_;  // by otlp::Signal
  std::vector<uint64_t> recovered_requests_;              // to be counted

  Progress progress_;               // of the block under way
  int64_t counts_since_nanos_ = 0;  // monotonic; when they were handed over last

  std::mutex mutex_;
  std::condition_variable wake_, drained_;
  struct Queued {
    ForwardQueue::Frame frame;
    int64_t queued_monotonic_nanos = 0;
  };
  std::deque<Queued> decided_;  // guarded by mutex_, as all below
  uint64_t decided_bytes_ = 0;
  uint64_t moving_ = 0;  // frames that were taken and are not done
  uint64_t drains_wanted_ = 0, drains_ = 0;
  bool stopping_ = false;

  std::atomic<bool> blocked_ = false;  // the outbox or the journal takes nothing
  std::thread thread_;
};

}  // namespace sightline::forward
