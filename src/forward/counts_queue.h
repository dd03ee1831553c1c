// What is counted before sampling -> metrics for the backend, exactly once as far as OTLP lets it.
// Data: journalled requests with undecided spans, and the graph of delivered decided frames -> CallCounts, GraphCounts
// -> every few seconds a block: a manifest of the frames that were counted, the metrics, a done mark.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "forward/call_counts.h"
#include "forward/delivery.h"
#include "forward/graph_counts.h"
#include "journal/journal.h"
#include "otlp/scan.h"

namespace sightline::forward {

struct CountsOptions {
  bool enabled = true;  // false: nothing is counted; frames are only marked as done
  int64_t interval_nanos = 10'000'000'000;
  uint64_t bytes_max = 256 << 20;  // of requests between two exports, which the journal must keep
  uint32_t series_max = 10'000;
  std::vector<otlp::Dimension> dimensions;
  std::string instance_id;  // of the gateway
};

// Totals are cumulative since the start of the program, so that a request that comes twice changes nothing. After a
// restart they begin anew, with what the last run had counted and not delivered.
// Thread: its own; Add, AddGraph and Drain from any.
class CountsQueue {
 public:
  // Without an exporter counts go nowhere.
  CountsQueue(const CountsOptions& options, const QueueOptions& queue, const QueueContext& context,
              std::unique_ptr<Exporter> exporter);
  ~CountsQueue();  // stops without delivering what is counted: the journal has it

  // Before Start: blocks and frames of the last run.
  void Resume(journal::Manifest block) { resumed_.push_back(std::move(block)); }
  void Recover(uint64_t frame) { recovered_.push_back(frame); }
  void Start();

  // A frame with undecided spans, which is in the journal; `scan` has heads.
  void Add(uint64_t frame, std::string_view request, const otlp::Scan& scan);
  // As ServiceGraphEdges::Encode made it. It is in the journal when this returns, unless that is full: then only in
  // memory.
  void AddGraph(std::string_view encoded);

  // Delivers what is counted now; false if that did not succeed in time.
  bool Drain(int64_t deadline_monotonic_nanos);

 private:
  struct Counted {
    // `options` must outlive it.
    explicit Counted(const CountsOptions& options) : calls(options.series_max, options.dimensions) {}
    CallCounts calls;
    otlp::ServiceGraphEdges graph;
    std::vector<uint64_t> frames;
  };
  // Receiving threads take whichever is free.
  struct Slot {
    explicit Slot(const CountsOptions& options) : counted(options) {}
    std::mutex mutex;
    Counted counted;  // guarded by mutex
  };
  template <typename Change>
  void ChangeOne(uint64_t bytes, const Change& change);
  void Run();
  void ReadBack(uint64_t frame, Counted& counted);
  void Export();
  bool Deliver(const journal::Manifest& manifest, const Counted& counted);
  Result<uint64_t> AppendCarrier(std::string_view encoded);

  const CountsOptions options_;
  const uint64_t request_bytes_max_;
  QueueContext context_;
  Delivery delivery_;
  const int64_t start_unix_nanos_;
  std::deque<journal::Manifest> resumed_;
  std::vector<uint64_t> recovered_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::atomic<uint64_t> counted_bytes_ = 0;  // since the last export

  CallCounts total_calls_;
  GraphCounts total_graph_;

  std::mutex mutex_;
  std::condition_variable wake_, exported_;
  uint64_t exports_wanted_ = 0, exports_ = 0;  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  std::thread thread_;
};

}  // namespace sightline::forward
